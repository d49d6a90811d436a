import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Program } from '../grammar/ast.ts'
import { renderHuman } from '../grammar/diagnostic.ts'
import { createLexer } from '../grammar/lex.ts'
import { parse } from '../grammar/parse.ts'
import { AttnParser } from '../grammar/parser.ts'
import { printProgram } from '../grammar/print.ts'
import { printExpr } from '../grammar/print-expression.ts'
import { textOf } from '../grammar/source.ts'

const example = readFileSync(new URL('fixtures/language.attn', import.meta.url), 'utf8')

function read(text: string): Program {
  const result = parse({ path: 'test.attn', text })
  if (!result.ok) throw new Error(result.diagnostics.map((d) => renderHuman(d)).join('\n'))
  return result.value
}

const format = (text: string): string => printProgram(read(text))

/** A tree without places, to compare. */
const bare = (node: unknown): unknown =>
  JSON.parse(
    JSON.stringify(node, (key, value: unknown) =>
      ['span', 'opSpan', 'nameSpan', 'pathSpan', 'file', 'comments'].includes(key) ? undefined : value,
    ),
  )

describe("the language page's example", () => {
  test('parses, and prints to a text that prints to itself', () => {
    const once = format(example)
    expect(format(once)).toBe(once)
    expect(bare(read(once))).toEqual(bare(read(example)))
  })
  test('keeps every comment and doc', () => {
    const comments = example.match(/\/\/.*/g) ?? []
    const printed = format(example)
    for (const comment of comments) expect(printed).toContain(comment.trimEnd())
  })
  test('has spans that hold what they name', () => {
    const [sigmoid] = read(example).items
    if (sigmoid?.kind !== 'attention') throw new Error('no attention')
    expect(textOf(sigmoid.name.span)).toBe('sigmoid')
    expect(textOf(sigmoid.span)).toMatch(/^attention sigmoid \{[\s\S]*\}$/)
    const mask = sigmoid.clauses.find((clause) => clause.kind === 'mask')
    if (mask?.kind !== 'mask') throw new Error('no mask')
    expect(textOf(mask.span)).toBe('mask      = j <= i + size(j) - size(i)')
    expect(textOf(mask.nameSpan)).toBe('mask')
    expect(mask.value.kind === 'binary' && textOf(mask.value.opSpan)).toBe('<=')
  })
})

/** Canonical texts, at least one for each production. */
const canonical = [
  'import "lib/std.attn"',
  'check { b = 1, h = 2, i = 33, j = 65, d = 16 }',
  'check {}',
  '/// Doc.\n///\n///   indented\nfn f() = 1',
  'fn f[x, y](s, n) = s + n',
  'fn f(x) = { let y = x; -y }',
  'fn f(x) = { let y = x; (y + 1) * 2 }',
  'fn f(x) = { let y = x; repeat 3 { y = y * x; let z = y; y = z } y }',
  'fn f(x) = { repeat n {} x }',
  'attention a {}',
  'attention a {\n  axis  g divides h, a like h, r = 32, m\n}',
  'attention a {\n  split j into (c, t) by 64\n}',
  'attention a {\n  input q[b, h, i, d]: f16 in [-1, 1], r[h], x: f32, y\n}',
  'attention a {\n  param window: i32 = 256 in [0, 65536]\n  param p\n  const c = 1e-6\n}',
  'attention a {\n  let   x = 1\n  view  y = k[p = 1]\n  fn    f(x) = x\n}',
  'attention a {\n  /// Doc of a clause.\n  score     = q\n  mask      = true\n  normalize = score\n}',
  'attention a {\n  output    x\n  output    x = y\n  output    x as [h, b, i] = y == z\n  output    x == y\n}',
  'attention a {\n  tile      { i = 64, j = 64 }\n  tile      small { i = 8 }\n  precision fast\n  check     { b = 1 }\n}',
]

test.each(canonical)('is canonical: %j', (text) => expect(format(text)).toBe(`${text}\n`))

