/**
 * Tiles of numbers of 16 bits in shared memory, and fragments: tiles of f32 whose elements lie in the registers of a warp as the
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
ATTNC_DEVICE int columnsFrom(int count) { return count - int(threadIdx.x) % 4 * 2; }
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

/** What is stored in a tile and what it is multiplied by: f16. */
struct Half {
  static ATTNC_DEVICE std::uint32_t pack(float low, float high) { return ptx::packHalf(low, high); }
  static ATTNC_DEVICE void multiply(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    ptx::multiplyHalves(c, a, b0, b1);
  }
  /** Whether a magnitude is beyond the largest of these. */
  static ATTNC_DEVICE bool isBeyond(float x) { return x > 65504.0f; }
  static constexpr std::uint32_t exponent = 0x7c00;
};
/** bf16. */
struct Brain {
  static ATTNC_DEVICE std::uint32_t pack(float low, float high) { return ptx::packBrain(low, high); }
  static ATTNC_DEVICE void multiply(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    ptx::multiplyBrains(c, a, b0, b1);
  }
  static ATTNC_DEVICE bool isBeyond(float) { return false; }
  static constexpr std::uint32_t exponent = 0x7f80;
};

/**
 * A tile in shared memory: rows of a multiple of 16 elements, in chunks of 16 bytes. Chunk c of row r lies where chunk
 * c ^ (r / shift % spread) would: the same chunk of eight rows that follow each other lies in different banks.
 */
template <int rowCount, int columnCount>
struct Tile {
  static_assert(columnCount % 16 == 0 && rowCount % 16 == 0, "whole fragments");
  static constexpr int rows = rowCount, columns = columnCount;
  static constexpr int rowBytes = columns * 2, chunks = columns / 8;
  static constexpr int spread = chunks % 8 == 0 ? 8 : chunks % 4 == 0 ? 4 : 2;
  static constexpr int shift = 8 / spread;
  static constexpr bool isPower = (rowBytes & (rowBytes - 1)) == 0;
  static constexpr int bytes = rows * rowBytes;

  static ATTNC_BOTH std::uint32_t spot(int row, int chunk) {
    return std::uint32_t(row * rowBytes + ((chunk ^ (row / shift % spread)) << 4));
  }
};

/**
 * The way of a thread through the rows of a tensor, tile after tile: 16 bytes at a time of rows of `width` elements, a multiple of 8.
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

  ATTNC_DEVICE Feed(const std::uint16_t *first, std::ptrdiff_t rowStride)
      : at(reinterpret_cast<const char *>(first)), stride(std::uint32_t(rowStride)) {
    if constexpr (isEven) at = rowAt(ownRow()) + int(threadIdx.x) % lanes * 16;
  }
  /** Begins to copy the next rows, of which there are `count`. */
  ATTNC_DEVICE void copy(std::uint32_t to, int count) {
    if (count == To::rows) copyRows<true>(to, count);
    else if (count > 0) copyRows<false>(to, count);
    at = rowAt(To::rows);
    ptx::commitCopies();
  }
  /** The row and the chunk of a tile at which a thread begins. */
  static ATTNC_DEVICE int ownRow() {
    const int row = int(threadIdx.x) / lanes;
    return lanes == 4 && parts == 2 ? row / 8 * 8 + row % 2 * 4 + row % 8 / 2 : row;
  }
  static ATTNC_DEVICE int ownChunk() { return int(threadIdx.x) % lanes; }

 private:
  ATTNC_DEVICE const char *rowAt(int row) const { return ptx::beyond(at, stride, std::uint32_t(row * 2)); }
  template <bool whole>
  ATTNC_DEVICE void copyRows(std::uint32_t to, int count) const {
    if constexpr (isEven) {
#pragma unroll
      for (int n = 0; n < To::rows; n += step) {
        const char *const from = rowAt(n);
#pragma unroll
        for (int part = 0; part < parts; ++part) {
          const int chunk = ownChunk() + part * lanes;
          const bool isInside = (width == To::columns || chunk * 8 < width) && (whole || ownRow() < count - n);
          ptx::copyLater(to + To::spot(ownRow(), chunk) + std::uint32_t(n * To::rowBytes), from + part * lanes * 16, isInside);
        }
      }
    } else {
#pragma unroll 4
      for (int place = int(threadIdx.x); place < To::rows * To::chunks; place += threads) {
        const int row = place / To::chunks, chunk = place % To::chunks;
        const bool isInside = (width == To::columns || chunk * 8 < width) && (whole || row < count);
        ptx::copyLater(to + To::spot(row, chunk), rowAt(row) + chunk * 16, isInside);
      }
    }
  }
};

/** Whether a tile has an element that is infinite or NaN: of the elements that this thread looks at. */
template <class Type, class Of, int threads>
ATTNC_DEVICE bool hasNonFinite(const char *tile) {
  bool found = false;
  const std::uint32_t *const words = reinterpret_cast<const std::uint32_t *>(tile);
#pragma unroll 1
  for (int place = int(threadIdx.x); place < Of::bytes / 4; place += threads) {
    const std::uint32_t pair = words[place];
    found = found || (pair & Type::exponent) == Type::exponent || (pair >> 16 & Type::exponent) == Type::exponent;
  }
  return found;
}

