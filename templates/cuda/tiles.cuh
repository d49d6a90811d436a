/**
 * Tiles of numbers of 16 or 32 bits in shared memory, and fragments: tiles of f32 whose elements lie in the registers of a warp as the
 * accumulators of mma.m16n8k16 do. Lane n = 4 g + t has of 16 rows and 8 columns the elements [g, 2t], [g, 2t + 1], [g + 8, 2t] and
 * [g + 8, 2t + 1].
 */
#pragma once
#include "functions.cuh"

namespace {
namespace tiles {

/** M times 16 rows of a warp, N times 8 columns. */
template <int M, int N>
struct Fragment {
  float at[M][N][4];
};
/** A number, or a bool, for each row of a fragment; the four lanes that share a row have it alike. */
template <int M, class Element = float>
struct Rows {
  Element at[M][2];
};

/** A truth for each element of a fragment, a bit each. */
template <int M, int N>
struct Bits {
  std::uint32_t at[M][(N + 7) / 8];
  ATTNC_DEVICE void add(int m, int n, int r) { at[m][n / 8] |= std::uint32_t(1) << (n % 8 * 4 + r); }
  ATTNC_DEVICE bool has(int m, int n, int r) const { return (at[m][n / 8] >> (n % 8 * 4 + r) & 1) != 0; }
};

/** Elements of an axis that follow one another; none: the end. */
struct Span {
  std::int32_t first, count;
};

/** f(m, n, r) for each element that a lane has. */
template <int M, int N, class F>
ATTNC_DEVICE void eachElement(F f) {
#pragma unroll
  for (int m = 0; m < M; ++m)
#pragma unroll
    for (int n = 0; n < N; ++n)
#pragma unroll
      for (int r = 0; r < 4; ++r) f(m, n, r);
}
/** f(m, n, r) for each pair of neighbours in a row: r and r + 1. */
template <int M, int N, class F>
ATTNC_DEVICE void eachPair(F f) {
#pragma unroll
  for (int m = 0; m < M; ++m)
#pragma unroll
    for (int n = 0; n < N; ++n)
#pragma unroll
      for (int r = 0; r < 4; r += 2) f(m, n, r);
}
/** f(m, r) for each row. */
template <int M, class F>
ATTNC_DEVICE void eachRow(F f) {
#pragma unroll
  for (int m = 0; m < M; ++m)
#pragma unroll
    for (int r = 0; r < 2; ++r) f(m, r);
}

/** Where a lane's elements lie in the tile of a block, whose warps share its rows. */
template <int M>
ATTNC_DEVICE int rowOf(int m, int r, int thread = int(threadIdx.x)) {
  return thread / 32 * (M * 16) + m * 16 + r * 8 + thread % 32 / 4;
}
ATTNC_DEVICE int columnOf(int n, int r, int thread = int(threadIdx.x)) { return n * 8 + thread % 4 * 2 + r % 2; }
/** Of the first `count` columns those from a lane's own first one on: an element has one of them where stepOf(n, r) is below. */
ATTNC_DEVICE int columnsFrom(int count, int thread = int(threadIdx.x)) { return count - thread % 4 * 2; }
ATTNC_DEVICE constexpr int stepOf(int n, int r) { return n * 8 + r % 2; }

/** f(place) for each of `count` places, which the lanes of a warp share. */
template <class F>
ATTNC_DEVICE void eachOfWarp(int count, F f) {
  for (int place = int(threadIdx.x) % 32; place < count; place += 32) f(place);
}

// Of what the lanes of a warp have.

ATTNC_DEVICE float sumOfWarp(float x) {
#pragma unroll
  for (int mask = 1; mask < 32; mask *= 2) x += ptx::exchange(x, mask);
  return x;
}
ATTNC_DEVICE std::int32_t sumOfWarp(std::int32_t x) {
#pragma unroll
  for (int mask = 1; mask < 32; mask *= 2) x = num::add(x, ptx::exchange(x, mask));
  return x;
}
template <class Element>
ATTNC_DEVICE Element largestOfWarp(Element x) {
#pragma unroll
  for (int mask = 1; mask < 32; mask *= 2) x = num::largest(x, ptx::exchange(x, mask));
  return x;
}
template <class Element>
ATTNC_DEVICE Element smallestOfWarp(Element x) {
#pragma unroll
  for (int mask = 1; mask < 32; mask *= 2) x = num::smallest(x, ptx::exchange(x, mask));
  return x;
}
ATTNC_DEVICE bool anyOfWarp(bool x) { return largestOfWarp(std::int32_t(x ? 1 : 0)) != 0; }
ATTNC_DEVICE bool allOfWarp(bool x) { return !anyOfWarp(!x); }

// Of a row's elements, which four lanes have.

ATTNC_DEVICE float sumOfRow(float x) {
  x += ptx::exchange(x, 1);
  return x + ptx::exchange(x, 2);
}
ATTNC_DEVICE std::int32_t sumOfRow(std::int32_t x) {
  x = num::add(x, ptx::exchange(x, 1));
  return num::add(x, ptx::exchange(x, 2));
}
template <class Element>
ATTNC_DEVICE Element largestOfRow(Element x) {
  x = num::largest(x, ptx::exchange(x, 1));
  return num::largest(x, ptx::exchange(x, 2));
}
template <class Element>
ATTNC_DEVICE Element smallestOfRow(Element x) {
  x = num::smallest(x, ptx::exchange(x, 1));
  return num::smallest(x, ptx::exchange(x, 2));
}
/** Where NaN need not be kept. */
ATTNC_DEVICE float upperOfRow(float x) {
  x = ::fmaxf(x, ptx::exchange(x, 1));
  return ::fmaxf(x, ptx::exchange(x, 2));
}
ATTNC_DEVICE float lowerOfRow(float x) {
  x = ::fminf(x, ptx::exchange(x, 1));
  return ::fminf(x, ptx::exchange(x, 2));
}
ATTNC_DEVICE bool anyOfRow(bool x) {
  const std::int32_t own = x ? 1 : 0;
  const std::int32_t two = own | ptx::exchange(own, 1);
  return (two | ptx::exchange(two, 2)) != 0;
}
ATTNC_DEVICE bool allOfRow(bool x) { return !anyOfRow(!x); }

/**
 * A tile in shared memory: rows of a multiple of 16 elements of 2 or 4 bytes, in chunks of 16 bytes. Chunk c of row r lies where
 * chunk c ^ (r / shift % spread) would: the same chunk of eight rows that follow each other lies in different banks.
 */
template <int rowCount, int columnCount, int elementBytes = 2>
struct Tile {
  static_assert(columnCount % 16 == 0 && rowCount % 16 == 0, "whole fragments");
  static constexpr int rows = rowCount, columns = columnCount, each = 16 / elementBytes;  // elements of a chunk
  static constexpr int rowBytes = columns * elementBytes, chunks = columns / each;
  static constexpr int spread = chunks % 8 == 0 ? 8 : chunks % 4 == 0 ? 4 : 2;
  static constexpr int shift = 8 / spread;
  static constexpr bool isPower = (rowBytes & (rowBytes - 1)) == 0;
  static constexpr int bytes = rows * rowBytes;

