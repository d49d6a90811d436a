import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Block, Clause, Expr, Fn, Item, Name, NumberLiteral, Program } from '../grammar/ast.ts'
import { renderHuman, renderShort } from '../grammar/diagnostic.ts'
import { parse } from '../grammar/parse.ts'
import { printProgram } from '../grammar/print.ts'
import { noSpan } from '../grammar/source.ts'
import { reserved } from '../grammar/tokens.ts'

const example = readFileSync(new URL('fixtures/language.attn', import.meta.url), 'utf8')
const span = noSpan
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

// Random programs.

const words = new Set<string>([...reserved, 'score', 'mask', 'normalize'])
const name: fc.Arbitrary<Name> = fc
  .stringMatching(/^[a-z_][a-z0-9_]{0,20}$/)
  .filter((text) => !words.has(text))
  .map((text) => ({ kind: 'name', text, span }))
const names = (minLength: number) => fc.array(name, { minLength, maxLength: 4 })
const integer: fc.Arbitrary<NumberLiteral> = fc
  .nat()
  .map((value) => ({ kind: 'number', text: `${value}`, value, integer: true, span }))
const float: fc.Arbitrary<NumberLiteral> = fc
  .constantFrom('.5', '1.', '1e-6', '2.5E+3', '0.0')
  .map((text) => ({ kind: 'number', text, value: Number(text), integer: false, span }))

const operators = ['or', 'and', '<', '<=', '>', '>=', '==', '!=', '+', '-', '*', '/', '%', 'div', '^'] as const

const { expr } = fc.letrec<{ expr: Expr }>((tie) => ({
  expr: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      name,
      integer,
      float,
      fc.boolean().map((value): Expr => ({ kind: 'bool', value, span })),
    ),
    fc
      .record({ op: fc.constantFrom(...operators), left: tie('expr'), right: tie('expr') })
      .map((of): Expr => ({ kind: 'binary', opSpan: span, span, ...of })),
    fc.record({ op: fc.constantFrom('-', 'not'), of: tie('expr') }).map((of): Expr => ({ kind: 'unary', span, ...of })),
    fc
      .record({ condition: tie('expr'), yes: tie('expr'), no: tie('expr') })
      .map((of): Expr => ({ kind: 'if', span, ...of })),
    fc
      .record({ callee: name, axes: names(0), args: fc.array(tie('expr'), { maxLength: 3 }) })
      .map((of): Expr => ({ kind: 'call', span, ...of })),
    fc
      .record({ callee: name, axes: names(1), where: tie('expr'), args: fc.array(tie('expr'), { maxLength: 2 }) })
      .map((of): Expr => ({ kind: 'call', span, ...of })),
    fc
      .record({
        of: tie('expr'),
        items: fc.array(
          fc
            .record({ axis: name, index: tie('expr'), elseZero: fc.boolean() })
            .map((item) => ({ kind: 'substitute-item' as const, span, ...item })),
          { minLength: 1, maxLength: 3 },
        ),
      })
      .map((of): Expr => ({ kind: 'substitute', span, ...of })),
    fc
      .record({ variable: name, low: tie('expr'), high: tie('expr'), of: tie('expr') })
      .map((of): Expr => ({ kind: 'solve', span, ...of })),
  ),
}))

const letNode = fc.record({ name, value: expr }).map((of) => ({ kind: 'let' as const, span, ...of }))
const assign = fc.record({ name, value: expr }).map((of) => ({ kind: 'assign' as const, span, ...of }))
const repeat = fc
  .record({ count: expr, body: fc.array(fc.oneof(letNode, assign), { maxLength: 3 }) })
  .map((of) => ({ kind: 'repeat' as const, span, ...of }))
const block: fc.Arbitrary<Block> = fc
  .record({ statements: fc.array(fc.oneof(letNode, repeat), { maxLength: 3 }), value: expr })
  .map((of) => ({ kind: 'block', span, ...of }))