/** Where a lane reads rows of 16 by 16 elements: as rows, or of a tile that is to be transposed. */
template <class Of>
ATTNC_DEVICE std::uint32_t laneOfLeft() {
  const int lane = int(threadIdx.x) % 32;
  return Of::spot(lane % 16, lane / 16);
}
template <class Of>
ATTNC_DEVICE std::uint32_t laneOfRight() {
  const int lane = int(threadIdx.x) % 32;
  return Of::spot(lane % 8 + lane / 16 * 8, lane / 8 % 2);
}
/** The address of the 16 columns `step` of a row that is a multiple of 16 below the lane's own. */
template <class Of>
ATTNC_DEVICE std::uint32_t addressAt(std::uint32_t tile, std::uint32_t lane, int row, int step) {
  const std::uint32_t below = std::uint32_t(row * Of::rowBytes);
  if constexpr (Of::isPower) return ((tile + lane) ^ std::uint32_t(step << 5)) + below;
  const std::uint32_t rest = lane % Of::rowBytes;
  return tile + below + (lane - rest) + (rest ^ std::uint32_t(step << 5));
}

/** The left operand of a product: rows of a tile, of which this warp has M times 16. */
template <class Of, int M>
struct LeftTile {
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE LeftTile(std::uint32_t tile)
      : tile(tile + std::uint32_t(threadIdx.x) / 32 * (M * 16 * Of::rowBytes)), lane(laneOfLeft<Of>()) {}
  ATTNC_DEVICE void load(std::uint32_t (&a)[M][4], int step) const {
#pragma unroll
    for (int m = 0; m < M; ++m) ptx::loadMatrices<false>(a[m], addressAt<Of>(tile, lane, m * 16, step));
  }
};
/** A fragment, rounded to the type of the other operand: its accumulators lie as a left operand has to. */
template <class Type, int M, int N>
struct LeftFragment {
  const Fragment<M, N> &of;
  ATTNC_DEVICE void load(std::uint32_t (&a)[M][4], int step) const {
#pragma unroll
    for (int m = 0; m < M; ++m) {
      a[m][0] = Type::pack(of.at[m][2 * step][0], of.at[m][2 * step][1]);
      a[m][1] = Type::pack(of.at[m][2 * step][2], of.at[m][2 * step][3]);
      a[m][2] = Type::pack(of.at[m][2 * step + 1][0], of.at[m][2 * step + 1][1]);
      a[m][3] = Type::pack(of.at[m][2 * step + 1][2], of.at[m][2 * step + 1][3]);
    }
  }
};
/** The right operand: a tile with a row for each column of the product, */
template <class Of>
struct RightRows {
  static constexpr bool columnsFirst = false;
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE RightRows(std::uint32_t tile) : tile(tile), lane(laneOfRight<Of>()) {}
  ATTNC_DEVICE void load(std::uint32_t (&b)[4], int step, int pair) const {
    ptx::loadMatrices<false>(b, addressAt<Of>(tile, lane, pair * 16, step));
  }
};
/** or with a column for each. */
template <class Of>
struct RightColumns {
  static constexpr bool columnsFirst = true;
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE RightColumns(std::uint32_t tile) : tile(tile), lane(laneOfLeft<Of>()) {}
  ATTNC_DEVICE void load(std::uint32_t (&b)[4], int step, int pair) const {
    ptx::loadMatrices<true>(b, addressAt<Of>(tile, lane, step * 16, pair));
  }
};

/**
 * c += left right, over `steps` times 16 places. Where the address of a right operand depends on its columns, these are the outer
 * loop, and the left operand is read once for all.
 */
template <class Type, int steps, int M, int N, class Left, class Right>
ATTNC_DEVICE void multiply(Fragment<M, N> &c, const Left &left, const Right &right) {
  const auto add = [&](const std::uint32_t (&a)[M][4], int step, int pair) {
    std::uint32_t b[4];
    right.load(b, step, pair);
#pragma unroll
    for (int m = 0; m < M; ++m) {
      Type::multiply(c.at[m][2 * pair], a[m], b[0], b[1]);
      Type::multiply(c.at[m][2 * pair + 1], a[m], b[2], b[3]);
    }
  };
  if constexpr (Right::columnsFirst) {
    std::uint32_t a[steps][M][4];
#pragma unroll
    for (int step = 0; step < steps; ++step) left.load(a[step], step);
#pragma unroll
    for (int pair = 0; pair < N / 2; ++pair)
#pragma unroll
      for (int step = 0; step < steps; ++step) add(a[step], step, pair);
  } else {
#pragma unroll
    for (int step = 0; step < steps; ++step) {
      std::uint32_t a[M][4];
      left.load(a, step);
#pragma unroll
      for (int pair = 0; pair < N / 2; ++pair) add(a, step, pair);
    }
  }
}

/** Two neighbours of a row, at an address that is a multiple of two elements. */
ATTNC_DEVICE void storePair(float *to, float low, float high) {
  to[0] = low;
  to[1] = high;
}
template <class Type>
ATTNC_DEVICE void storePair(std::uint16_t *to, float low, float high) {
  *reinterpret_cast<std::uint32_t *>(to) = Type::pack(low, high);
}

/** Whether rows of a tensor of 16-bit elements lie without gaps, and begin at multiples of 16 bytes. */
template <class... Strides>
bool isAligned(const void *data, std::ptrdiff_t last, Strides... strides) {
  bool fits = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && last == 1;
  for (const std::ptrdiff_t stride : {std::ptrdiff_t(0), std::ptrdiff_t(strides)...}) fits = fits && stride % 8 == 0 && stride >= 0 && stride < std::ptrdiff_t(1) << 31;
  return fits;
}

}  // namespace tiles
}  // namespace
