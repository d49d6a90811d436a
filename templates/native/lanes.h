/**
 * Vectors of as many floats as a register of the machine holds. Rows of a tile lie in the lanes, so what is kept of a row never
 * moves between lanes. Vector extensions of GCC and Clang: operators work on lanes, comparisons give masks of -1 and 0.
 */
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifdef __FAST_MATH__
#error "NaN and infinity are part of what this computes: compile it without -ffast-math"
#endif

namespace {
namespace vec {

/** Lanes of a vector. `ATTNC_LANES` asks for fewer than the machine has. */
#ifndef ATTNC_LANES
#if defined(__AVX512F__)
#define ATTNC_LANES 16
#elif defined(__AVX2__)
#define ATTNC_LANES 8
#else
#define ATTNC_LANES 4
#endif
#endif
constexpr int lanes = ATTNC_LANES;

typedef float floats __attribute__((vector_size(4 * lanes)));
typedef std::int32_t ints __attribute__((vector_size(4 * lanes)));
typedef std::uint32_t words __attribute__((vector_size(4 * lanes)));

#define ATTNC_INLINE inline __attribute__((always_inline))

ATTNC_INLINE floats wide(float x) { return x - floats{}; }
ATTNC_INLINE floats wide(floats x) { return x; }
ATTNC_INLINE ints wide(std::int32_t x) { return x - ints{}; }
ATTNC_INLINE ints wide(ints x) { return x; }
/** A truth as a mask. */
ATTNC_INLINE ints mask(bool x) { return wide(std::int32_t(x ? -1 : 0)); }
ATTNC_INLINE ints mask(ints x) { return x; }

/** Vectors anywhere in memory, of elements of their own type: what is stored as float is never read as an integer. */
typedef float FloatsAnywhere __attribute__((vector_size(4 * lanes), aligned(4)));
typedef std::int32_t IntsAnywhere __attribute__((vector_size(4 * lanes), aligned(4)));
ATTNC_INLINE floats load(const float *at) { return *reinterpret_cast<const FloatsAnywhere *>(at); }
ATTNC_INLINE ints load(const std::int32_t *at) { return *reinterpret_cast<const IntsAnywhere *>(at); }
ATTNC_INLINE void store(float *at, floats x) { *reinterpret_cast<FloatsAnywhere *>(at) = x; }
ATTNC_INLINE void store(std::int32_t *at, ints x) { *reinterpret_cast<IntsAnywhere *>(at) = x; }

/** The bits of one type as another. */
template <class To, class From>
ATTNC_INLINE To bits(From x) {
  static_assert(sizeof(To) == sizeof(From), "of the same size");
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

/** first, first + 1, ... */
ATTNC_INLINE ints iota(std::int32_t first) {
  ints x{};
  for (int n = 0; n < lanes; ++n) x[n] = first + n;
  return x;
}
/** A mask of the first `count` lanes. */
ATTNC_INLINE ints below(std::int32_t count) { return iota(0) < count; }

ATTNC_INLINE floats select(ints c, floats x, floats y) { return c ? x : y; }
ATTNC_INLINE ints select(ints c, ints x, ints y) { return c ? x : y; }

/** a * b + c, rounded once where the machine can. */
ATTNC_INLINE floats fuse(floats a, floats b, floats c) {
#if ATTNC_LANES == 16 && defined(__AVX512F__)
  return (floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif ATTNC_LANES == 8 && defined(__FMA__)
  return (floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif ATTNC_LANES == 4 && defined(__FMA__)
  return (floats)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c);
#elif ATTNC_LANES == 4 && defined(__aarch64__)
  return (floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}
ATTNC_INLINE float fuse(float a, float b, float c) { return fuse(wide(a), wide(b), wide(c))[0]; }

// One lane of anything, and functions of one lane applied to all.

template <class T>
ATTNC_INLINE T lane(T x, int) { return x; }
ATTNC_INLINE float lane(floats x, int n) { return x[n]; }
ATTNC_INLINE std::int32_t lane(ints x, int n) { return x[n]; }

template <class T>
struct Wide {
  typedef ints type;
};
template <>
struct Wide<float> {
  typedef floats type;
};
template <class T>
ATTNC_INLINE T element(T x) { return x; }
/** Truths are kept as masks. */
ATTNC_INLINE std::int32_t element(bool x) { return x ? -1 : 0; }

/** f of each lane; lanes from `count` on are 0. */
template <class F>
ATTNC_INLINE auto gather(std::int32_t count, F f) {
  typename Wide<decltype(element(f(0)))>::type y{};
  const int end = count < lanes ? count : lanes;
  for (int n = 0; n < end; ++n) y[n] = element(f(n));
  return y;
}
/** f for each of the first `count` lanes. */
template <class F>
ATTNC_INLINE void scatter(std::int32_t count, F f) {
  const int end = count < lanes ? count : lanes;
  for (int n = 0; n < end; ++n) f(n);
}
/** f lane by lane: for functions that have no form of their own for vectors. */
template <class F, class... Args>
ATTNC_INLINE auto each(F f, Args... args) {
  typename Wide<decltype(element(f(lane(args, 0)...)))>::type y{};
  for (int n = 0; n < lanes; ++n) y[n] = element(f(lane(args, n)...));
  return y;
}

/** The elements at[0], at[stride], ... of the first `count` lanes; the others are 0. */
ATTNC_INLINE floats loadEvery(const float *at, std::ptrdiff_t stride, std::int32_t count) {
  if (stride == 1 && count >= lanes) return load(at);
  return gather(count, [=](int n) { return at[n * stride]; });
}
ATTNC_INLINE ints loadEvery(const std::int32_t *at, std::ptrdiff_t stride, std::int32_t count) {
  if (stride == 1 && count >= lanes) return load(at);
  return gather(count, [=](int n) { return at[n * stride]; });
}
ATTNC_INLINE void storeEvery(float *at, std::ptrdiff_t stride, std::int32_t count, floats x) {
  if (stride == 1 && count >= lanes) return store(at, x);
  scatter(count, [=](int n) { at[n * stride] = x[n]; });
}
ATTNC_INLINE void storeEvery(std::int32_t *at, std::ptrdiff_t stride, std::int32_t count, ints x) {
  if (stride == 1 && count >= lanes) return store(at, x);
  scatter(count, [=](int n) { at[n * stride] = x[n]; });
}

template <class T, class V>
ATTNC_INLINE void fill(T *at, std::ptrdiff_t count, V value) {
  for (std::ptrdiff_t n = 0; n < count; ++n) at[n] = value;
}

}  // namespace vec
}  // namespace
