/**
 * Elementary functions that need more digits on the way than a float has: by halves of a vector, in double. Within 1 unit in the
 * last place; polynomials are fitted to a relative error below 2e-9.
 */
#pragma once
#include "arithmetic.h"

namespace {
namespace vec {

typedef float HalfOfFloats __attribute__((vector_size(2 * lanes)));
typedef double HalfOfDoubles __attribute__((vector_size(4 * lanes)));
typedef double PairOfDoubles __attribute__((vector_size(16)));

/** f of each half of the vectors. */
template <class F, class... Args>
ATTNC_INLINE floats inDoubles(F f, Args... args) {
  HalfOfFloats halves[2];
  for (int n = 0; n < 2; ++n) {
    const auto half = [n](floats x) {
      HalfOfFloats y;
      std::memcpy(&y, reinterpret_cast<const char *>(&x) + n * sizeof y, sizeof y);
      return __builtin_convertvector(y, HalfOfDoubles);
    };
    halves[n] = __builtin_convertvector(f(half(args)...), HalfOfFloats);
  }
  floats y;
  std::memcpy(&y, halves, sizeof y);
  return y;
}
/** f of single numbers, by the shortest vector: as a lane has it. */
template <class F, class... Args>
ATTNC_INLINE float inDoubles(F f, float x, Args... more) {
  return float(f(double(x) - PairOfDoubles{}, double(more) - PairOfDoubles{}...)[0]);
}

/** Integers of the bits of doubles. */
template <class D>
using LongsOf = decltype(D{} < D{});

/** Added to x, |x| < 2^51, it leaves the nearest integer in the low bits of the sum. */
constexpr double wholes = 6755399441055744.0;

/**
 * The sine of x + quarters pi / 2 for |x| < 2^28. pi / 2 in two parts, of which the first has 25 bits, so that its multiples are exact
 * (Cody and Waite, "Software Manual for the Elementary Functions", 1980).
 */
template <class D>
ATTNC_INLINE D sineOf(D x, std::int64_t quarters) {
  const D sum = x * 0.63661977236758134308 + wholes;
  const D n = sum - wholes;
  const auto turns = (LongsOf<D>)sum + quarters;
  const D r = x - n * 1.57079631090164184570 - n * 1.58932547735281966916e-8;
  const D z = r * r;
  const D odd = -0.16666666641426475 + z * (0.008333329362277167 + z * (-0.00019839327135820026 + z * 2.7182372714689215e-06));
  const D even = 0.04166666662247695 + z * (-0.0013888883722618086 + z * (2.4799511762811627e-05 + z * -2.720954768828614e-07));
  const D size = (turns & 1) != 0 ? 1.0 - 0.5 * z + z * z * even : r + r * z * odd;
  return (D)((LongsOf<D>)size ^ ((turns & 2) << 62));
}
constexpr float mostTurned = 268435456.0f;

ATTNC_INLINE float sin(float x) {
  return std::fabs(x) < mostTurned ? inDoubles([](auto y) { return sineOf(y, 0); }, x) : std::sin(x);
}
ATTNC_INLINE float cos(float x) {
  return std::fabs(x) < mostTurned ? inDoubles([](auto y) { return sineOf(y, 1); }, x) : std::cos(x);
}
ATTNC_INLINE floats sin(floats x) {
  const bool areUsual = allOf(magnitude(x) < mostTurned);
  return areUsual ? inDoubles([](auto y) { return sineOf(y, 0); }, x) : each([](float y) { return sin(y); }, x);
}
ATTNC_INLINE floats cos(floats x) {
  const bool areUsual = allOf(magnitude(x) < mostTurned);
  return areUsual ? inDoubles([](auto y) { return sineOf(y, 1); }, x) : each([](float y) { return cos(y); }, x);
}

/** For what is above 0; exact for powers of 2. A series of (m - 1) / (m + 1). */
template <class D>
ATTNC_INLINE D logarithmOf(D x) {
  typedef std::uint64_t Words __attribute__((vector_size(sizeof(D))));
  constexpr std::int64_t smallest = 0x3fe6a09e667f3bcd;  // of m: sqrt(1 / 2)
  const auto shifted = (LongsOf<D>)x - smallest;
  const D exponent = (D)(((Words)shifted >> 52) ^ 0x4330000000000800u) - 4503599627372544.0;  // 2^52 + 2048
  const D m = (D)((shifted & 0x000fffffffffffff) + smallest);
  const D s = (m - 1.0) / (m + 1.0);
  const D z = s * s;
  const D p = 2.8853900817778486 +
              z * (0.9617966941158939 +
                   z * (0.5770779415762709 + z * (0.4122093361083646 + z * (0.3199021127288745 + z * 0.2829533574404457))));
  return x == double(INFINITY) ? x : exponent + s * p;
}

template <class D>
ATTNC_INLINE D powerOfTwo(D given) {
  const D least = given < -1000.0 ? -1000.0 - D{} : given;
  const D x = least > 1000.0 ? 1000.0 - D{} : least;
  const D sum = x + wholes;
  const D r = x - (sum - wholes);
  const D p =
      0.9999999999190692 +
      r * (0.693147206709648 +
           r * (0.2402265150504023 +
                r * (0.055503272157650115 + r * (0.009617994515757657 + r * (0.0013400431667576537 + r * 0.00015478021856256738)))));
  return (D)((LongsOf<D>)p + ((LongsOf<D>)sum << 52));
}
template <class D>
ATTNC_INLINE D powerOf(D x, D y) {
  return powerOfTwo(y == 0.0 ? D{} : y * logarithmOf(x));
}

ATTNC_INLINE float log2(float x) {
  if (x > 0.0f) return inDoubles([](auto y) { return logarithmOf(y); }, x);
  return x == 0.0f ? -INFINITY : NAN;
}
ATTNC_INLINE floats log2(floats x) {
  const floats outside = x == 0.0f ? wide(-INFINITY) : wide(NAN);
  return x > 0.0f ? inDoubles([](auto y) { return logarithmOf(y); }, x) : outside;
}
/** x^y for x > 0; 0^y is 0 for y > 0; everything else is NaN. */
ATTNC_INLINE float realPower(float x, float y) {
  if (x > 0.0f) return inDoubles([](auto a, auto b) { return powerOf(a, b); }, x, y);
  return x == 0.0f && y > 0.0f ? 0.0f : NAN;
}
ATTNC_INLINE floats realPower(floats x, floats y) {
  const floats atZero = (x == 0.0f) & (y > 0.0f) ? floats{} : wide(NAN);
  return x > 0.0f ? inDoubles([](auto a, auto b) { return powerOf(a, b); }, x, y) : atZero;
}

}  // namespace vec
}  // namespace