const doc = fc.option(
  fc
    .array(fc.constantFrom('', 'one', '  two words', '/ three', '*/'), { minLength: 1, maxLength: 3 })
    .map((lines) => ({ doc: lines.join('\n') })),
  { nil: {} },
)
const fn: fc.Arbitrary<Fn> = fc
  .record({ name, axes: names(0), params: names(0), body: fc.oneof(expr, block) })
  .map((of) => ({ kind: 'fn', span, ...of }))
const sizes = fc.array(
  fc.record({ name, value: integer }).map((of) => ({ kind: 'setting' as const, span, ...of })),
  { maxLength: 4 },
)
const check = sizes.map((of) => ({ kind: 'check' as const, sizes: of, span }))
const range = fc.record({ low: expr, high: expr }).map((of) => ({ kind: 'range' as const, span, ...of }))
const typed = fc.record({ name, type: name, value: expr, range }, { requiredKeys: ['name'] })
const input = fc
  .record({ name, axes: names(0), type: name, range }, { requiredKeys: ['name', 'axes'] })
  .map((of) => ({ kind: 'input-decl' as const, span, ...of }))
const rule = fc.oneof(
  fc.record({ kind: fc.constantFrom('divides', 'like'), of: name, span: fc.constant(span) }),
  fc.record({ kind: fc.constant('length' as const), value: expr, span: fc.constant(span) }),
)
const axis = fc
  .record({ name, rule }, { requiredKeys: ['name'] })
  .map((of) => ({ kind: 'axis-decl' as const, span, ...of }))
const output = fc.oneof(
  fc.record({ value: expr }),
  fc.record({ name, order: names(1), value: expr }, { requiredKeys: ['name', 'value'] }),
)

const plainClause: fc.Arbitrary<Clause> = fc.oneof(
  fc.array(axis, { minLength: 1, maxLength: 3 }).map((axes): Clause => ({ kind: 'axis', axes, span })),
  fc.record({ axis: name, outer: name, inner: name, by: expr }).map((of): Clause => ({ kind: 'split', span, ...of })),
  fc.array(input, { minLength: 1, maxLength: 4 }).map((inputs): Clause => ({ kind: 'input', inputs, span })),
  typed.map((of): Clause => ({ kind: 'param', span, ...of })),
  typed.map((of): Clause => ({ kind: 'const', span, ...of })),
  letNode,
  letNode.map((of): Clause => ({ ...of, kind: 'view' })),
  fn,
  fc
    .record({ kind: fc.constantFrom('score', 'mask', 'normalize'), value: expr })
    .map((of): Clause => ({ nameSpan: span, span, ...of })),
  output.map((of): Clause => ({ kind: 'output', span, ...of })),
  fc.record({ label: name, sizes }, { requiredKeys: ['sizes'] }).map((of): Clause => ({ kind: 'tile', span, ...of })),
  name.map((level): Clause => ({ kind: 'precision', level, span })),
  check,
)
const clause = fc.tuple(plainClause, doc).map(([node, docs]): Clause => ({ ...node, ...docs }))
const attention = fc
  .record({ name, clauses: fc.array(clause, { maxLength: 5 }) })
  .map((of): Item => ({ kind: 'attention', span, ...of }))
const item = fc.tuple(fc.oneof(fn, check, attention), doc).map(([node, docs]): Item => ({ ...node, ...docs }))
const program: fc.Arbitrary<Program> = fc
  .record({
    imports: fc.array(
      fc.constantFrom('a.attn', '../b c.attn').map((path) => ({ kind: 'import' as const, path, pathSpan: span, span })),
      { maxLength: 2 },
    ),
    items: fc.array(item, { maxLength: 4 }),
  })
  .map((of) => ({ kind: 'program', file: span.file, comments: [], ...of }))

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
  const token = fc.constantFrom(
    ...reserved,
    ...['score', 'mask', 'normalize', 'x', 'y', 'j', '1', '2.5', '"s"', '// c\n', '/// d\n', '\n'],
    ...['{', '}', '(', ')', '[', ']', ',', ';', ':', '<=', '==', '=', '<', '+', '-', '*', '/', '^', '$', '.', '"'],
  )
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
