/** Elementwise operations as the language defines them, for numbers and for vectors of numbers. */
#pragma once
#include "lanes.h"

namespace {
namespace vec {

// i32 wraps.

ATTNC_INLINE std::int32_t add(std::int32_t a, std::int32_t b) { return std::int32_t(std::uint32_t(a) + std::uint32_t(b)); }
ATTNC_INLINE std::int32_t subtract(std::int32_t a, std::int32_t b) { return std::int32_t(std::uint32_t(a) - std::uint32_t(b)); }
ATTNC_INLINE std::int32_t multiply(std::int32_t a, std::int32_t b) { return std::int32_t(std::uint32_t(a) * std::uint32_t(b)); }
ATTNC_INLINE ints add(ints a, ints b) { return (ints)((words)a + (words)b); }
ATTNC_INLINE ints subtract(ints a, ints b) { return (ints)((words)a - (words)b); }
ATTNC_INLINE ints multiply(ints a, ints b) { return (ints)((words)a * (words)b); }

/** Rounded down; 0 for a divisor of 0. */
ATTNC_INLINE std::int32_t floorDivide(std::int32_t a, std::int32_t b) {
  if (b == 0) return 0;
  if (b == -1) return subtract(0, a);
  const std::int32_t quotient = a / b;
  return quotient - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}
/** With the sign of the divisor; 0 for a divisor of 0. */
ATTNC_INLINE std::int32_t floorModulo(std::int32_t a, std::int32_t b) {
  if (b == 0 || b == -1) return 0;
  const std::int32_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
ATTNC_INLINE ints floorDivide(ints a, ints b) {
  return each([](std::int32_t x, std::int32_t y) { return floorDivide(x, y); }, a, b);
}
ATTNC_INLINE ints floorModulo(ints a, ints b) {
  return each([](std::int32_t x, std::int32_t y) { return floorModulo(x, y); }, a, b);
}
ATTNC_INLINE float floorModulo(float a, float b) {
  const float rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
ATTNC_INLINE float floorDivide(float a, float b) {
  return b == 0 ? a / b : float(std::nearbyint((double(a) - double(floorModulo(a, b))) / double(b)));
}
ATTNC_INLINE floats floorDivide(floats a, floats b) {
  return each([](float x, float y) { return floorDivide(x, y); }, a, b);
}
ATTNC_INLINE floats floorModulo(floats a, floats b) {
  return each([](float x, float y) { return floorModulo(x, y); }, a, b);
}

// NaN if an operand is NaN.

ATTNC_INLINE float largest(float a, float b) { return a > b || a != a ? a : b; }
ATTNC_INLINE float smallest(float a, float b) { return a < b || a != a ? a : b; }
ATTNC_INLINE std::int32_t largest(std::int32_t a, std::int32_t b) { return a > b ? a : b; }
ATTNC_INLINE std::int32_t smallest(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
ATTNC_INLINE ints largest(ints a, ints b) { return a > b ? a : b; }
ATTNC_INLINE ints smallest(ints a, ints b) { return a < b ? a : b; }
ATTNC_INLINE floats largest(floats a, floats b) {
  const floats larger = a > b ? a : b;
  return a != a ? a : larger;
}
ATTNC_INLINE floats smallest(floats a, floats b) {
  const floats smaller = a < b ? a : b;
  return a != a ? a : smaller;
}

/** The larger, or b if one is NaN: one instruction, which compilers do not always find. GCC 12 warns of it without a mask. */
ATTNC_INLINE floats larger(floats a, floats b) {
#if ATTNC_LANES == 16 && defined(__AVX512F__)
  return (floats)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);
#elif ATTNC_LANES == 8 && defined(__AVX__)
  return (floats)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return a > b ? a : b;
#endif
}
ATTNC_INLINE floats smaller(floats a, floats b) {
#if ATTNC_LANES == 16 && defined(__AVX512F__)
  return (floats)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
#elif ATTNC_LANES == 8 && defined(__AVX__)
  return (floats)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return a < b ? a : b;
#endif
}

template <bool isMost>
ATTNC_INLINE floats extreme(floats a, floats b) { return isMost ? larger(a, b) : smaller(a, b); }
/** The extreme of `first` and f(0), f(1), ... up to `count`, in four chains, which do not wait for one another; NaN may be left out. */
template <bool isMost, class F>
ATTNC_INLINE floats extremeOf(std::int32_t count, floats first, F f) {
  floats chain[4] = {first, first, first, first};
  std::int32_t n = 0;
  for (; n + 4 <= count; n += 4)
    for (int c = 0; c < 4; ++c) chain[c] = extreme<isMost>(f(n + c), chain[c]);
  for (; n < count; ++n) chain[0] = extreme<isMost>(f(n), chain[0]);
  return extreme<isMost>(extreme<isMost>(chain[0], chain[1]), extreme<isMost>(chain[2], chain[3]));
}
template <class F>
ATTNC_INLINE floats largerOf(std::int32_t count, floats first, F f) { return extremeOf<true>(count, first, f); }
template <class F>
ATTNC_INLINE floats smallerOf(std::int32_t count, floats first, F f) { return extremeOf<false>(count, first, f); }

ATTNC_INLINE float magnitude(float x) { return std::fabs(x); }
ATTNC_INLINE std::int32_t magnitude(std::int32_t x) { return x < 0 ? subtract(0, x) : x; }
ATTNC_INLINE floats magnitude(floats x) { return (floats)((words)x & 0x7fffffffu); }
ATTNC_INLINE ints magnitude(ints x) { return x < 0 ? subtract(ints{}, x) : x; }
ATTNC_INLINE float sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }
ATTNC_INLINE std::int32_t sign(std::int32_t x) { return (x > 0) - (x < 0); }
ATTNC_INLINE floats sign(floats x) { return x > 0.0f ? wide(1.0f) : x < 0.0f ? wide(-1.0f) : x; }
ATTNC_INLINE ints sign(ints x) { return (x < 0) - (x > 0); }

/** Toward zero; beyond 32 bits the nearest such integer, 0 for NaN. */
ATTNC_INLINE std::int32_t toInteger(float x) {
  if (!(x == x)) return 0;
  if (x >= 2147483648.0f) return 2147483647;
  return x <= -2147483648.0f ? -2147483647 - 1 : std::int32_t(x);
}
ATTNC_INLINE std::int32_t toInteger(std::int32_t x) { return x; }
ATTNC_INLINE std::int32_t toInteger(bool x) { return x ? 1 : 0; }
ATTNC_INLINE ints toInteger(floats x) {
  const ints isInside = magnitude(x) < 2147483648.0f;
  const ints inside = __builtin_convertvector(isInside ? x : floats{}, ints);
  const ints outside = x != x ? ints{} : x > 0.0f ? wide(2147483647) : wide(-2147483647 - 1);
  return isInside ? inside : outside;
}
ATTNC_INLINE float toFloat(std::int32_t x) { return float(x); }
ATTNC_INLINE float toFloat(bool x) { return x ? 1.0f : 0.0f; }
ATTNC_INLINE float toFloat(float x) { return x; }
ATTNC_INLINE floats toFloat(ints x) { return __builtin_convertvector(x, floats); }
ATTNC_INLINE floats toFloat(floats x) { return x; }
/** 1 and 0 of a mask. */
ATTNC_INLINE ints oneOf(ints mask) { return -mask; }

/** x to an integer power by squaring; 1 / x^-n for a negative one. */
ATTNC_INLINE float integerPower(float x, std::int32_t n) {
  float result = 1;
  float square = x;
  for (std::uint32_t rest = n < 0 ? 0u - std::uint32_t(n) : std::uint32_t(n); rest > 0; rest /= 2, square *= square)
    if (rest % 2 == 1) result *= square;
  return n < 0 ? 1 / result : result;
}
ATTNC_INLINE floats integerPower(floats x, std::int32_t n) {
  floats result = wide(1.0f);
  floats square = x;
  for (std::uint32_t rest = n < 0 ? 0u - std::uint32_t(n) : std::uint32_t(n); rest > 0; rest /= 2, square *= square)
    if (rest % 2 == 1) result *= square;
  return n < 0 ? 1.0f / result : result;
}
template <class X, class N>
ATTNC_INLINE floats integerPower(X x, N n) {
  return each([](float y, std::int32_t m) { return integerPower(y, m); }, x, n);
}

// Folds of the lanes of a vector.

template <class V, class F>
ATTNC_INLINE auto foldLanes(V x, F f) {
  auto y = x[0];
  for (int n = 1; n < lanes; ++n) y = f(y, x[n]);
  return y;
}
ATTNC_INLINE float sumOf(floats x) { return foldLanes(x, [](float a, float b) { return a + b; }); }
ATTNC_INLINE std::int32_t sumOf(ints x) { return foldLanes(x, [](std::int32_t a, std::int32_t b) { return add(a, b); }); }
ATTNC_INLINE float largestOf(floats x) { return foldLanes(x, [](float a, float b) { return largest(a, b); }); }
ATTNC_INLINE std::int32_t largestOf(ints x) { return foldLanes(x, [](std::int32_t a, std::int32_t b) { return largest(a, b); }); }
ATTNC_INLINE float smallestOf(floats x) { return foldLanes(x, [](float a, float b) { return smallest(a, b); }); }
ATTNC_INLINE std::int32_t smallestOf(ints x) { return foldLanes(x, [](std::int32_t a, std::int32_t b) { return smallest(a, b); }); }
/** A bit for each lane of a mask. */
ATTNC_INLINE std::uint32_t bitsOf(ints x) {
#if ATTNC_LANES == 16 && defined(__AVX512DQ__)
  return std::uint32_t(_mm512_movepi32_mask((__m512i)x));
#elif ATTNC_LANES == 8 && defined(__AVX2__)
  return std::uint32_t(_mm256_movemask_ps((__m256)x));
#elif ATTNC_LANES == 4 && defined(__SSE__)
  return std::uint32_t(_mm_movemask_ps((__m128)x));
#else
  std::uint32_t all = 0;
  for (int n = 0; n < lanes; ++n) all |= std::uint32_t(x[n] != 0) << n;
  return all;
#endif
}
ATTNC_INLINE bool anyOf(ints x) { return bitsOf(x) != 0; }
ATTNC_INLINE bool allOf(ints x) { return bitsOf(x) == (1u << lanes) - 1; }

}  // namespace vec
}  // namespace
