/** Elementwise operations as the language defines them. Those that uniform expressions of a call need are functions of the host, too. */
#pragma once
#include <cmath>
#include <cstdint>
#include "ptx.cuh"

namespace {
namespace num {

// i32 wraps.

ATTNC_BOTH std::int32_t add(std::int32_t a, std::int32_t b) { return std::int32_t(std::uint32_t(a) + std::uint32_t(b)); }
ATTNC_BOTH std::int32_t subtract(std::int32_t a, std::int32_t b) { return std::int32_t(std::uint32_t(a) - std::uint32_t(b)); }
ATTNC_BOTH std::int32_t multiply(std::int32_t a, std::int32_t b) { return std::int32_t(std::uint32_t(a) * std::uint32_t(b)); }

/** Rounded down; 0 for a divisor of 0. */
ATTNC_BOTH std::int32_t floorDivide(std::int32_t a, std::int32_t b) {
  if (b == 0) return 0;
  if (b == -1) return subtract(0, a);
  const std::int32_t quotient = a / b;
  return quotient - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}
/** With the sign of the divisor; 0 for a divisor of 0. */
ATTNC_BOTH std::int32_t floorModulo(std::int32_t a, std::int32_t b) {
  if (b == 0 || b == -1) return 0;
  const std::int32_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
ATTNC_BOTH float floorModulo(float a, float b) {
  const float rest = ::fmodf(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
ATTNC_BOTH float floorDivide(float a, float b) {
  return b == 0 ? a / b : float(::nearbyint((double(a) - double(floorModulo(a, b))) / double(b)));
}

// NaN if an operand is NaN.

ATTNC_BOTH float largest(float a, float b) { return a > b || a != a ? a : b; }
ATTNC_BOTH float smallest(float a, float b) { return a < b || a != a ? a : b; }
ATTNC_BOTH std::int32_t largest(std::int32_t a, std::int32_t b) { return a > b ? a : b; }
ATTNC_BOTH std::int32_t smallest(std::int32_t a, std::int32_t b) { return a < b ? a : b; }

ATTNC_BOTH float magnitude(float x) { return ::fabsf(x); }
ATTNC_BOTH std::int32_t magnitude(std::int32_t x) { return x < 0 ? subtract(0, x) : x; }
ATTNC_BOTH float sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : x; }
ATTNC_BOTH std::int32_t sign(std::int32_t x) { return (x > 0) - (x < 0); }
ATTNC_BOTH float floor(float x) { return ::floorf(x); }
ATTNC_BOTH float ceil(float x) { return ::ceilf(x); }
ATTNC_BOTH float roundEven(float x) { return ::nearbyintf(x); }

/** Toward zero; beyond 32 bits the nearest such integer, 0 for NaN. */
ATTNC_BOTH std::int32_t toInteger(float x) {
  if (!(x == x)) return 0;
  if (x >= 2147483648.0f) return 2147483647;
  return x <= -2147483648.0f ? -2147483647 - 1 : std::int32_t(x);
}
ATTNC_BOTH std::int32_t toInteger(std::int32_t x) { return x; }
ATTNC_BOTH std::int32_t toInteger(bool x) { return x ? 1 : 0; }
ATTNC_BOTH float toFloat(std::int32_t x) { return float(x); }
ATTNC_BOTH float toFloat(bool x) { return x ? 1.0f : 0.0f; }
ATTNC_BOTH float toFloat(float x) { return x; }

/** x to an integer power by squaring; 1 / x^-n for a negative one. */
ATTNC_BOTH float integerPower(float x, std::int32_t n) {
  float result = 1;
  float square = x;
  for (std::uint32_t rest = n < 0 ? 0u - std::uint32_t(n) : std::uint32_t(n); rest > 0; rest /= 2, square *= square)
    if (rest % 2 == 1) result *= square;
  return n < 0 ? 1 / result : result;
}
/** x^y for x > 0; 0^y is 0 for y > 0; everything else is NaN. */
ATTNC_BOTH float realPower(float x, float y) {
  if (x == 1 && !(::fabsf(y) < INFINITY)) return NAN;
  if (x > 0) return ::powf(x, y);
  return x == 0 && y > 0 ? 0.0f : NAN;
}

// Within 4 units in the last place, by CUDA's own functions. Results below the smallest normal number may be 0.

ATTNC_BOTH float exp(float x) { return ::expf(x); }
ATTNC_BOTH float exp2(float x) { return ::exp2f(x); }
ATTNC_BOTH float expm1(float x) { return ::expm1f(x); }
ATTNC_BOTH float log(float x) { return ::logf(x); }
ATTNC_BOTH float log2(float x) { return ::log2f(x); }
ATTNC_BOTH float log1p(float x) { return ::log1pf(x); }
ATTNC_BOTH float squareRoot(float x) { return ::sqrtf(x); }
ATTNC_BOTH float inverseRoot(float x) { return 1 / ::sqrtf(x); }
ATTNC_BOTH float tanh(float x) { return ::tanhf(x); }
ATTNC_BOTH float sin(float x) { return ::sinf(x); }
ATTNC_BOTH float cos(float x) { return ::cosf(x); }
ATTNC_BOTH float erf(float x) { return ::erff(x); }
ATTNC_BOTH float atan2(float y, float x) { return ::atan2f(y, x); }
ATTNC_BOTH float sigmoid(float x) { return 1 / (1 + ::expf(-x)); }
ATTNC_BOTH float softplus(float x) { return largest(x, 0.0f) + ::log1pf(::expf(-::fabsf(x))); }
ATTNC_BOTH float logAddExp(float x, float y) {
  return x == y ? x + 0.693147180559945f : largest(x, y) + ::log1pf(::expf(-::fabsf(x - y)));
}

/** a * b + c, rounded once. */
ATTNC_BOTH float fuse(float a, float b, float c) { return ::fmaf(a, b, c); }

/** Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011): the top 24 bits of its first word. */
ATTNC_BOTH float random(std::int32_t seed, std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
  std::uint32_t x[4] = {std::uint32_t(a), std::uint32_t(b), std::uint32_t(c), std::uint32_t(d)};
  std::uint32_t key[2] = {std::uint32_t(seed), 0};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t(0xd2511f53u) * x[0];
    const std::uint64_t odd = std::uint64_t(0xcd9e8d57u) * x[2];
    const std::uint32_t next[4] = {std::uint32_t(odd >> 32) ^ x[1] ^ key[0], std::uint32_t(odd),
                                   std::uint32_t(even >> 32) ^ x[3] ^ key[1], std::uint32_t(even)};
    for (int n = 0; n < 4; ++n) x[n] = next[n];
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return float(x[0] >> 8) * 5.9604644775390625e-8f;
}

}  // namespace num
}  // namespace
