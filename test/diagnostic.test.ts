import { describe, expect, test } from 'vitest'
import {
  chain,
  type Diagnostic,
  fail,
  type Label,
  renderHuman,
  renderShort,
  resultOf,
  succeed,
} from '../grammar/diagnostic.ts'
import { lineBounds, positionAt, type SourceFile, spanOf } from '../grammar/source.ts'
import { didYouMean, suggest } from '../grammar/suggest.ts'

/** The text with its first `«...»` as the span. */
function mark(text: string, path = 'a.attn'): Label['span'] {
  const start = text.indexOf('«')
  const end = text.indexOf('»') - 1
  return spanOf({ path, text: text.replace(/[«»]/g, '') }, start, end)
}

const diagnostic = (at: Label, more: Partial<Diagnostic> = {}): Diagnostic => ({
  code: 'ATTN0123',
  severity: 'error',
  title: 'some-title',
  message: 'something is wrong',
  at,
  notes: [],
  ...more,
})

describe('positions', () => {
  const file: SourceFile = { path: 'a', text: '\uFEFFab\r\nc\u{1F600}d\re\n' }
  test.each([
    [1, 1, 1],
    [2, 1, 2],
    [3, 1, 3],
    [5, 2, 1],
    [8, 2, 3],
    [10, 3, 1],
    [12, 4, 1],
  ])('offset %i is line %i column %i', (offset, line, column) =>
    expect(positionAt(file, offset)).toEqual({ line, column }),
  )
  test('a line does not hold its end', () => {
    expect(
      [0, 1, 2, 3].map((index) => lineBounds(file, index)).map(({ start, end }) => file.text.slice(start, end)),
    ).toEqual(['ab', 'c\u{1F600}d', 'e', ''])
  })
})

describe('a diagnostic', () => {
  test('is shown with its line, its label and its hint', () => {
    const at = mark('one\n  two = «three» + 4\n')
    expect(`\n${renderHuman(diagnostic({ span: at, text: 'here' }, { hint: 'write 3' }))}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: something is wrong
        --> a.attn:2:9
        |
      2 |   two = three + 4
        |         ^^^^^ here
      hint: write 3
      "
    `)
    expect(renderShort(diagnostic({ span: at }))).toBe('a.attn:2:9: error[ATTN0123]: something is wrong')
  })
  test('is shown with other places, in order of lines, and of other files', () => {
    const file = { path: 'a.attn', text: `${'x\n'.repeat(8)}first second\nlast\n` }
    const notes = [
      { span: spanOf(file, 22, 28), text: 'same line' },
      { span: spanOf(file, 0, 1), text: 'line one' },
      { span: mark('let «y» = 1', 'lib/b.attn'), text: 'elsewhere' },
      { span: spanOf(file, 29, 33) },
    ]
    const shown = renderHuman(diagnostic({ span: spanOf(file, 16, 21), text: 'this' }, { notes }))
    expect(`\n${shown}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: something is wrong
         --> a.attn:9:1
         |
       1 | x
         | - line one
      ...
       9 | first second
         | ^^^^^ this
         |       ------ same line
      10 | last
         | ----
         ::: lib/b.attn:1:5
         |
       1 | let y = 1
         |     - elsewhere
      "
    `)
  })
  test('lines carets up under tabs and wide characters', () => {
    expect(`\n${renderHuman(diagnostic({ span: mark('\tx\t日本 «語語» // \u{1F600}') }))}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: something is wrong
        --> a.attn:1:7
        |
      1 |     x   日本 語語 // 😀
        |              ^^^^
      "
    `)
  })
  test('shows control characters escaped, in the source and in words', () => {
    const span = mark('a\u001b[31m \u202e«\u0000b»', 'p\u001b.attn')
    const shown = renderHuman(diagnostic({ span, text: '\u0007' }, { message: 'm\u001b', hint: '\u009b' }))
    expect(shown).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u)
    expect(`\n${shown}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: m\\u{1b}
        --> p\\u{1b}.attn:1:9
        |
      1 | a\\u{1b}[31m \\u{202e}\\u{0}b
        |                     ^^^^^^ \\u{7}
      hint: \\u{9b}
      "
    `)
  })
  test('shows the end of the file, an empty file and the first line of several', () => {
    expect(`\n${renderHuman(diagnostic({ span: mark('abc«»') }))}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: something is wrong
        --> a.attn:1:4
        |
      1 | abc
        |    ^
      "
    `)
    expect(`\n${renderHuman(diagnostic({ span: mark('«»') }))}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: something is wrong
        --> a.attn:1:1
      "
    `)
    expect(`\n${renderHuman(diagnostic({ span: mark('a «b\nc» d') }))}\n`).toMatchInlineSnapshot(`
      "
      error[ATTN0123]: something is wrong
        --> a.attn:1:3
        |
      1 | a b
        |   ^
      "
    `)
  })
  test('cuts a long line around its place, at the start, the middle and the end', () => {
    for (const offset of [0, 50_000, 99_990]) {
      const text = `${'\u{1F600}'.repeat(offset / 2)}xyz${' '.repeat(100_000 - offset)}`
      const shown = renderHuman(diagnostic({ span: spanOf({ path: 'a', text }, offset, offset + 3) })).split('\n')
      expect(shown.every((line) => line.length < 200)).toBe(true)
      expect(shown[3]).toContain('xyz')
      expect(shown[4]).toMatch(/ \^\^\^$/)
    }
  })
  test('is coloured by whoever asks for it', () => {
    const color = (role: string, text: string) => `<${role}>${text}</>`
    expect(renderHuman(diagnostic({ span: mark('«a»') }, { severity: 'warning' }), { color })).toMatchInlineSnapshot(`
      "<warning>warning[ATTN0123]</><message>: something is wrong</>
      <gutter>  --></> a.attn:1:1
      <gutter>  |</>
      <gutter>1 |</> a
      <gutter>  |</> <primary>^</>"
    `)
  })
})

describe('a result', () => {
  const at = { span: mark('«a»') }
  const [error, warning] = [diagnostic(at), diagnostic(at, { severity: 'warning' })]
  test('fails with an error only', () => {
    expect(resultOf(1, [warning])).toEqual(succeed(1, [warning]))
    expect(resultOf(1, [warning, error])).toEqual(fail(warning, error))
  })
  test('carries warnings on', () => {
    expect(chain(succeed(1, [warning]), (n) => succeed(n + 1, [warning]))).toEqual(succeed(2, [warning, warning]))
    expect(chain(succeed(1, [warning]), () => fail(error))).toEqual(fail(warning, error))
    expect(chain(fail(error), () => succeed(1))).toEqual(fail(error))
  })
})

test.each([
  ['scor', 'score'],
  ['Score', 'score'],
  ['normalise', 'normalize'],
  ['pp', 'p'],
  ['x', undefined],
  ['something', undefined],
])('%s may mean %s', (word, found) => {
  expect(suggest(word, ['mask', 'score', 'normalize', 'p'])).toBe(found)
  expect(didYouMean(word, ['mask', 'score', 'normalize', 'p']).hint).toBe(found && `did you mean '${found}'?`)
})
