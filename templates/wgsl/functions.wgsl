// What is common has no branches, which cost software adapters much when they compile.
// Elementary functions from additions, multiplications and bits: those of WGSL are too coarse, and differ from device to device.
// Polynomials are those of Moshier, "Methods and Programs for Mathematical Functions", 1989 (Cephes) and of Sun's fdlibm, 1993.

/// p times 2^n for a normal result; 0 below, infinity above.
fn scaleBy(p: f32, n: i32) -> f32 {
  let bits = bitcast<i32>(p) + (n << 23u);
  return select(bitcast<f32>(bits), 0.0, (bits >> 23u) <= 0);
}

/// e^r for |r| <= log(2) / 2, less 1.
fn expm1Near0(r: f32) -> f32 {
  var p = 1.9875691500e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  return p * (r * r) + r;
}

/// The integer n nearest to x / log(2), and x less n times that.
fn reduce(x: f32) -> vec2<f32> {
  let n = round(x * 1.44269504088896341);
  return vec2<f32>(n, (x - n * 0.693359375) + n * 2.12194440e-4);
}

fn raise(x: f32) -> f32 {
  let at = reduce(clamp(x, -88.0, 89.0));
  let half = i32(at.x) >> 1u;
  let power = scaleBy(scaleBy(1.0 + expm1Near0(at.y), half), i32(at.x) - half);
  return select(select(select(power, 0.0, x < -87.33654), infinity(), x > 88.72283), x, isNan(x));
}

fn raise2(x: f32) -> f32 {
  let within = clamp(x, -127.0, 129.0);
  let n = round(within);
  let r = within - n;
  var p = 1.535336188319500e-4;
  p = p * r + 1.339887440266574e-3;
  p = p * r + 9.618437357674640e-3;
  p = p * r + 5.550332471162809e-2;
  p = p * r + 2.402264791363012e-1;
  p = p * r + 6.931472028550421e-1;
  let half = i32(n) >> 1u;
  let power = scaleBy(scaleBy(1.0 + p * r, half), i32(n) - half);
  return select(select(select(power, 0.0, x < -126.0), infinity(), x >= 128.0), x, isNan(x));
}

fn expMinus1(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  if (x < -17.5) { return -1.0; }
  if (x > 88.72283) { return infinity(); }
  let at = reduce(x);
  let part = expm1Near0(at.y);
  if (at.x == 0.0) { return part; }
  let half = i32(at.x) >> 1u;
  let scale = scaleBy(1.0, half);
  let other = scaleBy(1.0, i32(at.x) - half);
  if (abs(at.x) > 64.0) { return part * scale * other + scale * other; }
  return part * (scale * other) + (scale * other - 1.0);
}

/// The logarithm of x as k log(2) + log(1 + f), for a positive and finite x.
fn split(x: f32) -> vec2<f32> {
  let isTiny = x < 1.17549435e-38;
  let shifted = bitcast<i32>(select(x, x * 8388608.0, isTiny)) - 0x3f3504f3;
  let k = f32(shifted >> 23u) - select(0.0, 23.0, isTiny);
  return vec2<f32>(k, bitcast<f32>((shifted & 0x007fffff) + 0x3f3504f3) - 1.0);
}

/// log(1 + f) - f + f^2 / 2 for f from sqrt(1/2) - 1 to sqrt(2) - 1.
fn logTail(f: f32) -> f32 {
  let s = f / (2.0 + f);
  let z = s * s;
  let w = z * z;
  let odd = w * (w * 0.24279078841 + 0.40000972152);
  let even = z * (w * 0.28498786688 + 0.66666662693);
  return s * (0.5 * f * f + odd + even);
}

fn logarithm(x: f32) -> f32 {
  let at = split(x);
  let f = at.y;
  let y = logTail(f) + at.x * 9.0580006145e-06 - 0.5 * f * f + f + at.x * 6.9313812256e-01;
  return select(select(select(y, -infinity(), x == 0.0), nan(), x < 0.0), x, !isFinite(x) & !(x < 0.0));
}

