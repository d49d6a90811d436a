/**
 * Products of tiles whose rows lie in lanes: c[x, l] = the sum over k of a[k, l] * b(x, k). a and c are tiles with a line of lanes for
 * each k and each x; b is read element by element where it lies. Each product is one chain of multiplications and additions in the
 * order of k, whatever the blocks, so that it has the same bits wherever it is computed.
 */
import type { Block } from './block.ts'
import * as codes from './code.ts'
import { add, type Callee, type Code, call, code, isLess, multiply, setLocal } from './code.ts'
import type { Module } from './module.ts'
import { lanes } from './spot.ts'

/** Bytes from one line of c and a to the next, and from one element of b to the next along x and along k. */
export interface Strides {
  readonly c: number
  readonly a: number
  readonly x: number
  readonly k: number
}

/** Elements of b at a time, each with two vectors of a: their sums and operands fit the 16 registers that engines have on x64. */
const atOnce = 4
const unrolled = 4
const vectorBytes = 4 * lanes

const nameOf = (what: string, { c, a, x, k }: Strides, fresh: boolean): string =>
  `${what} ${[c, a, x, k].join(' ')}${fresh ? ' fresh' : ''}`

const loadVector = (at: Code, offset = 0): Code => code('v128.load', [at], [offset])
const splatAt = (at: Code, offset = 0): Code => code('v128.load32_splat', [at], [offset])
/** Fused or not, wherever a product is computed. */
export const sumOf = (sum: Code, a: Code, b: Code): Code => code('f32x4.relaxed_madd', [a, b, sum])
const bytes = (n: Code, stride: number): Code => multiply(n, codes.integer(stride))

interface Operands {
  readonly c: Code
  readonly a: Code
  readonly b: Code
  readonly depth: Code
}

/** xs elements of b, each with as many vectors of a: their sums stay in registers. */
function multiplyBlock(
  block: Block,
  { c, a, b, depth }: Operands,
  strides: Strides,
  fresh: boolean,
  xs: number,
  vectors: number,
): void {
  const all = (n: number): readonly number[] => [...Array(n).keys()]
  const nothing = block.keep(codes.floats(0))
  const sums = all(xs).map(() => all(vectors).map(() => block.variable(nothing)))
  const [left, right] = [block.variable(a), block.variable(b)]
  const end = block.keep(add(a, bytes(depth, strides.a)))
  const round =
    (count: number) =>
    (inner: Block): void => {
      for (const u of all(count)) {
        const line = all(vectors).map((v) => inner.variable(loadVector(left, u * strides.a + v * vectorBytes)))
        for (const x of all(xs)) {
          const element = inner.variable(splatAt(right, x * strides.x + u * strides.k))
          for (const v of all(vectors)) inner.line(setLocal(sums[x]![v]!, sumOf(sums[x]![v]!, element, line[v]!)))
        }
      }
      inner.line(
        setLocal(left, add(left, codes.integer(count * strides.a))),
        setLocal(right, add(right, codes.integer(count * strides.k))),
      )
    }
  const walk = (count: number, to: Code): void =>
    block.when(code('i32.lt_u', [left, to]), (some) =>
      some.repeat('rounds', (inner) => {
        round(count)(inner)
        return code('i32.lt_u', [left, to])
      }),
    )
  const whole = code('i32.and', [depth, codes.integer(-unrolled)])
  walk(unrolled, block.keep(add(a, bytes(whole, strides.a))))
  walk(1, end)
  for (const x of all(xs)) {
    for (const v of all(vectors)) {
      const offset = x * strides.c + v * vectorBytes
      const sum = sums[x]![v]!
      const value = fresh ? sum : code('f32x4.add', [loadVector(c, offset), sum])
      block.line(code('v128.store', [c, value], [offset]))
    }
  }
}

const parameters = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const
type Six = [Code, Code, Code, Code, Code, Code]

