/**
 * Elementary functions within 4 units in the last place. Results below 2^-125 may be 0. Polynomials are fitted, or those
 * of Moshier, "Methods and Programs for Mathematical Functions", 1989 (Cephes) and of Sun's fdlibm, 1993.
 */
#pragma once
#include "doubles.h"

namespace {
namespace vec {

/**
 * Added to x, it leaves the integer n nearest to x in the low bits of the sum, plus 126: shifted to the exponent, they are 2^(n - 1),
 * and 0 for n = -126. For -127 < x < 129; of NaN the sum is NaN, and so is what is multiplied by whatever its bits make.
 */
constexpr float rounder = 12582912.0f + 126.0f;
ATTNC_INLINE floats halfPower(floats sum) { return (floats)((words)sum << 23); }

/** x, brought between the two; NaN stays NaN. */
ATTNC_INLINE floats between(float low, float high, floats x) { return smaller(wide(high), larger(wide(low), x)); }

/** 2 e^r for |r| <= log(2) / 2, times 2^(n - 1). Infinity from 88.73 on; results below 2^-125 may be 0, and that of -infinity is. */
ATTNC_INLINE floats exp(floats given) {
  const floats x = between(-87.33654f, 89.0f, given);
  const floats sum = fuse(x, wide(1.44269504088896341f), wide(rounder));
  const floats n = sum - rounder;
  const floats r = fuse(n, wide(2.12194440e-4f), fuse(n, wide(-0.693359375f), x));
  floats p = wide(2.7629080e-3f);
  p = fuse(p, r, wide(1.67374904e-2f));
  p = fuse(p, r, wide(8.3336782e-2f));
  p = fuse(p, r, wide(0.33333041f));
  p = fuse(p, r, wide(0.99999987f));
  p = fuse(p, r, wide(2.0f));
  p = fuse(p, r, wide(2.0f));
  return p * halfPower(sum);
}

/** `times` 2^r for |r| <= 1/2, within 2.8 units in the last place; of 0 exactly `times`. */
ATTNC_INLINE floats powerNearOne(floats r, float times) {
  floats p = wide(times * 1.3264728e-3f);
  p = fuse(p, r, wide(times * 9.6715139e-3f));
  p = fuse(p, r, wide(times * 5.5507336e-2f));
  p = fuse(p, r, wide(times * 2.4022242e-1f));
  p = fuse(p, r, wide(times * 6.9314700e-1f));
  return fuse(p, r, wide(times));
}

#if ATTNC_LANES == 16 && defined(__AVX512F__)
/** Where x is infinite, its rest is NaN, of which the scaling by x makes infinity or 0. */
struct Scaling {
  __m512 n;
  __m512 p;
};
ATTNC_INLINE Scaling scalingOf(floats x) {
  const __m512 n = _mm512_maskz_roundscale_ps(0xffff, (__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return {n, (__m512)powerNearOne(x - (floats)n, 1.0f)};
}
/** Below 2^-125 stands 0: no number that makes multiplications slow. */
ATTNC_INLINE floats exp2(floats x) {
  const Scaling s = scalingOf(x);
  return (floats)_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(s.n, _mm512_set1_ps(-125.0f), _CMP_NLT_UQ), s.p, s.n);
}
/** 1 / (1 + 2^x): an estimate of 14 bits, and Newton's step; of infinity the estimate is 0, and the step would be NaN. */
ATTNC_INLINE floats logistic2(floats x) {
  const Scaling s = scalingOf(x);
  const __m512 of = _mm512_add_ps(_mm512_maskz_scalef_ps(0xffff, s.p, s.n), _mm512_set1_ps(1.0f));
  const __m512 y = _mm512_maskz_rcp14_ps(0xffff, of);
  const __m512 step = _mm512_fnmadd_ps(of, y, _mm512_set1_ps(2.0f));
  return (floats)_mm512_maskz_mul_ps(_mm512_cmp_ps_mask(of, _mm512_set1_ps(INFINITY), _CMP_NEQ_UQ), y, step);
}
#else
ATTNC_INLINE floats exp2(floats given) {
  const floats x = between(-126.0f, 128.25f, given);
  const floats sum = x + rounder;
  return powerNearOne(x - (sum - rounder), 2.0f) * halfPower(sum);
}
/** 1 / (1 + 2^x) */
ATTNC_INLINE floats logistic2(floats x) { return 1.0f / (1.0f + exp2(x)); }
#endif

ATTNC_INLINE floats log(floats x) {
  const ints isTiny = x < 1.17549435e-38f;
  const floats scaled = isTiny ? x * 8388608.0f : x;
  const ints shifted = (ints)scaled - 0x3f3504f3;
  const floats k = toFloat(shifted >> 23) - (isTiny ? wide(23.0f) : floats{});
  const floats f = (floats)((shifted & 0x007fffff) + 0x3f3504f3) - 1.0f;
  const floats s = f / (2.0f + f);
  const floats z = s * s;
  const floats w = z * z;
  const floats odd = w * fuse(w, wide(0.24279078841f), wide(0.40000972152f));
  const floats even = z * fuse(w, wide(0.28498786688f), wide(0.66666662693f));
  const floats half = 0.5f * f * f;
  const floats y = fuse(s, half + odd + even, k * 9.0580006145e-06f) - half + f + k * 6.9313812256e-01f;
  const floats outside = x == 0.0f ? wide(-INFINITY) : x == INFINITY ? x : wide(NAN);
  return (x > 0.0f) & (x < INFINITY) ? y : outside;
}

/** log(1 + x): the logarithm of the rounded sum, corrected for its rounding (Kahan, 1991). */
ATTNC_INLINE floats log1p(floats x) {
  const floats u = 1.0f + x;
  const floats y = log(u) * (x / (u - 1.0f));
  return u == 1.0f ? x : u == INFINITY || u <= 0.0f ? log(u) : y;
}

ATTNC_INLINE floats tanh(floats x) {
  const floats size = magnitude(x);
  const floats z = x * x;
  floats p = wide(-5.70498872745e-3f);
  p = fuse(p, z, wide(2.06390887954e-2f));
  p = fuse(p, z, wide(-5.37397155531e-2f));
  p = fuse(p, z, wide(1.33314422036e-1f));
  p = fuse(p, z, wide(-3.33332819422e-1f));
  const floats small = fuse(p * z, x, x);
  const floats large = 1.0f - 2.0f / (exp(2.0f * size) + 1.0f);
  return size < 0.625f ? small : x < 0.0f ? -large : large;
}

ATTNC_INLINE floats sigmoid(floats x) { return 1.0f / (1.0f + exp(-x)); }
ATTNC_INLINE floats softplus(floats x) { return largest(x, floats{}) + log1p(exp(-magnitude(x))); }
ATTNC_INLINE floats logAddExp(floats x, floats y) {
  const floats sum = largest(x, y) + log1p(exp(-magnitude(x - y)));
  return x == y ? x + 0.693147180559945f : sum;
}

/** 2^n (e^r - 1) + 2^n - 1, by halves of 2^n. */
ATTNC_INLINE floats expm1(floats given) {
  const floats x = between(-87.33654f, 89.0f, given);
  const floats sum = fuse(x, wide(1.44269504088896341f), wide(rounder));
  const floats n = sum - rounder;
  const floats r = fuse(n, wide(2.12194440e-4f), fuse(n, wide(-0.693359375f), x));
  floats p = wide(1.9915593e-4f);
  p = fuse(p, r, wide(1.3942007e-3f));
  p = fuse(p, r, wide(8.3332704e-3f));
  p = fuse(p, r, wide(4.1666344e-2f));
  p = fuse(p, r, wide(1.6666667e-1f));
  p = fuse(p, r, wide(0.5f));
  const floats half = halfPower(sum);
  return 2.0f * fuse(half, fuse(p, r * r, r), half - 0.5f);
}

ATTNC_INLINE floats withSignOf(floats x, floats y) { return (floats)(((words)x & 0x7fffffffu) | ((words)y & 0x80000000u)); }
/** Ties to even: what a float of 2^23 takes up has no fraction. */
ATTNC_INLINE floats roundEven(floats x) {
  const floats size = magnitude(x);
  return size < 8388608.0f ? withSignOf(size + 8388608.0f - 8388608.0f, x) : x;
}
ATTNC_INLINE floats floor(floats x) {
  const floats y = roundEven(x);
  return y > x ? y - 1.0f : y;
}
ATTNC_INLINE floats ceil(floats x) {
  const floats y = roundEven(x);
  return y < x ? withSignOf(y + 1.0f, x) : y;
}

ATTNC_INLINE floats squareRoot(floats x) {
#if ATTNC_LANES == 16 && defined(__AVX512F__)
  return (floats)_mm512_maskz_sqrt_ps(0xffff, (__m512)x);
#elif ATTNC_LANES == 8 && defined(__AVX__)
  return (floats)_mm256_sqrt_ps((__m256)x);
#elif ATTNC_LANES == 4 && defined(__SSE__)
  return (floats)_mm_sqrt_ps((__m128)x);
#elif ATTNC_LANES == 4 && defined(__aarch64__)
  return (floats)vsqrtq_f32((float32x4_t)x);
#else
  return each([](float y) { return std::sqrt(y); }, x);
#endif
}
ATTNC_INLINE floats inverseRoot(floats x) { return 1.0f / squareRoot(x); }

// By the library, lane by lane.

ATTNC_INLINE floats erf(floats x) {
  return each([](float y) { return std::erf(y); }, x);
}
ATTNC_INLINE floats atan2(floats y, floats x) {
  return each([](float a, float b) { return std::atan2(a, b); }, y, x);
}

// Of one number as of a lane: what is computed twice has to be the same twice.

#define ATTNC_OF_ONE(name) \
  ATTNC_INLINE float name(float x) { return name(wide(x))[0]; }
ATTNC_OF_ONE(exp)
ATTNC_OF_ONE(exp2)
ATTNC_OF_ONE(expm1)
ATTNC_OF_ONE(log)
ATTNC_OF_ONE(log1p)
ATTNC_OF_ONE(tanh)
ATTNC_OF_ONE(sigmoid)
ATTNC_OF_ONE(logistic2)
ATTNC_OF_ONE(softplus)
#undef ATTNC_OF_ONE
ATTNC_INLINE float logAddExp(float x, float y) { return logAddExp(wide(x), wide(y))[0]; }
ATTNC_INLINE float squareRoot(float x) { return std::sqrt(x); }
ATTNC_INLINE float inverseRoot(float x) { return 1 / std::sqrt(x); }
ATTNC_INLINE float erf(float x) { return std::erf(x); }
ATTNC_INLINE float atan2(float y, float x) { return std::atan2(y, x); }
ATTNC_INLINE float floor(float x) { return std::floor(x); }
ATTNC_INLINE float ceil(float x) { return std::ceil(x); }
ATTNC_INLINE float roundEven(float x) { return std::nearbyint(x); }

/** Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011): the top 24 bits of its first word. */
ATTNC_INLINE float random(std::int32_t seed, std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
  std::uint32_t x[4] = {std::uint32_t(a), std::uint32_t(b), std::uint32_t(c), std::uint32_t(d)};
  std::uint32_t key[2] = {std::uint32_t(seed), 0};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t(0xd2511f53u) * x[0];
    const std::uint64_t odd = std::uint64_t(0xcd9e8d57u) * x[2];
    const std::uint32_t next[4] = {std::uint32_t(odd >> 32) ^ x[1] ^ key[0], std::uint32_t(odd),
                                   std::uint32_t(even >> 32) ^ x[3] ^ key[1], std::uint32_t(even)};
    std::memcpy(x, next, sizeof x);
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return float(x[0] >> 8) * 5.9604644775390625e-8f;
}
template <class S, class A, class B, class C, class D>
ATTNC_INLINE floats random(S seed, A a, B b, C c, D d) {
  return each([](std::int32_t s, std::int32_t w, std::int32_t x, std::int32_t y, std::int32_t z) { return random(s, w, x, y, z); },
              seed, a, b, c, d);
}

}  // namespace vec
}  // namespace