/// A number as it was rounded: compilers may not see through this, where they could take the sum apart that it came from.
fn rounded(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) | (given.infinity & 1u));
}

/// The logarithm of the rounded sum, corrected for its rounding (Kahan, 1991).
fn logOf1Plus(x: f32) -> f32 {
  let u = rounded(1.0 + x);
  if (u == 1.0) { return x; }
  if (!isFinite(u) || u <= 0.0) { return logarithm(u); }
  return logarithm(u) * (x / (u - 1.0));
}

/// The sum of two numbers, and what its rounding lost (Knuth, 1969).
fn twoSum(a: f32, b: f32) -> vec2<f32> {
  let sum = rounded(a + b);
  let other = rounded(sum - a);
  return vec2<f32>(sum, (a - rounded(sum - other)) + (b - other));
}

/// The upper half of the digits of a number.
fn upper(a: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
}

/// The product of two numbers, and what its rounding lost.
fn twoProduct(a: f32, b: f32) -> vec2<f32> {
  let product = rounded(a * b);
  let p = upper(a);
  let q = upper(b);
  return vec2<f32>(product, ((p * q - product) + p * (b - q) + (a - p) * q) + (a - p) * (b - q));
}

/// log2(x) as a sum of two numbers.
fn log2Parts(x: f32) -> vec2<f32> {
  let at = split(x);
  let f = at.y;
  let square = twoProduct(f, f);
  let tail = logTail(f);
  let near = twoSum(f, -0.5 * square.x);
  let whole = twoSum(near.x, tail);
  let low = whole.y + near.y - 0.5 * square.y;
  let product = twoProduct(whole.x, 1.44269502);
  let sum = twoSum(at.x, product.x);
  return vec2<f32>(sum.x, sum.y + product.y + low * 1.44269502 + whole.x * 1.92596303e-8);
}

fn logarithm2(x: f32) -> f32 {
  if (isNan(x) || x < 0.0) { return nan(); }
  if (x == 0.0) { return -infinity(); }
  if (!isFinite(x)) { return x; }
  let parts = log2Parts(x);
  return parts.x + parts.y;
}

/// x^y for x > 0; 0^y is 0 for y > 0; everything else is NaN.
fn realPower(x: f32, y: f32) -> f32 {
  if (isNan(x) || isNan(y) || x < 0.0) { return nan(); }
  if (x == 0.0) { return select(nan(), 0.0, y > 0.0); }
  if (x == 1.0) { return select(nan(), 1.0, isFinite(y)); }
  if (y == 0.0) { return 1.0; }
  if (!isFinite(x) || !isFinite(y)) { return select(0.0, infinity(), (x > 1.0) == (y > 0.0)); }
  let parts = log2Parts(x);
  let high = twoProduct(parts.x, y);
  if (abs(high.x) > 200.0) { return select(0.0, infinity(), high.x > 0.0); }
  let sum = twoSum(high.x, high.y + parts.y * y);
  let result = raise2(sum.x);
  return select(result, result * (1.0 + sum.y * 0.693147181), isFinite(result));
}

fn tangent(x: f32) -> f32 {
  let size = abs(x);
  if (size < 0.625) {
    let z = x * x;
    var p = -5.70498872745e-3;
    p = p * z + 2.06390887954e-2;
    p = p * z - 5.37397155531e-2;
    p = p * z + 1.33314422036e-1;
    p = p * z - 3.33332819422e-1;
    return p * z * x + x;
  }
  if (isNan(x)) { return x; }
  let large = 1.0 - 2.0 / (raise(2.0 * min(size, 20.0)) + 1.0);
  return select(large, -large, x < 0.0);
}

fn squareRoot(x: f32) -> f32 {
  return select(select(sqrt(max(x, 0.0)), nan(), x < 0.0), x, (x == 0.0) | (!isFinite(x) & !(x < 0.0)));
}

fn inverseRoot(x: f32) -> f32 {
  if (isNan(x) || x < 0.0) { return nan(); }
  if (x == 0.0) { return infinity(); }
  return select(1.0 / sqrt(x), 0.0, !isFinite(x));
}

