/** Elements as tensors store them: read exactly, written rounded once to the nearest, of two equally near ones the even. */
#pragma once
#include "lanes.h"

namespace {
namespace vec {

ATTNC_INLINE float fromHalf(std::uint16_t half) {
#ifdef __FLT16_MAX__
  return float(bits<_Float16>(half));
#else
  const std::uint32_t sign = std::uint32_t(half & 0x8000u) << 16;
  const std::uint32_t rest = half & 0x7fffu;
  if (rest >= 0x7c00u) return bits<float>(sign | 0x7f800000u | (rest << 13));
  const float scaled = bits<float>(rest << 13) * 0x1p112f;
  return bits<float>(sign | bits<std::uint32_t>(scaled));
#endif
}
ATTNC_INLINE std::uint16_t toHalf(float x) {
#ifdef __FLT16_MAX__
  return bits<std::uint16_t>(_Float16(x));
#else
  const std::uint32_t word = bits<std::uint32_t>(x);
  const std::uint16_t sign = std::uint16_t(word >> 16 & 0x8000u);
  const std::uint32_t rest = word & 0x7fffffffu;
  if (rest > 0x7f800000u) return std::uint16_t(sign | 0x7e00u);
  if (rest >= 0x477ff000u) return std::uint16_t(sign | 0x7c00u);
  if (rest < 0x38800000u) {
    const float size = bits<float>(rest) + 0.5f;  // its last bit is worth 2^-24, as that of the smallest halves
    return std::uint16_t(sign | (bits<std::uint32_t>(size) - 0x3f000000u));
  }
  return std::uint16_t(sign | ((rest + 0xfffu + (rest >> 13 & 1u) - 0x38000000u) >> 13));
#endif
}
ATTNC_INLINE float fromBrain(std::uint16_t brain) { return bits<float>(std::uint32_t(brain) << 16); }
ATTNC_INLINE std::uint16_t toBrain(float x) {
  const std::uint32_t word = bits<std::uint32_t>(x);
  if (x != x) return std::uint16_t(word >> 16 | 0x40u);
  return std::uint16_t((word + 0x7fffu + (word >> 16 & 1u)) >> 16);
}

}  // namespace vec
}  // namespace
