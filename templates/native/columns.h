/**
 * Elements of a tensor for a vector of rows and several columns. Where columns lie next to each other, blocks of as many columns as a
 * vector has lanes are read or written along the columns, and turned in registers.
 */
#pragma once
#include <utility>

#include "lanes.h"

namespace {
namespace vec {

#if defined(__clang__) || __GNUC__ >= 12
/** Lane n of the first: n of a, or n - step of b where n has this bit; of the second: n + step of a, or n of b. */
template <int step, std::size_t... n>
ATTNC_INLINE void exchange(floats &a, floats &b, std::index_sequence<n...>) {
  const floats low = __builtin_shufflevector(a, b, (n & step ? int(n) - step + lanes : int(n))...);
  const floats high = __builtin_shufflevector(a, b, (n & step ? int(n) + lanes : int(n) + step)...);
  a = low;
  b = high;
}
template <int step>
ATTNC_INLINE void exchangeAll(floats (&rows)[lanes]) {
  for (int n = 0; n < lanes; ++n)
    if (!(n & step)) exchange<step>(rows[n], rows[n + step], std::make_index_sequence<lanes>{});
  if constexpr (step > 1) exchangeAll<step / 2>(rows);
}
/** Rows become columns. Eklundh, "A Fast Computer Method for Matrix Transposing", 1972. */
ATTNC_INLINE void turn(floats (&rows)[lanes]) { exchangeAll<lanes / 2>(rows); }
#else
ATTNC_INLINE void turn(floats (&rows)[lanes]) {
  for (int n = 0; n < lanes; ++n) {
    for (int m = 0; m < n; ++m) {
      const float x = rows[n][m];
      rows[n][m] = rows[m][n];
      rows[m][n] = x;
    }
  }
}
#endif

constexpr int lineFloats = 16;  // in a line of the cache

/** Asks for the line that lies so many elements further. */
ATTNC_INLINE void prefetch(const float *at, std::ptrdiff_t further) {
  __builtin_prefetch(reinterpret_cast<const void *>(std::uintptr_t(at) + std::uintptr_t(further) * sizeof(float)));
}

/** Element (n, x) of a tensor lies at[n * row + x * column]: columns as lines of a tile. Lanes from `rows` on are 0. */
inline void loadColumns(float *to, std::ptrdiff_t line, const float *at, std::ptrdiff_t row, std::ptrdiff_t column, std::int32_t rows, std::int32_t columns) {
  const int end = rows < lanes ? rows : lanes;
  std::int32_t x = 0;
  if (column == 1) {
    for (; x + lanes <= columns; x += lanes) {
      floats block[lanes];
      for (int n = 0; n < lanes; ++n) block[n] = n < end ? load(at + n * row + x) : floats{};
      turn(block);
      for (int n = 0; n < lanes; ++n) store(to + (x + n) * line, block[n]);
    }
  }
  for (; x < columns; ++x) store(to + x * line, loadEvery(at + x * column, row, rows));
}

/** Asks for a vector's rows that lie `further` elements from `at`, where their columns lie next to each other. */
inline void askForRows(const float *at, std::ptrdiff_t further, std::ptrdiff_t row, std::ptrdiff_t column, std::int32_t columns) {
  if (column != 1) return;
  for (std::int32_t n = 0; n < lanes; ++n)
    for (std::int32_t x = 0; x < columns; x += lineFloats) prefetch(at, further + n * row + x);
}

/** Writes f(x) of the first `rows` lanes as column x. */
template <class F>
ATTNC_INLINE void storeColumns(float *at, std::ptrdiff_t row, std::ptrdiff_t column, std::int32_t rows, std::int32_t columns, F f) {
  const int end = rows < lanes ? rows : lanes;
  std::int32_t x = 0;
  if (column == 1) {
    for (; x + lanes <= columns; x += lanes) {
      floats block[lanes];
      for (int n = 0; n < lanes; ++n) block[n] = f(x + n);
      turn(block);
      for (int n = 0; n < end; ++n) store(at + n * row + x, block[n]);
    }
  }
  for (; x < columns; ++x) storeEvery(at + x * column, row, rows, f(x));
}

}  // namespace vec
}  // namespace