fn logistic(x: f32) -> f32 {
  let e = raise(-x);
  return select(select(0.0, 1.0 / (1.0 + e), isFinite(e)), x, isNan(x));
}

fn softplus(x: f32) -> f32 {
  return largest(x, 0.0) + logOf1Plus(raise(-abs(x)));
}

fn logAddExp(x: f32, y: f32) -> f32 {
  if (x == y) { return x + 0.693147180559945; }
  return largest(x, y) + logOf1Plus(raise(-abs(x - y)));
}

/// The high and the low word of a product of words.
fn longProduct(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return vec2<u32>((a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u), a * b);
}

const twoOverPi = array<u32, 7>(0u, 0x28be60dbu, 0x9391054au, 0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u, 0x4f10e410u);

/// x less the nearest multiple of pi / 2, and that multiple's number modulo 4: by as many digits of 2 / pi as x needs (Payne, Hanek, 1983).
fn reduceAngle(x: f32) -> vec2<f32> {
  let size = bitcast<u32>(abs(x));
  if (size < 0x3f490fdbu) { return vec2<f32>(x, 0.0); }
  let mantissa = (size << 8u) | 0x80000000u;
  let exponent = (size >> 23u) - 126u;
  let at = exponent >> 5u;
  let shift = exponent & 31u;
  var digits = vec3<u32>(twoOverPi[at], twoOverPi[at + 1u], twoOverPi[at + 2u]);
  if (shift > 0u) {
    let next = vec3<u32>(digits.yz, twoOverPi[at + 3u]);
    digits = (digits << vec3<u32>(shift)) | (next >> vec3<u32>(32u - shift));
  }
  let low = longProduct(mantissa, digits.z);
  let middle = longProduct(mantissa, digits.y);
  let sum = middle.y + low.x;
  let high = mantissa * digits.x + middle.x + select(0u, 1u, sum < low.x);
  let isAbove = (high & 0x20000000u) != 0u;
  var quadrant = (high >> 30u) + select(0u, 1u, isAbove);
  var rest = vec2<u32>(high & 0x3fffffffu, sum);
  if (isAbove) {
    rest = vec2<u32>(0x40000000u - rest.x - select(0u, 1u, rest.y != 0u), 0u - rest.y);
  }
  let zeros = countLeadingZeros(rest.x);
  let top = select(rest.y, (rest.x << zeros) | select(0u, rest.y >> (32u - zeros), zeros > 0u), zeros < 32u);
  let angle = f32(top >> 8u) * 1.57079637 * ldexp(1.0, -22 - i32(zeros));
  let isNegative = isAbove != (x < 0.0);
  if (x < 0.0) { quadrant = 0u - quadrant; }
  return vec2<f32>(select(angle, -angle, isNegative), f32(quadrant & 3u));
}

/// The sine of an angle and a number of quarter turns.
fn sineFrom(angle: f32, quadrant: u32) -> f32 {
  let z = angle * angle;
  let sine = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * angle + angle;
  let cosine = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
  let value = select(sine, cosine, (quadrant & 1u) == 1u);
  return select(value, -value, (quadrant & 2u) == 2u);
}

fn sine(x: f32) -> f32 {
  if (!isFinite(x)) { return nan(); }
  let at = reduceAngle(x);
  return select(sineFrom(at.x, u32(at.y)), x, abs(x) < 2e-4);
}

fn cosine(x: f32) -> f32 {
  if (!isFinite(x)) { return nan(); }
  let at = reduceAngle(x);
  return sineFrom(at.x, u32(at.y) + 1u);
}

/// The arc whose tangent is t, for 0 <= t <= 1.
fn arcNear0(t: f32) -> f32 {
  let isAbove = t > 0.4142135623730950;
  let x = select(t, (t - 1.0) / (t + 1.0), isAbove);
  let z = x * x;
  let p = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * x + x;
  return select(p, 0.785398163397448 + p, isAbove);
}

