/**
 * Products of tiles whose rows lie in lanes: c[x, l] = the sum over k of a[k, l] * b(x, k). a and c are tiles with a line of lanes
 * for each k and each x; b is read element by element where it lies, at b[x * bx + k * bk]. Each product is one chain of fused
 * multiplications in the order of k, whatever the blocks, so that it has the same bits wherever it is computed.
 */
#pragma once
#include "arithmetic.h"

#define ATTNC_UNROLL _Pragma("GCC unroll 16")
#define ATTNC_UNROLL_SOME _Pragma("GCC unroll 4")

namespace {
namespace vec {

struct Left {
  const float *at;
  std::ptrdiff_t k;
};
struct Right {
  const float *at;
  std::ptrdiff_t x;
  std::ptrdiff_t k;
};
struct Into {
  float *at;
  std::ptrdiff_t x;
};

/** What is found of the elements of c while they are at hand: nothing, or the extreme of each lane, where NaN may be left out. */
struct Nothing {
  ATTNC_INLINE Nothing after(std::ptrdiff_t) const { return {}; }
  ATTNC_INLINE void begin(std::ptrdiff_t) const {}
  template <class F>
  ATTNC_INLINE void see(int, int, F) const {}
};
template <bool isMost>
struct Extreme {
  float *at;

