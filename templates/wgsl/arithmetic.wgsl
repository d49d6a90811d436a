// Elementwise operations as the language defines them. WGSL lets a compiler take NaN and infinity for absent: what must tell
// them apart looks at bits, and infinity comes from outside, so that it is no constant.

fn infinity() -> f32 {
  return bitcast<f32>(given.infinity);
}

fn nan() -> f32 {
  return bitcast<f32>(given.infinity | 0x00400000u);
}

fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn isFinite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

/// NaN if an operand is NaN.
fn largest(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, isNan(b)), a, isNan(a));
}

/// NaN if an operand is NaN.
fn smallest(a: f32, b: f32) -> f32 {
  return select(select(min(a, b), b, isNan(b)), a, isNan(a));
}

/// -1, 0, 1; zeros and NaN are kept.
fn signOf(x: f32) -> f32 {
  return select(select(x, -1.0, x < 0.0), 1.0, x > 0.0);
}

/// Rounded down; 0 for a divisor of 0.
fn floorDivide(a: i32, b: i32) -> i32 {
  if (b == 0) { return 0; }
  if (b == -1) { return -a; }
  let quotient = a / b;
  let rest = a - quotient * b;
  return select(quotient, quotient - 1, rest != 0 && (rest < 0) != (b < 0));
}

/// With the sign of the divisor; 0 for a divisor of 0.
fn floorModulo(a: i32, b: i32) -> i32 {
  if (b == 0 || b == -1) { return 0; }
  let rest = a - a / b * b;
  return select(rest, rest + b, rest != 0 && (rest < 0) != (b < 0));
}

/// The exact remainder with the sign of the dividend: bit by bit, as by hand.
fn remainder(a: f32, b: f32) -> f32 {
  if (isNan(a) || isNan(b) || !isFinite(a) || b == 0.0) { return nan(); }
  let size = abs(b);
  var rest = abs(a);
  if (!isFinite(b) || rest < size) { return a; }
  let scale = i32(bitcast<u32>(rest) >> 23u) - i32(bitcast<u32>(size) >> 23u);
  for (var n = scale; n >= 0; n--) {
    let part = ldexp(size, n);
    if (isFinite(part) && rest >= part) { rest -= part; }
  }
  return select(rest, -rest, a < 0.0);
}

fn realModulo(a: f32, b: f32) -> f32 {
  let rest = remainder(a, b);
  return select(rest, rest + b, rest != 0.0 && (rest < 0.0) != (b < 0.0));
}

/// The quotient rounded down, in agreement with the remainder.
fn realQuotient(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return a / b; }
  return round((a - realModulo(a, b)) / b);
}

/// Toward zero; beyond 32 bits the nearest such integer, 0 for NaN.
fn toInteger(x: f32) -> i32 {
  if (isNan(x)) { return 0; }
  if (x >= 2147483648.0) { return 2147483647; }
  return select(i32(max(x, -2147483648.0)), -2147483647 - 1, x <= -2147483648.0);
}

/// x to an integer power by squaring; 1 / x^-n for a negative one.
fn integerPower(x: f32, n: i32) -> f32 {
  var result = 1.0;
  var square = x;
  var rest = u32(select(n, -n, n < 0));
  for (; rest > 0u; rest >>= 1u) {
    if ((rest & 1u) == 1u) { result *= square; }
    square *= square;
  }
  return select(result, 1.0 / result, n < 0);
}
