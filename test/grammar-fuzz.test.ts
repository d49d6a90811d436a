import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Program } from '../grammar/ast.ts'
import { renderHuman, renderShort } from '../grammar/diagnostic.ts'
import { parse } from '../grammar/parse.ts'
import { printProgram } from '../grammar/print.ts'
import { program, token } from './fuzz/syntax.ts'

const example = readFileSync(new URL('fixtures/language.attn', import.meta.url), 'utf8')
const read = (text: string) => parse({ path: 'test.attn', text })

function format(text: string): string {
  const result = read(text)
  if (!result.ok) throw new Error(`${result.diagnostics.map((d) => renderHuman(d)).join('\n')}\nin ${text}`)
  return printProgram(result.value)
}

const bare = (node: unknown): unknown =>
  JSON.parse(
    JSON.stringify(node, (key, value: unknown) =>
      ['span', 'opSpan', 'nameSpan', 'pathSpan', 'file', 'comments'].includes(key) ? undefined : value,
    ),
  )

describe('a random program', () => {
  test('parses from its text to itself, and prints to one text only', () => {
    fc.assert(
      fc.property(program, (tree) => {
        const text = printProgram(tree)
        const result = read(text)
        if (!result.ok) throw new Error(`${result.diagnostics.map((d) => renderHuman(d)).join('\n')}\nin ${text}`)
        expect(bare(result.value)).toEqual(bare(tree))
        expect(printProgram(result.value)).toBe(text)
      }),
      { numRuns: 400 },
    )
  })
  test('keeps comments put anywhere between its tokens, in order', () => {
    const seeds = fc.array(fc.nat(), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.oneof(program.map(printProgram), fc.constant(example)), seeds, (text, places) => {
        const { commented, comments } = addComments(text, places)
        const once = format(commented)
        expect(once.match(/\/\/c\d+/g) ?? []).toEqual(comments)
        expect(format(once)).toBe(once)
        const [a, b] = [read(text), read(once)]
        expect(a.ok && bare({ ...a.value, items: withoutDocs(a.value) })).toEqual(
          b.ok && bare({ ...b.value, items: withoutDocs(b.value) }),
        )
      }),
      { numRuns: 300 },
    )
  })
})

/** A comment between doc and node makes the doc a comment: docs are left out of the comparison. */
const withoutDocs = (tree: Program): unknown =>
  JSON.parse(JSON.stringify(tree.items, (key, value: unknown) => (['doc', 'file'].includes(key) ? undefined : value)))

/** Puts comments where white space is, outside of comments and strings. */
function addComments(text: string, places: readonly number[]): { commented: string; comments: string[] } {
  const gaps = [...text.matchAll(/\/\/[^\n]*\n|"[^"\n]*"|( +|\n)/g)].filter((gap) => gap[1] !== undefined)
  const at = [...new Set(places.map((place) => (gaps.length > 0 ? (gaps[place % gaps.length]?.index ?? 0) : 0)))]
  at.sort((a, b) => a - b)
  let commented = ''
  at.forEach((place, i) => {
    commented += `${text.slice(at[i - 1] ?? 0, place)}${place % 3 === 0 ? '\n' : ' '}//c${i}\n`
  })
  return { commented: commented + text.slice(at.at(-1) ?? 0), comments: at.map((_place, i) => `//c${i}`) }
}

// Junk.

/** Parsing and showing what is wrong neither throws nor takes long. */
function survive(text: string): void {
  const begin = performance.now()
  const result = read(text)
  if (result.ok) {
    const once = printProgram(result.value)
    expect(format(once)).toBe(once)
  } else {
    expect(result.diagnostics.length).toBeGreaterThan(0)
    for (const d of result.diagnostics) expect(renderHuman(d) + renderShort(d)).toContain(d.code)
  }
  expect(performance.now() - begin).toBeLessThan(10_000)
}

describe('junk', () => {
  test('of tokens', () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 60 }), fc.boolean(), (tokens, inside) =>
        survive(inside ? `attention a { ${tokens.join(' ')}` : tokens.join(' ')),
      ),
      { numRuns: 1500 },
    )
  })
  test('of characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survive), { numRuns: 500 })
  })
  test('by changes to a source that is right', () => {
    const change = fc.record({ at: fc.nat(), remove: fc.nat({ max: 8 }), put: fc.oneof(fc.constant(''), token) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let text = example
        for (const { at, remove, put } of changes) {
          const place = at % text.length
          text = text.slice(0, place) + put + text.slice(place + remove)
        }
        survive(text)
      }),
      { numRuns: 300 },
    )
  })
})