  static ATTNC_BOTH std::uint32_t spot(int row, int chunk) {
    return std::uint32_t(row * rowBytes + ((chunk ^ (row / shift % spread)) << 4));
  }
};

/**
 * The way of a thread through the rows of a tensor, tile after tile: 16 bytes at a time of rows of `width` elements, in whole chunks.
 * What a tile has beyond its rows and their width becomes 0.
 */
template <class To, int threads, int width>
struct Feed {
  // A thread copies two chunks of a row where it can: their addresses differ by a constant. Of rows that are half as wide as all banks
  // eight neighbours take a half each of two rows whose chunks lie in different banks.
  static constexpr int lanes = To::chunks % 16 == 0 || To::chunks == 8 ? To::chunks / 2 : To::chunks;  // threads that share a row
  static constexpr int parts = To::chunks / lanes;
  static constexpr int step = threads % lanes == 0 ? threads / lanes : 1;  // rows that the threads copy at a time
  static constexpr bool isEven = threads % lanes == 0 && step % 8 == 0 && To::rows % step == 0;
  const char *at;
  std::uint32_t stride;  // elements from row to row, which isAligned has found to be below 2^31

  ATTNC_DEVICE Feed(const void *first, std::ptrdiff_t rowStride)
      : at(static_cast<const char *>(first)), stride(std::uint32_t(rowStride)) {
    if constexpr (isEven) at = rowAt(at, ownRow()) + int(threadIdx.x) % lanes * 16;
  }
  /** Begins to copy the next rows, of which there are `count`. */
  ATTNC_DEVICE void copy(std::uint32_t to, int count) {
    copyAll(to, at, count);
    at = rowAt(at, To::rows);
  }
  /** The same from row `first` on, and stays where it is. */
  ATTNC_DEVICE void copyFrom(std::uint32_t to, int first, int count) const { copyAll(to, rowAt(at, first), count); }
  /** The row and the chunk of a tile at which a thread begins. */
  static ATTNC_DEVICE int ownRow() {
    const int row = int(threadIdx.x) / lanes;
    return lanes == 4 && parts == 2 ? row / 8 * 8 + row % 2 * 4 + row % 8 / 2 : row;
  }
  static ATTNC_DEVICE int ownChunk() { return int(threadIdx.x) % lanes; }

