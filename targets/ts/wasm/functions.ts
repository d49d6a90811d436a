/**
 * Elementary functions of four lanes, within 4 units in the last place; results below 2^-125 may be 0. They are those of
 * templates/native/functions.h without fused multiplications: polynomials are fitted, or those of Moshier, "Methods and Programs for
 * Mathematical Functions", 1989 (Cephes) and of Sun's fdlibm, 1993.
 */
import type { Block } from './block.ts'
import { type Code, code, floats, integer, words } from './code.ts'

export type VectorFunction = (block: Block, x: Code, y: Code) => Code

const f =
  (op: 'add' | 'sub' | 'mul' | 'div' | 'pmin' | 'pmax' | 'max' | 'eq' | 'lt' | 'le' | 'gt') => (a: Code, b: Code) =>
    code(`f32x4.${op}`, [a, b])
const [plus, minus, times, over] = [f('add'), f('sub'), f('mul'), f('div')]
const choose = (mask: Code, yes: Code, no: Code): Code => code('v128.bitselect', [yes, no, mask])
const magnitude = (x: Code): Code => code('f32x4.abs', [x])
const constant = (block: Block, value: number): Code => block.constant(floats(value))

/** ((c0 x + c1) x + c2) ... */
function polynomial(block: Block, x: Code, [first = 0, ...rest]: readonly number[]): Code {
  return rest.reduce((sum, c) => plus(times(sum, x), constant(block, c)), constant(block, first))
}

/** x, brought between the two; NaN stays NaN. */
const between = (block: Block, low: number, high: number, x: Code): Code =>
  f('pmin')(f('pmax')(x, constant(block, low)), constant(block, high))

/**
 * Added to x, it leaves the integer n nearest to x in the low bits of the sum, plus 126: shifted to the exponent, they are 2^(n - 1),
 * and 0 for n = -126. For -127 < x < 129; of NaN the sum is NaN, and so is what is multiplied by whatever its bits make.
 */
const rounder = 12582912 + 126
const halfPower = (sum: Code): Code => code('i32x4.shl', [sum, integer(23)])

/** 2 e^r for |r| <= log(2) / 2, times 2^(n - 1). Infinity from 88.73 on; results below 2^-125 may be 0, and that of -infinity is. */
export const exp: VectorFunction = (block, given) => {
  const x = block.keep(between(block, -87.33654, 89, given))
  const sum = block.keep(plus(times(x, constant(block, Math.LOG2E)), constant(block, rounder)))
  const n = block.keep(minus(sum, constant(block, rounder)))
  const high = plus(times(n, constant(block, -0.693359375)), x)
  const r = block.keep(plus(times(n, constant(block, 2.1219444e-4)), high))
  const p = polynomial(block, r, [0.0166250501, 0.08378022766, 0.3333422893, 0.9999846357, 2, 2])
  return times(p, halfPower(sum))
}

export const exp2: VectorFunction = (block, given) => {
  const x = block.keep(between(block, -126, 128.25, given))
  const sum = block.keep(plus(x, constant(block, rounder)))
  const r = block.keep(minus(x, minus(sum, constant(block, rounder))))
  const coefficients = [2.652945451e-3, 0.01934302557, 0.1110146749, 0.4804448417, 1.386293955, 2]
  return times(polynomial(block, r, coefficients), halfPower(sum))
}

export const log: VectorFunction = (block, x) => {
  const isTiny = block.keep(f('lt')(x, constant(block, 1.17549435e-38)))
  const scaled = choose(isTiny, times(x, constant(block, 8388608)), x)
  const half = block.constant(words(0x3f3504f3))
  const shifted = block.keep(code('i32x4.sub', [scaled, half]))
  const exponent = code('f32x4.convert_i32x4_s', [code('i32x4.shr_s', [shifted, integer(23)])])
  const k = block.keep(minus(exponent, code('v128.and', [isTiny, constant(block, 23)])))
  const mantissa = code('v128.and', [shifted, block.constant(words(0x007fffff))])
  const u = block.keep(minus(code('i32x4.add', [mantissa, half]), constant(block, 1)))
  const s = block.keep(over(u, plus(u, constant(block, 2))))
  const z = block.keep(times(s, s))
  const w = block.keep(times(z, z))
  const odd = times(w, polynomial(block, w, [0.24279078841, 0.40000972152]))
  const even = times(z, polynomial(block, w, [0.28498786688, 0.66666662693]))
  const square = block.keep(times(times(constant(block, 0.5), u), u))
  const tail = plus(times(s, plus(square, plus(odd, even))), times(k, constant(block, 9.0580006145e-6)))
  const y = plus(plus(minus(tail, square), u), times(k, constant(block, 0.69313812256)))
  const infinite = constant(block, Infinity)
  const atEnd = choose(f('eq')(x, infinite), x, constant(block, Number.NaN))
  const outside = choose(f('eq')(x, constant(block, 0)), constant(block, -Infinity), atEnd)
  return choose(code('v128.and', [f('gt')(x, constant(block, 0)), f('lt')(x, infinite)]), y, outside)
}