/** Expressions as they are printed; each takes no parentheses away and adds none. */
const expressions = [
  'if a then b else if c then d else e',
  'a or b or c',
  '(a and b) or not c',
  'a and (b or c)',
  'not not a',
  'not a == b',
  '(a == b) == c',
  'a - b - c',
  'a - (b - c)',
  'a * b / c % d div e',
  'a / (b * c)',
  '-x ^ 2',
  '(-x) ^ 2',
  '2 ^ -1',
  'a ^ b ^ c',
  '(a ^ b) ^ c',
  '2 ^ -1 - -3 * -x ^ 2',
  '--x',
  '1 + (if a then b else c)',
  '(if a then b else c)[i = 0]',
  'x[j = i else 0]',
  'x[a = e, c = f else 0][i = i - 1]',
  'x[j = if a then 1 else j - 1 else 0]',
  '(a + b)[i = 0]',
  'f(x)[i = 0]',
  'count[j]()',
  'softmax[j where mask](k)',
  'sum[i, j where mask and x > 0](a, b)',
  'solve(t in [lo - 1, hi]: sum[x](max(s - t, 0)) - 1)',
  'true and false',
  '.5 + 1. + 1e3 + 1.5E-7 + 0',
]

test.each(expressions)('is printed as it is written: %s', (text) => {
  const [fn] = read(`fn f() = ${text}`).items
  if (fn?.kind !== 'fn' || fn.body.kind === 'block') throw new Error('no expression')
  expect(printExpr(fn.body)).toBe(text)
})

describe('layout', () => {
  test('takes semicolons, parentheses and white space that nobody needs', () => {
    expect(format('attention a{axis g divides h;score=((q))+(k*2);}\n\n\n\nfn f(x)=x;')).toBe(
      'attention a {\n  axis  g divides h\n  score     = q + k * 2\n}\n\nfn f(x) = x\n',
    )
  })
  test('breaks what is too long at its loosest operators', () => {
    const term = 'some_long_name_of_a_value[j = some_index + 1] * another_long_name'
    expect(format(`attention a { mask = ${term} < 1 and ${term} < 2 and ${term} < 3 }`)).toBe(
      ['attention a {', `  mask      = ${term} < 1`, `      and ${term} < 2`, `      and ${term} < 3`, '}', ''].join(
        '\n',
      ),
    )
  })
  test('keeps a semicolon before a value that would read on', () => {
    const long = 'a_rather_long_name_of_a_value_'.repeat(2).slice(0, 52)
    const text = `fn f(x) = {\n  let y = ${long} + ${long};\n  -y\n}\n`
    expect(format(text)).toBe(text)
  })
  test('keeps comments where they were, and one empty line of several', () => {
    const text = [
      '// The file.',
      '',
      'import "a.attn"  // where from',
      '',
      '/// Doc.',
      '// not doc',
      'attention a {  // head',
      '  // before',
      '  input q[b],  // the query',
      '        k[b],  // the key',
      '        v[b]   // the value',
      '',
      '  mask      = x  // first',
      '      or y       // second',
      '  // last',
      '}  // after',
      '',
      '// end',
      '',
    ].join('\n')
    expect(format(text)).toBe(text)
    expect(format(text.replaceAll('\n\n', '\n\n\n \n'))).toBe(text)
    expect(format(text.replaceAll('\n', '\r\n'))).toBe(text)
  })
  test('prints a comment in a block on its line', () => {
    const text = 'fn f(x) = {\n  // why\n  let y = x  // what\n  y\n}\n'
    expect(format(text)).toBe(text)
  })
})

test('a byte order mark, CRLF and an empty file are fine', () => {
  expect(read('\uFEFFfn f() = 1\r\n').items).toHaveLength(1)
  expect(read('')).toMatchObject({ imports: [], items: [], comments: [] })
  expect(read('// nothing\n').comments).toMatchObject([{ text: '// nothing' }])
})

test('a doc belongs to what follows it, other comments to the program', () => {
  const program = read('/// a\n///b\n//// c\nfn f() = 1 /// d\n/// e\n/// f\nfn g() = /// g\n 2\n/// h\n')
  expect(program.items).toMatchObject([{ name: { text: 'f' } }, { doc: 'e\nf' }])
  expect(program.comments.map(({ text }) => text)).toEqual(['/// a', '///b', '//// c', '/// d', '/// g', '/// h'])
})

test('the grammar has no ambiguity, and the tokens no fault', () => {
  // Both constructors throw what they find; in use they are built without this check, which costs 50 ms.
  expect(() => new AttnParser(true)).not.toThrow()
  expect(createLexer(true).lexerDefinitionErrors).toEqual([])
})