 private:
  ATTNC_DEVICE const char *rowAt(const char *from, int row) const { return ptx::beyond(from, stride, std::uint32_t(row) * (16 / To::each)); }
  ATTNC_DEVICE void copyAll(std::uint32_t to, const char *from, int count) const {
    if (count == To::rows) copyRows<true>(to, from, count);
    else if (count > 0) copyRows<false>(to, from, count);
    ptx::commitCopies();
  }
  template <bool whole>
  ATTNC_DEVICE void copyRows(std::uint32_t to, const char *first, int count) const {
    if constexpr (isEven) {
#pragma unroll
      for (int n = 0; n < To::rows; n += step) {
        const char *const from = rowAt(first, n);
#pragma unroll
        for (int part = 0; part < parts; ++part) {
          const int chunk = ownChunk() + part * lanes;
          const bool isInside = (width == To::columns || chunk * To::each < width) && (whole || ownRow() < count - n);
          ptx::copyLater(to + To::spot(ownRow(), chunk) + std::uint32_t(n * To::rowBytes), from + part * lanes * 16, isInside);
        }
      }
    } else {
#pragma unroll 4
      for (int place = int(threadIdx.x); place < To::rows * To::chunks; place += threads) {
        const int row = place / To::chunks, chunk = place % To::chunks;
        const bool isInside = (width == To::columns || chunk * To::each < width) && (whole || row < count);
        ptx::copyLater(to + To::spot(row, chunk), rowAt(first, row) + chunk * 16, isInside);
      }
    }
  }
};

/** Whether rows of a tensor, of which 16 bytes hold `each` elements, lie without gaps, and begin at multiples of 16 bytes. */
template <int each, class... Strides>
bool isAligned(const void *data, std::ptrdiff_t last, Strides... strides) {
  bool fits = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && last == 1;
  for (const std::ptrdiff_t stride : {std::ptrdiff_t(0), std::ptrdiff_t(strides)...}) fits = fits && stride % each == 0 && stride >= 0 && stride < std::ptrdiff_t(1) << 31;
  return fits;
}

}  // namespace tiles
}  // namespace