/** log(1 + x): the logarithm of the rounded sum, corrected for its rounding (Kahan, 1991). */
export const log1p: VectorFunction = (block, x, unused) => {
  const one = constant(block, 1)
  const u = block.keep(plus(x, one))
  const y = block.keep(log(block, u, unused))
  const isPlain = code('v128.or', [f('eq')(u, constant(block, Infinity)), f('le')(u, constant(block, 0))])
  return choose(f('eq')(u, one), x, choose(isPlain, y, times(y, over(x, minus(u, one)))))
}

export const tanh: VectorFunction = (block, x, unused) => {
  const size = block.keep(magnitude(x))
  const z = block.keep(times(x, x))
  const p = polynomial(
    block,
    z,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  )
  const small = plus(times(times(p, z), x), x)
  const one = constant(block, 1)
  const raised = exp(block, block.keep(plus(size, size)), unused)
  const large = minus(one, over(constant(block, 2), plus(raised, one)))
  const signed = code('v128.or', [large, code('v128.and', [x, block.constant(words(0x80000000))])])
  return choose(f('lt')(size, constant(block, 0.625)), small, signed)
}

export const sigmoid: VectorFunction = (block, x, unused) => {
  const one = constant(block, 1)
  return over(one, plus(one, exp(block, code('f32x4.neg', [x]), unused)))
}

/** log(1 + e^-|x|), which is added to the larger operand. */
const tail: VectorFunction = (block, x, unused) =>
  log1p(block, block.keep(exp(block, code('f32x4.neg', [magnitude(x)]), unused)), unused)

export const softplus: VectorFunction = (block, x, unused) =>
  plus(f('max')(x, constant(block, 0)), tail(block, x, unused))

export const logAddExp: VectorFunction = (block, x, y) => {
  const sum = plus(f('max')(x, y), tail(block, block.keep(minus(x, y)), x))
  return choose(f('eq')(x, y), plus(x, constant(block, Math.LN2)), sum)
}

/** 1, -1, or x itself where it is neither above nor below 0. */
export const sign: VectorFunction = (block, x) => {
  const zero = constant(block, 0)
  return choose(f('gt')(x, zero), constant(block, 1), choose(f('lt')(x, zero), constant(block, -1), x))
}

// Elements of 16 bits, in lanes of 32.

export const fromBrain: VectorFunction = (_, bits) => code('i32x4.shl', [bits, integer(16)])

/** The exponent is too small by 112; that of infinities and NaN is the largest. */
export const fromHalf: VectorFunction = (block, bits) => {
  const sign = code('i32x4.shl', [code('v128.and', [bits, block.constant(words(0x8000))]), integer(16)])
  const rest = block.keep(code('i32x4.shl', [code('v128.and', [bits, block.constant(words(0x7fff))]), integer(13)]))
  const scaled = times(rest, constant(block, 2 ** 112))
  const largest = code('v128.or', [rest, block.constant(words(0x7f800000))])
  const isLargest = code('i32x4.ge_s', [rest, block.constant(words(0x0f800000))])
  return code('v128.or', [choose(isLargest, largest, scaled), sign])
}

/** The nearest, of two equally near ones the even. */
export const toBrain: VectorFunction = (block, x) => {
  const odd = code('v128.and', [code('i32x4.shr_u', [x, integer(16)]), block.constant(words(1))])
  const up = code('i32x4.add', [code('i32x4.add', [x, block.constant(words(0x7fff))]), odd])
  const quiet = code('v128.or', [code('i32x4.shr_u', [x, integer(16)]), block.constant(words(0x40))])
  return choose(code('f32x4.eq', [x, x]), code('i32x4.shr_u', [up, integer(16)]), quiet)
}

export const toHalf: VectorFunction = (block, x) => {
  const rest = block.keep(code('v128.and', [x, block.constant(words(0x7fffffff))]))
  const sign = code('v128.and', [code('i32x4.shr_u', [x, integer(16)]), block.constant(words(0x8000))])
  // Its last bit is worth 2^-24, as that of the smallest halves.
  const small = code('i32x4.sub', [plus(rest, constant(block, 0.5)), block.constant(words(0x3f000000))])
  const odd = code('v128.and', [code('i32x4.shr_u', [rest, integer(13)]), block.constant(words(1))])
  const up = code('i32x4.add', [code('i32x4.add', [rest, block.constant(words(0xfff - 0x38000000))]), odd])
  const plain = code('i32x4.shr_u', [up, integer(13)])
  const atLeast = (bits: number): Code => code('i32x4.ge_s', [rest, block.constant(words(bits))])
  const finite = choose(atLeast(0x38800000), plain, small)
  const most = choose(atLeast(0x477ff000), block.constant(words(0x7c00)), finite)
  const all = choose(code('i32x4.gt_s', [rest, block.constant(words(0x7f800000))]), block.constant(words(0x7e00)), most)
  return code('v128.or', [all, sign])
}
