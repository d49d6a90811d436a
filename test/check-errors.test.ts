import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { textOf } from '../grammar/source.ts'
import { type Case, cases } from './check/cases.ts'
import { check, codes, frame, places } from './check/source.ts'

const whole = (text: string): string =>
  /attention |^‹?›?(import|fn) (?!.*\nscore)/m.test(text) && !/^score/m.test(text) ? text : frame(text)

/** The text without marks, and what stands between each pair of them. */
function unmark(text: string) {
  const spans: { readonly start: number; readonly end: number }[] = []
  let plain = ''
  let start = 0
  for (const c of text) {
    if (c === '‹') start = plain.length
    else if (c === '›') spans.push({ start, end: plain.length })
    else plain += c
  }
  return { plain, spans }
}

describe.each(cases.map((c): [string, string, Case] => [c.code, c.says, c]))(
  '%s',
  (code, _, { wrong, right, files }) => {
    test('is found where it is', () => {
      const { plain, spans } = unmark(whole(wrong))
      const found = check(plain, files).found.filter((d) => d.code === code)
      expect(found.map(({ at: { span } }) => ({ start: span.start, end: span.end }))).toEqual(spans)
      expect(found.every(({ at: { span } }) => span.file.path === 'main.attn')).toBe(true)
      expect(check(plain, files).found.filter((d) => d.severity === 'error' && d.code !== code)).toEqual([])
    })

    test('is not found in the corrected program', () => {
      expect(codes(whole(right), files)).toEqual([])
    })
  },
)

test('every function of errors.ts and warnings.ts has a case', () => {
  const read = (path: string): string => readFileSync(new URL(`../compiler/${path}`, import.meta.url), 'utf8')
  const declared = new Set(
    [...`${read('errors.ts')}${read('warnings.ts')}`.matchAll(/'(ATTN\d{4})'/g)].map((m) => m[1]),
  )
  expect([...declared].sort()).toEqual([...new Set(cases.map(({ code }) => code))].sort())
})

test('messages are lower case and have no full stop, titles are kebab-case', () => {
  for (const { wrong, files } of cases) {
    for (const d of check(unmark(whole(wrong)).plain, files).found) {
      expect(d.message).toMatch(/^['a-z\d].*[^.]$/s)
      expect(d.title).toMatch(/^[a-z\d]+(-[a-z\d]+)*$/)
    }
  }
})

test('all errors of a run are reported, in order of place', () => {
  expect(places(frame('let a = x1 + 1\nlet c = x2 + a\nscore = dot(q, k) + c + x3'))).toEqual([
    "ATTN0100 'x1'",
    "ATTN0100 'x2'",
    "ATTN0100 'x3'",
  ])
})

test('what an error made unknown gives no further errors', () => {
  expect(
    codes(
      frame(
        'let p = unknown_thing\nscore = p * dot(q, k)\nlet w2 = max[j](p[j = 0] + (if p then 1 else 2))\nnormalize = score + w2 ',
      ),
    ),
  ).toEqual(['ATTN0100'])
})

test('a length that depends on itself is shown with the way back to it', () => {
  const messages = (clauses: string) => check(frame(clauses)).found.map(({ message }) => message)
  expect(messages('axis r = size(r) + 1')).toEqual(["the length of 'r' depends on itself: r -> r"])
  expect(messages('axis r = size(s), s = size(r)')).toEqual(["the length of 'r' depends on itself: r -> s -> r"])
  expect(messages('param n = size(r)\naxis r = n')).toEqual(["the length of 'r' depends on itself: r -> param n -> r"])
  expect(messages('axis z = size(c)\nsplit j into (c, t) by size(t)')).toEqual([
    "the length of 't' depends on itself: t -> t",
  ])
  expect(messages('axis a like c, c like a\ninput x[a, c]\nscore = x[a = 0, c = 0] * dot(q, k)')).toEqual([
    'an axis is declared by itself: a -> c -> a',
  ])
})

test('a likely name is suggested, among values, axes and functions', () => {
  const hints = (clauses: string) => check(frame(clauses)).found.map(({ hint }) => hint)
  expect(hints('let scale = 2\nscore = sacle * dot(q, k) + scale')).toEqual(["did you mean 'scale'?"])
  expect(hints('normalize = sofmax[j](score)')).toContain("did you mean 'softmax'?")
  expect(hints('axis latents = 4\ninput z[latent]: f32\nscore = dot(q, k) + z[latents = 0]')).toContain(
    "did you mean 'latents'? a new axis is declared: axis latent",
  )
})

describe('an error in a function', () => {
  test('points at its text and names the call', () => {
    const { found } = check(frame('fn f(x) = x + (x > 0)\nscore = f(dot(q, k))'))
    expect(found.map(({ code, at }) => `${code} ${textOf(at.span)}`)).toEqual(['ATTN0120 (x > 0)'])
    expect(found[0]!.notes.map(({ span, text }) => `${text}: ${textOf(span)}`)).toEqual([
      "in this call of 'f': f(dot(q, k))",
    ])
  })

  test('is reported once for all calls', () => {
    expect(codes(frame('fn f(x) = x + (x > 0)\nscore = f(dot(q, k)) + f(dot(q, q))'))).toEqual(['ATTN0120'])
  })

  test('of the library points at the call', () => {
    const { found } = check(frame('normalize = softmax[j](score > 0)'))
    expect(found.map(({ at }) => textOf(at.span))).toEqual(['softmax[j](score > 0)'])
    expect(found[0]!.notes[0]!.span.file.path).toBe('std.attn')
  })

  test('that is never called is found where it is one of names', () => {
    expect(places('fn f[x](s) = { let a = s; sum[y](bb + a) + exq(1) + f2(s, s) + size(z) }\nfn f2(x) = x')).toEqual([
      "ATTN0102 'y'",
      "ATTN0100 'bb'",
      "ATTN0101 'exq'",
      "ATTN0113 'f2(s, s)'",
      "ATTN0102 'z'",
    ])
  })
})

test('a circle of definitions is shown', () => {
  const { found } = check(frame('let a = c + 1\nlet c = f(a)\nfn f(x) = x + c\nscore = dot(q, k) + a'))
  expect(found.map(({ message }) => message)).toEqual(["'a' depends on itself: a -> c -> a"])
})

test('a circle of functions is shown', () => {
  const { found } = check('fn f(x) = g(x)\nfn g(x) = h2(x) + 1\nfn h2(x) = f(x)')
  expect(found.map(({ message }) => message)).toEqual(['functions cannot be recursive: f -> g -> h2 -> f'])
})

test('a circle of imports is shown', () => {
  const { found } = check('import "b.attn"\nfn f(x) = x', {
    'b.attn': 'import "c.attn"\nfn g(x) = x',
    'c.attn': 'import "b.attn"\nfn k(x) = x',
  })
  expect(found.map(({ message }) => message)).toEqual(['files import each other: b.attn -> c.attn -> b.attn'])
})

test('an error in an imported file is shown there', () => {
  const { found } = check('import "b.attn"\nfn f(x) = x', { 'b.attn': 'fn g(x) = y' })
  expect(found.map(({ code, at }) => `${code} ${at.span.file.path}`)).toEqual(['ATTN0100 b.attn'])
})