fn arc(y: f32, x: f32) -> f32 {
  if (isNan(x) || isNan(y)) { return nan(); }
  let isLeft = (bitcast<u32>(x) & 0x80000000u) != 0u;
  let isLow = (bitcast<u32>(y) & 0x80000000u) != 0u;
  let a = abs(x);
  let b = abs(y);
  var angle = 0.0;
  if (!isFinite(a) && !isFinite(b)) {
    angle = 0.785398163397448;
  } else if (a >= b) {
    angle = select(arcNear0(b / a), 0.0, b == 0.0 || !isFinite(a));
  } else {
    angle = 1.57079632679490 - select(arcNear0(a / b), 0.0, a == 0.0 || !isFinite(b));
  }
  angle = select(angle, 3.14159265358979 - angle, isLeft);
  return select(angle, -angle, isLow);
}

/// The error function, in the pieces of fdlibm.
fn erf(x: f32) -> f32 {
  if (isNan(x)) { return x; }
  let size = abs(x);
  var y = 1.0;
  if (size < 0.84375) {
    let z = x * x;
    let r = 1.2837916613e-1 + z * (-3.2504209876e-1 + z * (-2.8481749818e-2 + z * (-5.7702702470e-3 + z * -2.3763017452e-5)));
    let s = 1.0 + z * (3.9791721106e-1 + z * (6.5022252500e-2 + z * (5.0813062117e-3 + z * (1.3249473704e-4 + z * -3.9602282413e-6))));
    return x + x * (r / s);
  }
  if (size < 1.25) {
    let s = size - 1.0;
    let p = -2.3621185683e-3 + s * (4.1485610604e-1 + s * (-3.7220788002e-1 + s * (3.1834661961e-1 + s * (-1.1089469492e-1 + s * (3.5478305072e-2 + s * -2.1663755178e-3)))));
    let q = 1.0 + s * (1.0642088205e-1 + s * (5.4039794207e-1 + s * (7.1828655899e-2 + s * (1.2617121637e-1 + s * (1.3637083583e-2 + s * 1.1984500103e-2)))));
    y = 8.4506291151e-1 + p / q;
  } else if (size < 2.857142925) {
    let s = 1.0 / (size * size);
    let r = -9.8649440333e-3 + s * (-6.9385856390e-1 + s * (-1.0558626175e1 + s * (-6.2375331879e1 + s * (-1.6239666748e2 + s * (-1.8460508728e2 + s * (-8.1287437439e1 + s * -9.8143291473))))));
    let q = 1.0 + s * (1.9651271820e1 + s * (1.3765776062e2 + s * (4.3456588745e2 + s * (6.4538726807e2 + s * (4.2900814819e2 + s * (1.0863500214e2 + s * (6.5702495575 + s * -6.0424413532e-2)))))));
    y = 1.0 - raise(-size * size - 0.5625) * raise(r / q) / size;
  } else if (size < 4.0) {
    let s = 1.0 / (size * size);
    let r = -9.8649431020e-3 + s * (-7.9928326607e-1 + s * (-1.7757955551e1 + s * (-1.6063638306e2 + s * (-6.3756646729e2 + s * (-1.0250950928e3 + s * -4.8351919556e2)))));
    let q = 1.0 + s * (3.0338060379e1 + s * (3.2579251099e2 + s * (1.5367296143e3 + s * (3.1998581543e3 + s * (2.5530502930e3 + s * (4.7452853394e2 + s * -2.2440952301e1))))));
    y = 1.0 - raise(-size * size - 0.5625) * raise(r / q) / size;
  }
  return select(y, -y, x < 0.0);
}

/// Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011): the top 24 bits of its first word.
fn random(seed: i32, a: i32, b: i32, c: i32, d: i32) -> f32 {
  var x = vec4<u32>(u32(a), u32(b), u32(c), u32(d));
  var key = vec2<u32>(u32(seed), 0u);
  for (var n = 0; n < 10; n++) {
    let even = longProduct(0xd2511f53u, x.x);
    let odd = longProduct(0xcd9e8d57u, x.z);
    x = vec4<u32>(odd.x ^ x.y ^ key.x, odd.y, even.x ^ x.w ^ key.y, even.y);
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return f32(x.x >> 8u) * 5.9604644775390625e-8;
}
