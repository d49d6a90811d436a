/** Syntax trees of every form that a program can have, whatever it means. */
import fc from 'fast-check'
import type { Block, Clause, Expr, Fn, Item, Name, NumberLiteral, Program } from '../../grammar/ast.ts'
import { noSpan } from '../../grammar/source.ts'
import { reserved } from '../../grammar/tokens.ts'

const span = noSpan

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
export const program: fc.Arbitrary<Program> = fc
  .record({
    imports: fc.array(
      fc.constantFrom('a.attn', '../b c.attn').map((path) => ({ kind: 'import' as const, path, pathSpan: span, span })),
      { maxLength: 2 },
    ),
    items: fc.array(item, { maxLength: 4 }),
  })
  .map((of) => ({ kind: 'program', file: span.file, comments: [], ...of }))

/** Anything that can stand in a source, and some things that cannot. */
export const token = fc.constantFrom(
  ...reserved,
  ...['score', 'mask', 'normalize', 'x', 'y', 'j', '1', '2.5', '"s"', '// c\n', '/// d\n', '\n'],
  ...['{', '}', '(', ')', '[', ']', ',', ';', ':', '<=', '==', '=', '<', '+', '-', '*', '/', '^', '$', '.', '"'],
)
