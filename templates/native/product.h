/**
 * Products of tiles whose rows lie in lanes: c[x, l] = the sum over k of a[k, l] * b(x, k). a and c are tiles with a line of lanes
 * for each k and each x; b is read element by element where it lies, at b[x * bx + k * bk]. Each element of c is one chain of fused
 * multiplications in the order of k, whatever the blocks, so that the same product has the same bits wherever it is computed.
 */
#pragma once
#include "arithmetic.h"

#define ATTNC_UNROLL _Pragma("GCC unroll 16")

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

/** xs elements of b at a time, each with as many vectors of a: their sums stay in registers. */
template <bool fresh, int xs, int vectors>
ATTNC_INLINE void multiplyBlock(Into c, Left a, Right b, std::ptrdiff_t depth) {
  floats sum[xs][vectors];
  const float *line[xs];
  ATTNC_UNROLL
  for (int x = 0; x < xs; ++x) {
    line[x] = b.at + x * b.x;
    ATTNC_UNROLL
    for (int v = 0; v < vectors; ++v) sum[x][v] = fresh ? floats{} : load(c.at + x * c.x + v * lanes);
  }
  const float *left = a.at;
  for (std::ptrdiff_t k = 0, at = 0; k < depth; ++k, at += b.k, left += a.k) {
    floats l[vectors];
    ATTNC_UNROLL
    for (int v = 0; v < vectors; ++v) l[v] = load(left + v * lanes);
    ATTNC_UNROLL
    for (int x = 0; x < xs; ++x) {
      const floats r = wide(line[x][at]);
      ATTNC_UNROLL
      for (int v = 0; v < vectors; ++v) sum[x][v] = fuse(r, l[v], sum[x][v]);
    }
  }
  ATTNC_UNROLL
  for (int x = 0; x < xs; ++x) {
    ATTNC_UNROLL
    for (int v = 0; v < vectors; ++v) store(c.at + x * c.x + v * lanes, sum[x][v]);
  }
}

/** So many elements of b that their sums with two vectors fit the registers. */
constexpr int atOnce = lanes == 16 ? 8 : 6;

template <bool fresh, int vectors>
inline void multiplyColumns(Into c, Left a, Right b, std::ptrdiff_t width, std::ptrdiff_t depth) {
  std::ptrdiff_t x = 0;
  const auto next = [&](auto count) {
    multiplyBlock<fresh, decltype(count)::value, vectors>({c.at + x * c.x, c.x}, a, {b.at + x * b.x, b.x, b.k}, depth);
    x += decltype(count)::value;
  };
  while (x + atOnce <= width) next(std::integral_constant<int, atOnce>{});
  if (x + 4 <= width) next(std::integral_constant<int, 4>{});
  if (x + 2 <= width) next(std::integral_constant<int, 2>{});
  while (x < width) next(std::integral_constant<int, 1>{});
}

/** Products of up to this many rows are those of few.h. */
constexpr int mostFew = lanes >= 8 ? 4 : 1;
template <bool fresh>
std::ptrdiff_t multiplyFew(Into c, Left a, Right b, std::ptrdiff_t width, std::ptrdiff_t depth);

/** c = a b if `fresh`, else c += a b, for `rows` lanes, rounded up to whole vectors. */
template <bool fresh>
inline void multiplyTiles(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t width, std::ptrdiff_t depth) {
  if (rows <= mostFew) {
    const std::ptrdiff_t x = multiplyFew<fresh>(c, a, b, width, depth);
    return multiplyColumns<fresh, 1>({c.at + x * c.x, c.x}, a, {b.at + x * b.x, b.x, b.k}, width - x, depth);
  }
  std::ptrdiff_t row = 0;
  for (; row + lanes < rows; row += 2 * lanes) multiplyColumns<fresh, 2>({c.at + row, c.x}, {a.at + row, a.k}, b, width, depth);
  if (row < rows) multiplyColumns<fresh, 1>({c.at + row, c.x}, {a.at + row, a.k}, b, width, depth);
}

/** The same with nothing added where a is 0: b may hold NaN there. */
template <bool fresh>
inline void multiplyWhere(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t width, std::ptrdiff_t depth) {
  for (std::ptrdiff_t x = 0; x < width; ++x) {
    for (std::ptrdiff_t row = 0; row < rows; row += lanes) {
      floats sum = fresh ? floats{} : load(c.at + x * c.x + row);
      for (std::ptrdiff_t k = 0; k < depth; ++k) {
        const floats weight = load(a.at + k * a.k + row);
        const floats next = fuse(wide(b.at[x * b.x + k * b.k]), weight, sum);
        sum = weight != 0.0f ? next : sum;
      }
      store(c.at + x * c.x + row, sum);
    }
  }
}

ATTNC_INLINE bool allFinite(Right b, std::ptrdiff_t width, std::ptrdiff_t depth) {
  bool finite = true;
  for (std::ptrdiff_t k = 0; k < depth; ++k)
    for (std::ptrdiff_t x = 0; x < width; ++x) finite &= std::fabs(b.at[x * b.x + k * b.k]) < INFINITY;
  return finite;
}

/** `multiplyTiles` where a is 0 outside of a mask, which `full` says there is nothing of. */
template <bool fresh>
inline void multiplyMasked(Into c, Left a, Right b, std::ptrdiff_t rows, std::ptrdiff_t width, std::ptrdiff_t depth, bool full) {
  if (full || allFinite(b, width, depth)) multiplyTiles<fresh>(c, a, b, rows, width, depth);
  else multiplyWhere<fresh>(c, a, b, rows, width, depth);
}

}  // namespace vec
}  // namespace
