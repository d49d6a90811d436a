/** Instructions of the hardware, sm_80 and later. The emulation has functions of the same names: emulation/instructions.h. */
#pragma once
#include <cuda_runtime.h>
#include <cstdint>

#ifdef __CUDACC__
namespace {
namespace ptx {

#define ATTNC_DEVICE __device__ __forceinline__

ATTNC_DEVICE float fromHalf(std::uint16_t half) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
  return x;
}
ATTNC_DEVICE std::uint16_t toHalf(float x) {
  std::uint16_t half;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
  return half;
}
ATTNC_DEVICE float fromBrain(std::uint16_t brain) { return __uint_as_float(std::uint32_t(brain) << 16); }
ATTNC_DEVICE std::uint16_t toBrain(float x) {
  std::uint16_t brain;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(brain) : "f"(x));
  return brain;
}
/** Two numbers in a register, the first in its low half; PTX names the high one first. */
ATTNC_DEVICE std::uint32_t packHalf(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
ATTNC_DEVICE std::uint32_t packBrain(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

/** Within 2 units in the last place; results below the smallest normal number are 0. */
ATTNC_DEVICE float exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/** With a relative error of 2^-11. */
ATTNC_DEVICE float tanh(float x) {
  float y;
  asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/** Within 1 unit in the last place. */
ATTNC_DEVICE float reciprocal(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/** The number of this thread, read where it stands: the compiler keeps nothing that it is made into from round to round of a loop. */
ATTNC_DEVICE int ownThread() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
}
/** The block's shared memory, whose size the launch gives. */
ATTNC_DEVICE char *sharedMemory() {
  extern __shared__ __align__(1024) char bytes[];
  return bytes;
}
ATTNC_DEVICE std::uint32_t sharedAddress(const void *at) { return std::uint32_t(__cvta_generic_to_shared(at)); }

/** The address `times` times so many bytes on, in one instruction; the compiler would make two additions of it. */
ATTNC_DEVICE const char *beyond(const char *at, std::uint32_t bytes, std::uint32_t times) {
  const char *to;
  asm("mad.wide.u32 %0, %1, %2, %3;" : "=l"(to) : "r"(bytes), "r"(times), "l"(at));
  return to;
}
/** Begins to copy 16 bytes to shared memory, or to fill them with zeros. */
ATTNC_DEVICE void copyLater(std::uint32_t to, const void *from, bool isInside) {
  const int bytes = isInside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}
ATTNC_DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Waits until no more than `pending` of the groups that this thread committed are under way. */
template <int pending>
ATTNC_DEVICE void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/** The value of the lane whose number differs in the bits of `mask`. */
ATTNC_DEVICE float exchange(float value, int mask) { return __shfl_xor_sync(~0u, value, mask); }
ATTNC_DEVICE std::int32_t exchange(std::int32_t value, int mask) { return __shfl_xor_sync(~0u, value, mask); }

/**
 * Four matrices of 8 x 8 elements of 16 bits; lane n has the address of row n % 8 of matrix n / 8. A lane gets two neighbours of a
 * row of each, or with `transposed` of a column.
 */
template <bool transposed>
ATTNC_DEVICE void loadMatrices(std::uint32_t (&to)[4], std::uint32_t address) {
  if (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address));
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address));
}

/** c[16, 8] += a[16, 16] b[16, 8], summed in f32. */
ATTNC_DEVICE void multiplyHalves(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
ATTNC_DEVICE void multiplyBrains(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace ptx
}  // namespace
#define ATTNC_BOTH __host__ __device__ __forceinline__
#else
#define ATTNC_DEVICE inline
#define ATTNC_BOTH inline
#endif
