/**
 * Products of fragments and of tiles in shared memory. f16 and bf16 are multiplied as they are, by mma.m16n8k16; f32 in parts of tf32, by
 * mma.m16n8k8. An instruction takes the same chunks of 16 bytes from a row of either.
 */
#pragma once
#include "tiles.cuh"

namespace {
namespace tiles {

/** What is stored in a tile and what it is multiplied by: f16. `Part`: a register of an operand. */
struct Half {
  using Part = std::uint32_t;
  static constexpr int depth = 16;  // of an instruction: places that it sums over
  static ATTNC_DEVICE Part partOf(std::uint32_t word) { return word; }
  static ATTNC_DEVICE std::uint32_t pack(float low, float high) { return ptx::packHalf(low, high); }
  static ATTNC_DEVICE void multiply(float (&c)[4], const Part (&a)[4], Part b0, Part b1) { ptx::multiplyHalves(c, a, b0, b1); }
  /** Whether a magnitude is beyond the largest of these. */
  static ATTNC_DEVICE bool isBeyond(float x) { return x > 65504.0f; }
  static ATTNC_DEVICE bool isNonFinite(std::uint32_t word) { return (word & 0x7c00) == 0x7c00 || (word >> 16 & 0x7c00) == 0x7c00; }
};
/** bf16. */
struct Brain {
  using Part = std::uint32_t;
  static constexpr int depth = 16;
  static ATTNC_DEVICE Part partOf(std::uint32_t word) { return word; }
  static ATTNC_DEVICE std::uint32_t pack(float low, float high) { return ptx::packBrain(low, high); }
  static ATTNC_DEVICE void multiply(float (&c)[4], const Part (&a)[4], Part b0, Part b1) { ptx::multiplyBrains(c, a, b0, b1); }
  static ATTNC_DEVICE bool isNonFinite(std::uint32_t word) { return (word & 0x7f80) == 0x7f80 || (word >> 16 & 0x7f80) == 0x7f80; }
};
/** Whether f32 is neither infinite nor NaN. */
ATTNC_DEVICE bool isFinite(std::uint32_t word) { return ::fabsf(ptx::asFloat(word)) < INFINITY; }
/** f32 rounded to tf32, which has 13 bits less. What is not finite stays, and what would become infinite is cut off. */
ATTNC_DEVICE std::uint32_t toTensorFloat(std::uint32_t word) {
  if (!isFinite(word)) return word;
  const std::uint32_t rounded = (word + 0x1000u) & ~0x1fffu;
  return isFinite(rounded) ? rounded : word & ~0x1fffu;
}

/**
 * f32 as a sum of two numbers of tf32, which has 11 bits: it is off by 2^-23 of itself at most, and the product of the lower parts, which
 * is left out, by 2^-22 of that of the numbers. Ootomo, Yokota, "Recovering Single Precision Accuracy from Tensor Cores While Surpassing
 * the FP32 Theoretical Peak Performance", 2022.
 */
struct Single {
  struct Part {
    std::uint32_t high, low;
  };
  static constexpr int depth = 8;
  static ATTNC_DEVICE Part partOf(std::uint32_t word) {
    const std::uint32_t high = toTensorFloat(word);
    const float rest = isFinite(word) ? ptx::asFloat(word) - ptx::asFloat(high) : 0.0f;
    return {high, ptx::asWord(rest) & ~0x1fffu};
  }
  /** An infinite number has no lower part: that of the other factor may be 0 or of another sign, and their product NaN. */
  static ATTNC_DEVICE std::uint32_t finiteOf(std::uint32_t high) { return isFinite(high) ? high : 0; }
  static ATTNC_DEVICE void multiply(float (&c)[4], const Part (&a)[4], Part b0, Part b1) {
    const std::uint32_t high[4] = {a[0].high, a[1].high, a[2].high, a[3].high};
    const std::uint32_t low[4] = {a[0].low, a[1].low, a[2].low, a[3].low};
    const std::uint32_t finite[4] = {finiteOf(high[0]), finiteOf(high[1]), finiteOf(high[2]), finiteOf(high[3])};
    ptx::multiplySingles(c, low, finiteOf(b0.high), finiteOf(b1.high));
    ptx::multiplySingles(c, finite, b0.low, b1.low);
    ptx::multiplySingles(c, high, b0.high, b1.high);
  }
  static ATTNC_DEVICE bool isNonFinite(std::uint32_t word) { return (word & 0x7f800000) == 0x7f800000; }
};
/** f32, rounded to tf32: off by 2^-11 of itself at most. */
struct Rough {
  using Part = std::uint32_t;
  static constexpr int depth = 8;
  static ATTNC_DEVICE Part partOf(std::uint32_t word) { return toTensorFloat(word); }
  static ATTNC_DEVICE void multiply(float (&c)[4], const Part (&a)[4], Part b0, Part b1) { ptx::multiplySingles(c, a, b0, b1); }
  static ATTNC_DEVICE bool isNonFinite(std::uint32_t word) { return Single::isNonFinite(word); }
};

/** Whether a tile has an element that is infinite or NaN: of the elements that this thread looks at. */
template <class Type, class Of, int threads>
ATTNC_DEVICE bool hasNonFinite(const char *tile) {
  bool found = false;
  const std::uint32_t *const words = reinterpret_cast<const std::uint32_t *>(tile);
#pragma unroll 1
  for (int place = int(threadIdx.x); place < Of::bytes / 4; place += threads) found = found || Type::isNonFinite(words[place]);
  return found;
}

/** Where a lane reads 16 rows of 32 bytes: as rows, or of a tile that is to be transposed. */
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
/** The address of the 32 bytes `step` of a row that is a multiple of 8 below the lane's own. */
template <class Of>
ATTNC_DEVICE std::uint32_t addressAt(std::uint32_t tile, std::uint32_t lane, int row, int step) {
  const std::uint32_t below = std::uint32_t(row * Of::rowBytes);
  if constexpr (Of::isPower) return ((tile + lane) ^ std::uint32_t(step << 5)) + below;
  const std::uint32_t rest = lane % Of::rowBytes;
  return tile + below + (lane - rest) + (rest ^ std::uint32_t(step << 5));
}

/**
 * The left operand of a product: rows of a tile, of which this warp has M times 16. `paired`: of 32 bits, lane t of four has the places
 * 2t and 2t + 1 of eight, as a fragment has them, rather than t and t + 4; the right operand has to follow.
 */
template <class Of, int M>
struct LeftTile {
  static constexpr bool paired = false;
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
  static constexpr bool paired = true;
  const Fragment<M, N> &of;
  ATTNC_DEVICE void load(std::uint32_t (&a)[M][4], int step) const {
#pragma unroll
    for (int m = 0; m < M; ++m) {
      if constexpr (Type::depth == 8) {
#pragma unroll
        for (int r = 0; r < 4; ++r) a[m][r] = ptx::asWord(of.at[m][step][r % 2 * 2 + r / 2]);
      } else {
        a[m][0] = Type::pack(of.at[m][2 * step][0], of.at[m][2 * step][1]);
        a[m][1] = Type::pack(of.at[m][2 * step][2], of.at[m][2 * step][3]);
        a[m][2] = Type::pack(of.at[m][2 * step + 1][0], of.at[m][2 * step + 1][1]);
        a[m][3] = Type::pack(of.at[m][2 * step + 1][2], of.at[m][2 * step + 1][3]);
      }
    }
  }
};
/**
 * The right operand: a tile with a row for each column of the product, of which it reads 16 at a time. Of 32 bits that are paired, a lane
 * reads two neighbours of a row for each half of them.
 */
template <class Of>
struct RightRows {
  static constexpr bool columnsFirst = false;
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE RightRows(std::uint32_t tile) : tile(tile), lane(laneOfRight<Of>()) {}
  template <bool paired>
  ATTNC_DEVICE void load(std::uint32_t (&b)[4], int step, int pair) const {
    if constexpr (paired && Of::each == 4) {
      const int n = int(threadIdx.x) % 32;
      const std::uint32_t own = Of::spot(n / 4, n % 4 / 2) + std::uint32_t(n % 2 * 8);
#pragma unroll
      for (int half = 0; half < 2; ++half) ptx::loadPair(b[2 * half], b[2 * half + 1], addressAt<Of>(tile, own, pair * 16 + half * 8, step));
    } else {
      ptx::loadMatrices<false>(b, addressAt<Of>(tile, lane, pair * 16, step));
    }
  }
};
/** or with a column for each. */
template <class Of>
struct RightColumns {
  static constexpr bool columnsFirst = Of::each == 8;
  std::uint32_t tile, lane;
  explicit ATTNC_DEVICE RightColumns(std::uint32_t tile) : tile(tile), lane(laneOfLeft<Of>()) {}
  template <bool paired>
  ATTNC_DEVICE void load(std::uint32_t (&b)[4], int step, int pair) const {
    if constexpr (Of::each == 4) {
#pragma unroll
      for (int n = 0; n < 4; ++n) b[n] = ptx::loadWord(wordAt<paired>(step, pair, n));
    } else {
      ptx::loadMatrices<true>(b, addressAt<Of>(tile, lane, step * 16, pair));
    }
  }
  /** The address of one of the four words that a lane reads: two of a column for each half of the columns. */
  template <bool paired>
  ATTNC_DEVICE std::uint32_t wordAt(int step, int pair, int n) const {
    const int g = int(threadIdx.x) % 32 / 4, t = int(threadIdx.x) % 4;
    const int row = paired ? 2 * t + n % 2 : t + n % 2 * 4;
    return addressAt<Of>(tile, Of::spot(row, g / 4) + std::uint32_t(g % 4 * 4), step * 8, 2 * pair + n / 2);
  }
};

/**
 * c += left right, over `steps` times the depth of an instruction. Where the address of a right operand depends on its columns, these are
 * the outer loop, and the left operand is read once for all.
 */
template <class Type, int steps, int M, int N, class Left, class Right>
ATTNC_DEVICE void multiply(Fragment<M, N> &c, const Left &left, const Right &right) {
  using Part = typename Type::Part;
  const auto read = [&](Part (&a)[M][4], int step) {
    std::uint32_t words[M][4];
    left.load(words, step);
#pragma unroll
    for (int m = 0; m < M; ++m)
#pragma unroll
      for (int r = 0; r < 4; ++r) a[m][r] = Type::partOf(words[m][r]);
  };
  const auto add = [&](const Part (&a)[M][4], int step, int pair) {
    std::uint32_t words[4];
    right.template load<Left::paired>(words, step, pair);
    const Part b[4] = {Type::partOf(words[0]), Type::partOf(words[1]), Type::partOf(words[2]), Type::partOf(words[3])};
#pragma unroll
    for (int m = 0; m < M; ++m) {
      Type::multiply(c.at[m][2 * pair], a[m], b[0], b[1]);
      Type::multiply(c.at[m][2 * pair + 1], a[m], b[2], b[3]);
    }
  };
  if constexpr (Right::columnsFirst) {
    Part a[steps][M][4];
#pragma unroll
    for (int step = 0; step < steps; ++step) read(a[step], step);
#pragma unroll
    for (int pair = 0; pair < N / 2; ++pair)
#pragma unroll
      for (int step = 0; step < steps; ++step) add(a[step], step, pair);
  } else {
#pragma unroll
    for (int step = 0; step < steps; ++step) {
      Part a[M][4];
      read(a, step);
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

}  // namespace tiles
}  // namespace
