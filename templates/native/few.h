/**
 * Products of tiles with few rows, as where one query attends to many keys: rows would leave most lanes empty, so the elements that
 * b brings in lie in the lanes instead. Sums are the same chains as in product.h, bit for bit.
 */
#pragma once
#include "columns.h"
#include "product.h"

namespace {
namespace vec {

/** Sums of few rows, each of `groups` vectors. */
constexpr int fewRows = mostFew;
constexpr int fewGroups = lanes == 16 ? 4 : 2;

template <int groups>
struct FewSums {
  floats of[fewRows][groups];

  ATTNC_INLINE void add(int group, floats b, const float *a) {
    ATTNC_UNROLL
    for (int row = 0; row < fewRows; ++row) of[row][group] = fuse(b, wide(a[row]), of[row][group]);
  }
  ATTNC_INLINE void clear() {
    ATTNC_UNROLL
    for (int row = 0; row < fewRows; ++row) {
      ATTNC_UNROLL
      for (int g = 0; g < groups; ++g) of[row][g] = floats{};
    }
  }
  template <bool fresh>
  ATTNC_INLINE void write(Into c) const {
    alignas(64) float lines[fewRows][groups * lanes];
    ATTNC_UNROLL
    for (int row = 0; row < fewRows; ++row) {
      ATTNC_UNROLL
      for (int g = 0; g < groups; ++g) store(&lines[row][g * lanes], of[row][g]);
    }
    for (int x = 0; x < groups * lanes; ++x) {
      float *const to = c.at + x * c.x;
      for (int row = 0; row < fewRows; ++row) to[row] = fresh ? lines[row][x] : to[row] + lines[row][x];
    }
  }
};

/**
 * Rows of b are asked for so long before they are needed: there is too little arithmetic to wait for memory in. Lines are asked for in
 * the order in which they lie, which memory's own look-ahead follows.
 */
constexpr int rowsAhead = 8;

/** Elements of b that are neighbours along x. `asked`: how many of each row are asked for. */
template <bool fresh, int groups>
inline void multiplyFewAcross(Into c, Left a, Right b, std::ptrdiff_t depth, std::ptrdiff_t asked) {
  FewSums<groups> sums;
  sums.clear();
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    for (std::ptrdiff_t x = 0; x < asked; x += lineFloats) prefetch(b.at + k * b.k + x, rowsAhead * b.k);
    ATTNC_UNROLL
    for (int g = 0; g < groups; ++g) sums.add(g, load(b.at + k * b.k + g * lanes), a.at + k * a.k);
  }
  sums.template write<fresh>(c);
}

/** Elements of b that are neighbours along k: a square of them at a time is turned. The next rows follow along x. */
template <bool fresh>
inline void multiplyFewTurned(Into c, Left a, Right b, std::ptrdiff_t depth) {
  FewSums<1> sums;
  sums.clear();
  const std::ptrdiff_t rest = depth % lanes;
  std::ptrdiff_t row = lanes * b.x, column = 0;  // of the line to ask for
  for (std::ptrdiff_t k = 0; k < depth - rest; k += lanes) {
    floats lines[lanes];
    for (int n = 0; n < lanes * lanes / lineFloats; ++n) {
      prefetch(b.at, row + column);
      column += lineFloats;
      if (column >= depth) {
        row += b.x;
        column = 0;
      }
    }
    ATTNC_UNROLL
    for (int n = 0; n < lanes; ++n) lines[n] = load(b.at + n * b.x + k);
    turn(lines);
    ATTNC_UNROLL
    for (int n = 0; n < lanes; ++n) sums.add(0, lines[n], a.at + (k + n) * a.k);
  }
  for (std::ptrdiff_t k = depth - rest; k < depth; ++k) sums.add(0, loadEvery(b.at + k, b.x, lanes), a.at + k * a.k);
  sums.template write<fresh>(c);
}

/** The first elements of b's own axis, as many as fill vectors; gives how many these are. */
template <bool fresh>
inline std::ptrdiff_t multiplyFew(Into c, Left a, Right b, std::ptrdiff_t width, std::ptrdiff_t depth) {
  std::ptrdiff_t x = 0;
  const auto into = [&] { return Into{c.at + x * c.x, c.x}; };
  const auto from = [&] { return Right{b.at + x * b.x, b.x, b.k}; };
  if (b.x == 1) {
    for (; x + fewGroups * lanes <= width; x += fewGroups * lanes) multiplyFewAcross<fresh, fewGroups>(into(), a, from(), depth, x == 0 ? width : 0);
    for (; x + lanes <= width; x += lanes) multiplyFewAcross<fresh, 1>(into(), a, from(), depth, x == 0 ? width : 0);
  } else if (b.k == 1) {
    for (; x + lanes <= width; x += lanes) multiplyFewTurned<fresh>(into(), a, from(), depth);
  }
  return x;
}

}  // namespace vec
}  // namespace