/** c = a b if `fresh`, else c += a b. Its parameters: c, a, b, then the numbers of rows, x and k; rows are rounded up to whole vectors. */
export function multiplyTiles(module: Module, strides: Strides, fresh: boolean): Callee {
  return module.define(nameOf('multiply', strides, fresh), parameters, undefined, (body, param) => {
    const [c, a, b, rows, width, depth] = parameters.map((_, n) => param(n)) as Six
    const x = body.variable(codes.zero)
    const walkRows = (block: Block, xs: number): void => {
      const lines = block.keep(add(b, bytes({ ...x, level: block.level }, strides.x)))
      const to = block.keep(add(c, bytes({ ...x, level: block.level }, strides.c)))
      const row = block.variable(codes.zero)
      const at = (inner: Block): Operands => {
        const begin = inner.keep(bytes({ ...row, level: inner.level }, 4))
        return { c: inner.keep(add(to, begin)), a: inner.keep(add(a, begin)), b: lines, depth }
      }
      const isMore = (): Code => isLess(add(row, codes.integer(lanes)), rows)
      block.when(isMore(), (some) =>
        some.repeat('rounds', (inner) => {
          multiplyBlock(inner, at(inner), strides, fresh, xs, 2)
          inner.line(setLocal(row, add(row, codes.integer(2 * lanes))))
          return isMore()
        }),
      )
      block.when(isLess(row, rows), (last) => multiplyBlock(last, at(last), strides, fresh, xs, 1))
    }
    for (const xs of [atOnce, 1]) {
      const isMore = (): Code => code('i32.le_s', [add(x, codes.integer(xs)), width])
      body.when(isMore(), (some) =>
        some.repeat('rounds', (inner) => {
          walkRows(inner, xs)
          inner.line(setLocal(x, add(x, codes.integer(xs))))
          return isMore()
        }),
      )
    }
    return undefined
  })
}

/** The same with nothing added where a is 0: b may hold NaN there. */
function multiplyWhere(module: Module, strides: Strides, fresh: boolean): Callee {
  return module.define(nameOf('multiplyWhere', strides, fresh), parameters, undefined, (body, param) => {
    const [c, a, b, rows, width, depth] = parameters.map((_, n) => param(n)) as Six
    const none = body.keep(codes.floats(0))
    body.count('rounds', codes.zero, width, 1, (x, columns) => {
      columns.count('rounds', codes.zero, rows, lanes, (row, inner) => {
        const sum = inner.variable(none)
        const begin = inner.keep(bytes(row, 4))
        inner.count('rounds', codes.zero, depth, 1, (k, each) => {
          const weight = each.keep(loadVector(add(add(a, begin), bytes(k, strides.a))))
          const element = splatAt(add(add(b, bytes(x, strides.x)), bytes(k, strides.k)))
          const next = sumOf(sum, element, weight)
          each.line(setLocal(sum, code('v128.bitselect', [next, sum, code('f32x4.ne', [weight, none])])))
        })
        const to = inner.keep(add(add(c, bytes(x, strides.c)), begin))
        inner.line(code('v128.store', [to, fresh ? sum : code('f32x4.add', [loadVector(to), sum])], [0]))
      })
    })
    return undefined
  })
}

/** Whether all elements of b are finite, by the bits of their exponents. Its parameters: b, the numbers of x and k. */
function allFinite(module: Module, { x, k }: Strides): Callee {
  return module.define(`allFinite ${x} ${k}`, ['i32', 'i32', 'i32'], 'i32', (body, param) => {
    const [b, width, depth] = [param(0), param(1), param(2)]
    const alongX = x === 4
    const [length, lines] = alongX ? [width, depth] : [depth, width]
    const [step, line] = alongX ? [x, k] : [k, x]
    const size = body.keep(codes.words(0x7fffffff))
    const most = body.variable(codes.words(0))
    const note = (block: Block, vector: Code): void =>
      block.line(setLocal(most, code('i32x4.max_s', [most, code('v128.and', [vector, size])])))
    const whole = body.keep(step === 4 ? code('i32.and', [length, codes.integer(-lanes)]) : codes.zero)
    body.count('rounds', codes.zero, lines, 1, (n, inner) => {
      const from = inner.keep(add(b, bytes(n, line)))
      inner.count('rounds', codes.zero, whole, lanes, (at, each) => note(each, loadVector(add(from, bytes(at, step)))))
      inner.count('rounds', whole, length, 1, (at, each) => note(each, splatAt(add(from, bytes(at, step)))))
    })
    const largest = body.keep(codes.words(0x7f7fffff))
    return codes.not(code('v128.any_true', [code('i32x4.gt_s', [most, largest])]))
  })
}

/** `multiplyTiles` where a is 0 outside of a mask, which a seventh parameter says there is nothing of. */
export function multiplyMasked(module: Module, strides: Strides, fresh: boolean): Callee {
  const [plain, careful] = [multiplyTiles(module, strides, fresh), multiplyWhere(module, strides, fresh)]
  const finite = allFinite(module, strides)
  return module.define(nameOf('multiplyMasked', strides, fresh), [...parameters, 'i32'], undefined, (body, param) => {
    const args = parameters.map((_, n) => param(n))
    const [, , b, , width, depth] = args
    const isAllFinite = call(finite, b!, width!, depth!)
    body.either(
      code('i32.or', [param(parameters.length), isAllFinite]),
      (block) => block.line(call(plain, ...args)),
      (block) => block.line(call(careful, ...args)),
    )
    return undefined
  })
}