describe('size', () => {
  const wrap = (value: string) => `attention a { score = ${value} }`
  const codeOf = (text: string): string => {
    const result = read(text)
    return result.ok ? 'ok' : result.diagnostics.map((d) => d.code).join(' ')
  }
  test.each([
    ['parentheses', wrap(`${'('.repeat(10_000)}1${')'.repeat(10_000)}`), 'ATTN0007'],
    ['open parentheses', wrap('('.repeat(10_000)), 'ATTN0007'],
    ['minus', wrap(`${'-'.repeat(10_000)}1`), 'ATTN0007'],
    ['not', wrap(`${'not '.repeat(10_000)}a`), 'ATTN0007'],
    ['powers', wrap(`${'a ^ '.repeat(10_000)}a`), 'ATTN0007'],
    ['if in if', wrap(`${'if a then '.repeat(10_000)}1${' else 2'.repeat(10_000)}`), 'ATTN0007'],
    ['if after else', wrap(`${'if a then 1 else '.repeat(10_000)}2`), 'ATTN0007'],
    ['if in condition', wrap(`${'if '.repeat(10_000)}a`), 'ATTN0007'],
    ['calls', wrap(`${'f('.repeat(10_000)}1${')'.repeat(10_000)}`), 'ATTN0007'],
    ['substitutions', wrap(`${'x[j = '.repeat(10_000)}1${']'.repeat(10_000)}`), 'ATTN0007'],
    ['open braces', '{'.repeat(10_000), 'ATTN0007'],
    ['long sums', wrap(`1${' + 1'.repeat(100_000)}`), 'ATTN0008'],
    ['long chains', wrap(`1${' + 1'.repeat(1_000)}`), 'ATTN0009'],
    ['long postfixes', wrap(`x${'[j = 1]'.repeat(2_000)}`), 'ATTN0009'],
    ['big calls', wrap(`f(${'1, '.repeat(10_000)}1)`), 'ATTN0008'],
    ['big files', ' '.repeat(2 ** 20 + 1), 'ATTN0006'],
    ['long names', wrap('x'.repeat(65)), 'ATTN0005'],
  ])('%s are refused', (_what, text, code) => expect(codeOf(text)).toBe(code))

  test.each([
    ['parentheses', wrap(`${'('.repeat(63)}1${')'.repeat(63)}`)],
    ['minus', wrap(`${'-'.repeat(63)}1`)],
    ['signs beside each other', wrap(`1${' * -1'.repeat(200)}`)],
    ['powers beside each other', wrap(`1${' + 2 ^ 2'.repeat(200)}`)],
    ['not beside each other', wrap(`a${' and not b'.repeat(200)}`)],
    ['if beside each other', `attention a { ${'score = if a then 1 else 2 '.repeat(200)} }`],
    ['if in then', wrap(`${'if a then '.repeat(63)}1${' else 2'.repeat(63)}`)],
    [
      'a ladder in a ladder',
      wrap(`if a then ${'if b then 1 else '.repeat(40)}2 else ${'if c then 1 else '.repeat(40)}2`),
    ],
    ['a sum', wrap(`1${' + 1'.repeat(998)}`)],
    ['a big file', `${' '.repeat(2 ** 20 - 10)}fn f() = 1`],
    ['a long name', wrap('x'.repeat(64))],
  ])('%s is fine', (_what, text) => expect(codeOf(text)).toBe('ok'))

  const megabyte = (piece: string) => piece.repeat(Math.floor(2 ** 20 / piece.length))
  const answer = (text: string) => {
    const result = read(text)
    const rendered = result.ok ? [] : result.diagnostics.map((d) => renderHuman(d))
    expect(rendered.join('').length).toBeLessThan(2 ** 20) // and well before the test's limit: no reading is quadratic
  }
  test.each(['(', '}', '"\n', '$', '// x\n', '1 ', 'x = ', 'fn f() = 1\n'])('a megabyte of %j is answered', (piece) =>
    answer(megabyte(piece)),
  )
  test.each(['score = a b\n', 'let x = (\n', '1 < ', 'fn f() = { let x = a - b }\n'])(
    'a megabyte of %j in an attention is answered',
    (piece) => answer(`attention a {\n${megabyte(piece).slice(20)}`),
  )
})
