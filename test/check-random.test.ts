import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printModule } from '../compiler/print-ir.ts'
import { verifyModule } from '../compiler/verify-ir.ts'
import { check, codes, frame } from './check/source.ts'
import { expression, looseProgram } from './fuzz/loose.ts'

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
    fc.assert(fc.property(looseProgram, holds), { numRuns: 300 })
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