  ATTNC_INLINE Extreme after(std::ptrdiff_t row) const { return {at + row}; }
  ATTNC_INLINE void begin(std::ptrdiff_t rows) const {
    for (std::ptrdiff_t row = 0; row < rows; row += lanes) store(at + row, wide(isMost ? -INFINITY : INFINITY));
  }
  /** x(n) for each n below `count`, of the vector with this number. */
  template <class F>
  ATTNC_INLINE void see(int vector, int count, F x) const {
    floats found = load(at + vector * lanes);
    ATTNC_UNROLL
    for (int n = 0; n < count; ++n) found = extreme<isMost>(x(n), found);
    store(at + vector * lanes, found);
  }
};

/** xs elements of b at a time, each with as many vectors of a: their sums stay in registers. */
template <bool fresh, int xs, int vectors, class Found>
ATTNC_INLINE void multiplyBlock(Into c, Left a, Right b, std::ptrdiff_t depth, Found found) {
  floats sum[xs][vectors];
  ATTNC_UNROLL
  for (int x = 0; x < xs; ++x) {
    ATTNC_UNROLL
    for (int v = 0; v < vectors; ++v) sum[x][v] = floats{};
  }
  const float *left = a.at;
  const float *line[(xs + 2) / 3];  // of every third element: the others lie once and twice a step after it
  ATTNC_UNROLL
  for (int x = 0; x < xs; x += 3) line[x / 3] = b.at + x * b.x;
  ATTNC_UNROLL_SOME
  for (std::ptrdiff_t k = 0; k < depth; ++k, left += a.k) {
    floats l[vectors];
    ATTNC_UNROLL
    for (int v = 0; v < vectors; ++v) l[v] = load(left + v * lanes);
    ATTNC_UNROLL
    for (int x = 0; x < xs; ++x) {
      const floats r = wide(line[x / 3][x % 3 * b.x]);
      ATTNC_UNROLL
      for (int v = 0; v < vectors; ++v) sum[x][v] = fuse(r, l[v], sum[x][v]);
    }
    ATTNC_UNROLL
    for (int x = 0; x < xs; x += 3) line[x / 3] += b.k;
  }
  ATTNC_UNROLL
  for (int x = 0; x < xs; ++x) {
    ATTNC_UNROLL
    for (int v = 0; v < vectors; ++v) {
      float *const to = c.at + x * c.x + v * lanes;
      store(to, fresh ? sum[x][v] : load(to) + sum[x][v]);
    }
  }
  ATTNC_UNROLL
  for (int v = 0; v < vectors; ++v) found.see(v, xs, [&](int x) { return sum[x][v]; });
}

/** So many elements of b that their sums with two vectors fit the registers. */
constexpr int atOnce = lanes == 16 ? 8 : 6;

/** What is read of b stays in the nearest cache for all rows. */
template <bool fresh, int xs, class Found>
ATTNC_INLINE void multiplyRows(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t depth, Found found) {
  std::ptrdiff_t row = 0;
  if constexpr (xs <= atOnce)
    for (; row + lanes < rows; row += 2 * lanes)
      multiplyBlock<fresh, xs, 2>({c.at + row, c.x}, {a.at + row, a.k}, b, depth, found.after(row));
  if (row < rows) multiplyBlock<fresh, xs, 1>({c.at + row, c.x}, {a.at + row, a.k}, b, depth, found.after(row));
}

/** Products of up to this many rows are those of few.h. */
constexpr int mostFew = lanes >= 8 ? 4 : 1;
template <bool fresh>
std::ptrdiff_t multiplyFew(Into c, Left a, Right b, std::ptrdiff_t width, std::ptrdiff_t depth);

/** c = a b if `fresh`, else c += a b, for `rows` lanes, rounded up to whole vectors. Extremes are those of c = a b. */
template <bool fresh, class Found = Nothing>
inline void multiplyTiles(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t width, std::ptrdiff_t depth, Found found = {}) {
  static_assert(fresh || std::is_same<Found, Nothing>::value, "of products, not of what they are added to");
  std::ptrdiff_t x = 0;
  found.begin(rows);
  const auto next = [&](auto count) {
    multiplyRows<fresh, decltype(count)::value>({c.at + x * c.x, c.x}, a, {b.at + x * b.x, b.x, b.k}, rows, depth, found);
    x += decltype(count)::value;
  };
  if (rows <= mostFew) {
    x = multiplyFew<fresh>(c, a, b, width, depth);
    for (std::ptrdiff_t done = 0; done < x; ++done) found.see(0, 1, [&](int) { return load(c.at + done * c.x); });
  }
  if (rows <= lanes)
    while (x + 2 * atOnce <= width) next(std::integral_constant<int, 2 * atOnce>{});
  while (x + atOnce <= width) next(std::integral_constant<int, atOnce>{});
  if (x + 4 <= width) next(std::integral_constant<int, 4>{});
  if (x + 2 <= width) next(std::integral_constant<int, 2>{});
  while (x < width) next(std::integral_constant<int, 1>{});
}

/** The same with nothing added where a is 0: b may hold NaN there. */
template <bool fresh>
inline void multiplyWhere(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t width, std::ptrdiff_t depth) {
  for (std::ptrdiff_t x = 0; x < width; ++x) {
    for (std::ptrdiff_t row = 0; row < rows; row += lanes) {
      floats sum{};
      for (std::ptrdiff_t k = 0; k < depth; ++k) {
        const floats weight = load(a.at + k * a.k + row);
        const floats next = fuse(wide(b.at[x * b.x + k * b.k]), weight, sum);
        sum = weight != 0.0f ? next : sum;
      }
      float *const to = c.at + x * c.x + row;
      store(to, fresh ? sum : load(to) + sum);
    }
  }
}

/** By the exponents' bits. */
inline bool allFinite(Right b, std::ptrdiff_t width, std::ptrdiff_t depth) {
  const bool alongX = b.x == 1;
  const std::ptrdiff_t length = alongX ? width : depth;
  const std::ptrdiff_t lines = alongX ? depth : width;
  const std::ptrdiff_t step = alongX ? 1 : b.k;
  ints most{};
  bool finite = true;
  for (std::ptrdiff_t n = 0; n < lines; ++n) {
    const float *const line = b.at + n * (alongX ? b.k : b.x);
    std::ptrdiff_t at = 0;
    if (step == 1)
      for (; at + lanes <= length; at += lanes) most = largest(most, (ints)((words)load(line + at) & 0x7fffffffu));
    for (; at < length; ++at) finite &= std::fabs(line[at * step]) < INFINITY;
  }
  return finite && !anyOf(most >= 0x7f800000);
}

/** `multiplyTiles` where a is 0 outside of a mask, which `full` says there is nothing of. */
template <bool fresh>
inline void multiplyMasked(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t width, std::ptrdiff_t depth, bool full) {
  if (full || allFinite(b, width, depth)) multiplyTiles<fresh>(c, a, b, rows, width, depth);
  else multiplyWhere<fresh>(c, a, b, rows, width, depth);
}

}  // namespace vec
}  // namespace
