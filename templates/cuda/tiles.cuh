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
ATTNC_DEVICE int rowOf(int m, int r) {
  return int(threadIdx.x) / 32 * (M * 16) + m * 16 + r * 8 + int(threadIdx.x) % 32 / 4;
}
ATTNC_DEVICE int columnOf(int n, int r) { return n * 8 + int(threadIdx.x) % 4 * 2 + r % 2; }

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
  /** Whether a number, as one of these, is another one than it is as f32, by more than its last bits. */
  static ATTNC_DEVICE bool isBeyond(float x) { return ::fabsf(x) > 65504.0f && ::fabsf(x) < INFINITY; }
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

/** Begins to copy `count` rows of `width` elements, a multiple of 8; the rest of the tile becomes 0. */
template <class To, int threads, bool whole, int width>
ATTNC_DEVICE void copyTile(std::uint32_t to, const std::uint16_t *from, std::ptrdiff_t rowStride, int count) {
  const int thread = int(threadIdx.x);
  if constexpr (threads % To::chunks == 0 && (threads / To::chunks) % 8 == 0 && To::rows % (threads / To::chunks) == 0) {
    constexpr int step = threads / To::chunks;
    const int row = thread / To::chunks, chunk = thread % To::chunks;
    const std::uint32_t spot = to + To::spot(row, chunk);
    const std::uint16_t *const at = from + row * rowStride + chunk * 8;
#pragma unroll
    for (int n = 0; n < To::rows; n += step) {
      const bool isInside = (width == To::columns || chunk * 8 < width) && (whole || row + n < count);
      ptx::copyLater(spot + std::uint32_t(n * To::rowBytes), at + n * rowStride, isInside);
    }
  } else {
#pragma unroll 4
    for (int place = thread; place < To::rows * To::chunks; place += threads) {
      const int row = place / To::chunks, chunk = place % To::chunks;
      const bool isInside = (width == To::columns || chunk * 8 < width) && (whole || row < count);
      ptx::copyLater(to + To::spot(row, chunk), from + row * rowStride + chunk * 8, isInside);
    }
  }
}

/** Whether a tile has an element that is infinite or NaN: of the elements that this thread looks at. */
template <class Type, class Of, int threads>
ATTNC_DEVICE bool hasNonFinite(const char *tile) {
  bool found = false;
  const std::uint32_t *const words = reinterpret_cast<const std::uint32_t *>(tile);
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
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE RightRows(std::uint32_t tile) : tile(tile), lane(laneOfRight<Of>()) {}
  ATTNC_DEVICE void load(std::uint32_t (&b)[4], int step, int pair) const {
    ptx::loadMatrices<false>(b, addressAt<Of>(tile, lane, pair * 16, step));
  }
};
/** or with a column for each. */
template <class Of>
struct RightColumns {
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE RightColumns(std::uint32_t tile) : tile(tile), lane(laneOfLeft<Of>()) {}
  ATTNC_DEVICE void load(std::uint32_t (&b)[4], int step, int pair) const {
    ptx::loadMatrices<true>(b, addressAt<Of>(tile, lane, step * 16, pair));
  }
};

/** c += left right, over `steps` times 16 places. */
template <class Type, int steps, int M, int N, class Left, class Right>
ATTNC_DEVICE void multiply(Fragment<M, N> &c, const Left &left, const Right &right) {
#pragma unroll
  for (int step = 0; step < steps; ++step) {
    std::uint32_t a[M][4];
    left.load(a, step);
#pragma unroll
    for (int pair = 0; pair < N / 2; ++pair) {
      std::uint32_t b[4];
      right.load(b, step, pair);
#pragma unroll
      for (int m = 0; m < M; ++m) {
        Type::multiply(c.at[m][2 * pair], a[m], b[0], b[1]);
        Type::multiply(c.at[m][2 * pair + 1], a[m], b[2], b[3]);
      }
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
