// Elements as tensors store them, several in a word: read exactly, written rounded once to the nearest, of two equally near ones
// the even.

fn fromHalf(half: u32) -> f32 {
  let sign = (half & 0x8000u) << 16u;
  let rest = half & 0x7fffu;
  if (rest >= 0x7c00u) { return bitcast<f32>(sign | 0x7f800000u | (rest << 13u)); }
  if (rest < 0x0400u) { return bitcast<f32>(sign | bitcast<u32>(f32(rest) * 5.9604644775390625e-8)); }
  return bitcast<f32>(sign | ((rest << 13u) + 0x38000000u));
}

fn toHalf(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  let sign = (word >> 16u) & 0x8000u;
  let rest = word & 0x7fffffffu;
  if (rest > 0x7f800000u) { return sign | 0x7e00u; }
  if (rest >= 0x477ff000u) { return sign | 0x7c00u; }
  // With 1/2 added its last bit is worth 2^-24, as that of the smallest halves.
  if (rest < 0x38800000u) { return sign | (bitcast<u32>(bitcast<f32>(rest) + 0.5) - 0x3f000000u); }
  return sign | ((rest + 0xfffu + ((rest >> 13u) & 1u) - 0x38000000u) >> 13u);
}

fn fromBrain(brain: u32) -> f32 {
  return bitcast<f32>(brain << 16u);
}

fn toBrain(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  if (isNan(x)) { return (word >> 16u) | 0x40u; }
  return (word + 0x7fffu + ((word >> 16u) & 1u)) >> 16u;
}
