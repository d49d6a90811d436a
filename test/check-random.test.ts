import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printModule } from '../compiler/print-ir.ts'
import { verifyModule } from '../compiler/verify-ir.ts'
import { check, codes, frame } from './check/source.ts'

const name = fc.constantFrom(
  'q',
  'k',
  'v',
  'n',
  'hub',
  'score',
  'mask',
  'weight',
  'normalize',
  'a1',
  'a2',
  's',
  'i',
  'j',
  'd',
  'c',
  't',
  'g',
  'x',
)
const axis = fc.constantFrom('b', 'h', 'g', 'i', 'j', 'c', 't', 'r', 'd', 'e', 'x', 'zz')
const reduction = fc.constantFrom(
  'sum',
  'max',
  'mean',
  'var',
  'any',
  'count',
  'logsumexp',
  'cumsum',
  'softmax',
  'f',
  'sparsemax',
)
const unary = fc.constantFrom('exp', 'log', 'abs', 'int', 'floor', 'sigmoid', 'rope', 'f', 'size', 'relu')
const sign = fc.constantFrom('+', '-', '*', '/', '%', 'div', '^', '<=', '>', '==', 'and', 'or')

const { expression } = fc.letrec<{ readonly expression: string }>((tie) => {
  const e = tie('expression')
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      name,
      fc.constantFrom('1', '2.5', '0', 'true', 'size(j)', 'size(r)'),
      fc.tuple(e, sign, e).map(([a, op, b]) => `((${a}) ${op} (${b}))`),
      fc.tuple(unary, e).map(([f, a]) => `${f}(${a})`),
      fc.tuple(reduction, axis, e).map(([f, x, a]) => `${f}[${x}](${a})`),
      fc.tuple(reduction, axis, e, e).map(([f, x, c, a]) => `${f}[${x} where ${c}](${a})`),
      fc
        .tuple(name, axis, e, fc.boolean())
        .map(([of, x, index, zero]) => `${of}[${x} = ${index}${zero ? ' else 0' : ''}]`),
      fc.tuple(e, e, e).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
      fc.tuple(e, e, e).map(([a, b, c]) => `solve(s in [${a}, ${b}]: ${c})`),
      fc.tuple(e, e).map(([a, b]) => `random(${a}, ${b})`),
    ),
  }
})

const body = fc.oneof(
  expression,
  fc
    .tuple(expression, expression, expression)
    .map(([a, b, c]) => `{ let a1 = ${a}; let s = 0; repeat 2 { let n = ${b}; a1 = ${c}; s = s + a1 }; (a1 + s) }`),
)

const program = fc
  .record({
    f: body,
    lets: fc.tuple(expression, expression),
    mask: expression,
    score: expression,
    normalize: expression,
    output: expression,
  })
  .map(({ f, lets, mask, score, normalize, output }) =>
    [
      'attention a {',
      'axis g divides h; axis r = 8; split j into (c, t) by 4',
      'input q[b, h, i, d], k[b, g, j, d], v[b, g, j, e], n[j]: i32, hub[b, j]: bool, lm[c]: f32, rel[t]: f32, z[r]: f32',
      `fn f[x](y) = ${f}`,
      `let a1 = ${lets[0]}; let a2 = ${lets[1]}`,
      `mask = ${mask}`,
      `score = ${score}`,
      `normalize = ${normalize}`,
      `output ${output}`,
      'output lse = logsumexp[j](score)',
      '}',
    ].join('\n'),
  )

/** Ends in IR without faults, or in diagnostics. */
function holds(source: string): void {
  const { result, found } = check(source)
  if (result.ok) {
    expect(verifyModule(result.value)).toEqual([])
    expect(printModule(result.value)).toBe(printModule(result.value))
  } else expect(found.some(({ severity }) => severity === 'error')).toBe(true)
}

describe('random programs', () => {
  test('never throw, and what is accepted is well formed', () => {
    fc.assert(fc.property(program, holds), { numRuns: 300 })
  })

  test('of one clause are often accepted', () => {
    let accepted = 0
    const clause = expression.map((e) =>
      frame(`axis g divides h; axis r = 8; split j into (c, t) by 4
      input n[b, g, j]: i32, hub[b, j]: bool, lm[c]: f32, z[r]: f32
      let x = lm + n; let s = sum[r](z); let a1 = dot(q, k); let a2 = mean[j where hub](a1)
      fn f[x](y) = max[x](y) + y
      output y = ${e}`),
    )
    fc.assert(
      fc.property(clause, (source) => {
        holds(source)
        if (check(source).result.ok) accepted += 1
      }),
      { numRuns: 500 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('large programs end in an answer', () => {
  test('long chains', () => {
    expect(codes(frame(`score = dot(q, k)${' + 1'.repeat(900)}`))).toEqual([])
    expect(codes(frame(`score = dot(q, k)${' + 1'.repeat(990)}`))).toEqual([])
    const lets = Array.from({ length: 3000 }, (_, k) => `let l${k + 1} = l${k} + 1`)
    expect(codes(frame(`let l0 = 1\n${lets.join('\n')}\nscore = dot(q, k) + l3000`))).toContain('ATTN0166')
    expect(codes(frame(`let l0 = 1\n${lets.toReversed().join('\n')}\nscore = dot(q, k) + l3000`))).toContain('ATTN0166')
    const fns = Array.from({ length: 3000 }, (_, k) => `fn f${k + 1}(x) = f${k}(x) + 1`)
    expect(codes(`fn f0(x) = x\n${fns.join('\n')}\n${frame('score = f3000(dot(q, k))')}`)).toContain('ATTN0166')
    const inner = Array.from({ length: 60 }, (_, k) => `fn f${k + 1}(x) = f${k}(x)${' + 1'.repeat(100)}`)
    expect(codes(`fn f0(x) = x\n${inner.join('\n')}\n${frame('score = f60(dot(q, k))')}`)).toContain('ATTN0166')
  })

  test('functions that double', () => {
    const fns = Array.from({ length: 40 }, (_, k) => `fn f${k + 1}(x) = f${k}(x) * f${k}(x + 1)`)
    expect(codes(`fn f0(x) = x\n${fns.join('\n')}\n${frame('score = f40(dot(q, k))')}`)).toEqual(['ATTN0165'])
  })

  test('loops in functions in loops', () => {
    const fns = Array.from(
      { length: 12 },
      (_, k) => `fn f${k + 1}(x) = { let u = x; repeat 2 { u = f${k}(u) + max[j](u) } u }`,
    )
    expect(
      codes(`fn f0(x) = x\n${fns.join('\n')}\n${frame('score = f12(dot(q, k))')}`).filter((c) => c !== 'ATTN0165'),
    ).toEqual([])
  })

  test('what is shared stays shared', () => {
    const fns = Array.from({ length: 60 }, (_, k) => `fn f${k + 1}(x) = f${k}(x * x)`)
    expect(codes(`fn f0(x) = x\n${fns.join('\n')}\n${frame('score = f60(dot(q, k))')}`)).toEqual([])
  })
})
