/** The instructions of `ptx.cuh` for an emulated warp, by the layouts of fragments in the PTX ISA, section "mma.m16n8k16". */
#pragma once
#include <cmath>
#include "block.h"

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_write16(void *);
#endif

namespace ptx {

template <class To, class From>
To bitsOf(const From &from) {
  static_assert(sizeof(To) == sizeof(From), "bits of one size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

inline float fromHalf(std::uint16_t half) { return float(bitsOf<_Float16>(half)); }
inline std::uint16_t toHalf(float x) { return bitsOf<std::uint16_t>(_Float16(x)); }
inline float fromBrain(std::uint16_t brain) { return bitsOf<float>(std::uint32_t(brain) << 16); }
inline std::uint16_t toBrain(float x) {
  const std::uint32_t word = bitsOf<std::uint32_t>(x);
  if (x != x) return 0x7fff;
  return std::uint16_t((word + 0x7fffu + (word >> 16 & 1u)) >> 16);
}

inline std::uint32_t packHalf(float low, float high) { return toHalf(low) | std::uint32_t(toHalf(high)) << 16; }
inline std::uint32_t packBrain(float low, float high) { return toBrain(low) | std::uint32_t(toBrain(high)) << 16; }

/** Results below the smallest normal number are 0, as the hardware has it. */
inline float exp2(float x) {
  const float y = std::exp2(x);
  return y < 1.17549435e-38f ? 0.0f : y;
}
/** With a relative error of up to 2^-11: 10 bits behind the first. */
inline float tanh(float x) {
  const std::uint32_t word = bitsOf<std::uint32_t>(std::tanh(x));
  return bitsOf<float>((word + 0x1000u) & ~0x1fffu);
}
inline float reciprocal(float x) {
  const float y = 1.0f / x;
  return std::fabs(y) < 1.17549435e-38f ? std::copysign(0.0f, x) : y;
}

inline int ownThread() { return int(emulation::thread->index.x); }
inline char *sharedMemory() { return emulation::block->shared.get(); }
inline std::uint32_t sharedAddress(const void *at) {
  return std::uint32_t(static_cast<const char *>(at) - emulation::block->shared.get());
}

inline const char *beyond(const char *at, std::uint32_t bytes, std::uint32_t times) { return at + std::uint64_t(bytes) * times; }
/** Begins to copy 16 bytes to shared memory, or to fill them with zeros. */
inline void copyLater(std::uint32_t to, const void *from, bool isInside) {
#if defined(__SANITIZE_THREAD__)
  __tsan_write16(emulation::block->shared.get() + to);  // the hardware may write at any time from here on
#endif
  const emulation::Unwatched unwatched;
  if (reinterpret_cast<std::uintptr_t>(from) % 16 != 0) emulation::die("cp.async reads from an address that is not aligned");
  emulation::sharedAt(to, 16);
  emulation::thread->copies.push_back({to, from, 16, !isInside, emulation::thread->group});
}
inline void commitCopies() {
  const emulation::Unwatched unwatched;
  ++emulation::thread->group;
}
/** Waits until no more than `pending` of the groups that this thread committed are under way. */
template <int pending>
void waitForCopies() {
  emulation::Thread &self = *emulation::thread;
  std::vector<emulation::PendingCopy> now;
  {
    const emulation::Unwatched unwatched;
    std::vector<emulation::PendingCopy> later;
    for (const emulation::PendingCopy &copy : self.copies)
      (copy.group < self.group - pending ? now : later).push_back(copy);
    self.copies.swap(later);
  }
  for (const emulation::PendingCopy &copy : now) {
    char *const to = emulation::sharedAt(copy.to, 16);
    if (copy.zero) std::memset(to, 0, 16);
    else std::memcpy(to, copy.from, 16);
  }
}

template <class Element>
Element exchanged(const char *name, Element value, int mask) {
  static_assert(sizeof(Element) == 4, "a word");
  const emulation::Unwatched unwatched;
  const int lane = emulation::thread->lane;
  emulation::Warp &warp = emulation::block->warps[emulation::thread->warp];
  warp.in[lane][0] = bitsOf<std::uint32_t>(value);
  warp.in[lane][1] = std::uint32_t(mask);
  emulation::together(name, [](emulation::Warp &all) {
    for (int n = 0; n < emulation::warpLanes; ++n) all.out[n][0] = all.in[n ^ int(all.in[n][1])][0];
  });
  return bitsOf<Element>(warp.out[lane][0]);
}
/** The value of the lane whose number differs in the bits of `mask`. */
inline float exchange(float value, int mask) { return exchanged("shfl", value, mask); }
inline std::int32_t exchange(std::int32_t value, int mask) { return exchanged("shfl", value, mask); }

/**
 * Four matrices of 8 x 8 elements of 16 bits; lane n has the address of row n % 8 of matrix n / 8. A lane gets two neighbours of a
 * row of each, or with `transposed` of a column.
 */
template <bool transposed>
void loadMatrices(std::uint32_t (&to)[4], std::uint32_t address) {
  const char *rows[emulation::warpLanes];
  {
    const emulation::Unwatched unwatched;
    emulation::sharedAt(address, 16);
    emulation::Warp &warp = emulation::block->warps[emulation::thread->warp];
    warp.in[emulation::thread->lane][0] = address;
    emulation::together("ldmatrix", [](emulation::Warp &) {});
    for (int n = 0; n < emulation::warpLanes; ++n) rows[n] = emulation::block->shared.get() + warp.in[n][0];
  }
  const int major = emulation::thread->lane / 4, minor = emulation::thread->lane % 4 * 2;
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::uint16_t pair[2];
    for (int n = 0; n < 2; ++n) {
      const int row = transposed ? minor + n : major, column = transposed ? major : minor + n;
      std::memcpy(&pair[n], rows[matrix * 8 + row] + column * 2, 2);
    }
    to[matrix] = pair[0] | std::uint32_t(pair[1]) << 16;
  }
  const emulation::Unwatched unwatched;
  emulation::together("the end of ldmatrix", [](emulation::Warp &) {});
}

/** c[16, 8] += a[16, 16] b[16, 8]; of lane n, g = n / 4 and t = n % 4. */
template <float (*read)(std::uint16_t)>
void multiplyTiles(const char *name, float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  const emulation::Unwatched unwatched;
  const int lane = emulation::thread->lane;
  emulation::Warp &warp = emulation::block->warps[emulation::thread->warp];
  std::memcpy(&warp.in[lane][0], a, 16);
  warp.in[lane][4] = b0;
  warp.in[lane][5] = b1;
  std::memcpy(&warp.in[lane][6], c, 16);
  emulation::together(name, [](emulation::Warp &all) {
    float left[16][16], right[16][8];
    const auto half = [](std::uint32_t pair, int n) { return read(std::uint16_t(pair >> (16 * n))); };
    for (int n = 0; n < emulation::warpLanes; ++n) {
      const int g = n / 4, t = n % 4;
      for (int k = 0; k < 2; ++k) {
        left[g][2 * t + k] = half(all.in[n][0], k);
        left[g + 8][2 * t + k] = half(all.in[n][1], k);
        left[g][2 * t + 8 + k] = half(all.in[n][2], k);
        left[g + 8][2 * t + 8 + k] = half(all.in[n][3], k);
        right[2 * t + k][g] = half(all.in[n][4], k);
        right[2 * t + 8 + k][g] = half(all.in[n][5], k);
      }
    }
    for (int n = 0; n < emulation::warpLanes; ++n)
      for (int k = 0; k < 4; ++k) {
        const int row = n / 4 + k / 2 * 8, column = n % 4 * 2 + k % 2;
        float sum = bitsOf<float>(all.in[n][6 + k]);
        for (int m = 0; m < 16; ++m) sum += left[row][m] * right[m][column];
        all.out[n][k] = bitsOf<std::uint32_t>(sum);
      }
  });
  std::memcpy(c, warp.out[lane], 16);
}
inline void multiplyHalves(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  multiplyTiles<fromHalf>("mma of f16", c, a, b0, b1);
}
inline void multiplyBrains(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  multiplyTiles<fromBrain>("mma of bf16", c, a, b0, b1);
}

}  // namespace ptx
