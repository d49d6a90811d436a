import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { renderHuman } from '../grammar/diagnostic.ts'
import { parse } from '../grammar/parse.ts'

const diagnose = (text: string) => {
  const result = parse({ path: 'a.attn', text })
  return result.ok ? [] : result.diagnostics
}

const inAttention = (clause: string): string => `attention a {\n  ${clause}\n}\n`

/** What is shown for a source; a clause stands in an attention, a file starts with `!`. */
const report = (text: string): string =>
  `\n${diagnose(text.startsWith('!') ? text.slice(1) : inAttention(text))
    .map((d) => renderHuman(d))
    .join('\n')}\n`

const catalogue = [
  ...readFileSync(new URL('../grammar/errors.ts', import.meta.url), 'utf8').matchAll(/'(ATTN\d{4})',\s*'([a-z-]+)'/g),
].map(([, code, title]) => [code, title] as const)

/** Title, a source with the error, and the source without it. */
const cases = [
  ['unknown-character', 'score = a − b', 'score = a - b'],
  ['unterminated-string', '!import "lib.attn', '!import "lib.attn"'],
  ['integer-too-large', 'score = q + 3000000000', 'score = q + 3000000000.0'],
  ['number-not-finite', 'score = q * 1e999', 'score = q / 0'],
  [
    'name-too-long',
    'let xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 1',
    'let xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 1',
  ],
  ['source-too-large', `!${' '.repeat(2 ** 20 + 1)}`, `!${' '.repeat(2 ** 20)}`],
  ['nesting-too-deep', `score = ${'('.repeat(64)}q${')'.repeat(64)}`, `score = ${'('.repeat(63)}q${')'.repeat(63)}`],
  ['expression-too-large', `score = f(${'1, '.repeat(10_000)}1)`, `score = f(${'1, '.repeat(9_998)}1)`],
  ['chain-too-long', `score = q${' + 1'.repeat(1_000)}`, `score = q${' + 1'.repeat(999)}`],
  ['unexpected-token', 'score = 2 q', 'score = 2 * q'],
  ['expected-expression', 'score = q *', 'score = q * k'],
  ['expected-name', 'let 2 = q', 'let two = q'],
  ['reserved-word', 'let in = q', 'let in_ = q'],
  ['unclosed-bracket', 'score = (q + k\n  mask = j <= i', 'score = (q + k)\n  mask = j <= i'],
  ['unmatched-bracket', 'score = q + k)', 'score = q + k'],
  ['comparison-chain', 'mask = 0 <= i - j <= w + 1', 'mask = 0 <= i - j and i - j <= w + 1'],
  ['assignment-in-expression', 'mask = i = j', 'mask = i == j'],
  ['block-without-value', 'fn f(x) = {\n    let c = x\n    -c\n  }', 'fn f(x) = {\n    let c = x;\n    -c\n  }'],
  ['unknown-clause', 'scale = 1 / 8', 'let scale = 1 / 8'],
  ['mixed-brackets', 'score = sum[j, i = 0](q)', 'score = sum[j](q[i = 0])'],
  ['axes-without-call', 'score = q[i]', 'score = q'],
  ['if-without-else', 'score = if j > i then 1', 'score = if j > i then 1 else 0'],
  ['if-in-operand', 'score = 1 + if j > i then 1 else 0', 'score = 1 + (if j > i then 1 else 0)'],
  ['call-of-expression', 'score = (q + 1)(k)', 'score = (q + 1) * k'],
  ['foreign-operator', 'mask = j <= i && hub', 'mask = j <= i and hub'],
  ['where-in-substitution', 'score = q[i = 0 where mask]', 'score = sum[i where mask](q)'],
  ['else-not-zero', 'score = q[i = i - 1 else 1]', 'score = q[i = i - 1 else 0]'],
  ['not-in-operand', 'mask = a == not b', 'mask = a == (not b)'],
  ['misplaced-block', 'let y = { let x = q; x * x }', 'fn square(x) = { let y = x; y * y }'],
  ['misplaced-clause', '!input q[b, i, d]', 'input q[b, i, d]'],
  ['empty-brackets', 'input scale[]', 'input scale'],
  ['invalid-size', 'tile { i = 2.5 }', 'tile { i = 64 }'],
  ['unknown-item', '!atention a { }', '!attention a { }'],
  ['too-many-errors', 'score = *\n'.repeat(21), 'score = 1\n'.repeat(21)],
] as const

test('every code has a case, and no code is used twice', () => {
  expect(cases.map(([title]) => title)).toEqual(catalogue.map(([, title]) => title))
  expect(new Set(catalogue.map(([code]) => code)).size).toBe(catalogue.length)
})

test.each(cases)('%s', (title, wrong, right) => {
  const found = diagnose(wrong.startsWith('!') ? wrong.slice(1) : inAttention(wrong)).at(-1)
  expect(found?.title).toBe(title)
  expect(report(right).trim()).toBe('')
})

test.each([
  ['fn f(in) = 1', 'fn f(in_) = 1'],
  ['fn f(x, in) = x', 'fn f(x, in_) = x'],
  ['fn f[in](x) = x', 'fn f[in_](x) = x'],
  ['input q[in, b]', 'input q[in_, b]'],
  ['output y as [in] = 1', 'output y as [in_] = 1'],
  ['score = sum[in](q)', 'score = sum[in_](q)'],
  ['tile { in = 64 }', 'tile { in_ = 64 }'],
])('a reserved word among the names of a list: %s', (wrong, right) => {
  expect(diagnose(inAttention(wrong)).map(({ title }) => title)).toEqual(['reserved-word'])
  expect(report(right).trim()).toBe('')
})

describe('is shown', () => {
  test('unknown-character', () =>
    expect(report('score = a − b')).toMatchInlineSnapshot(`
    "
    error[ATTN0001]: a minus sign (U+2212) means nothing here
      --> a.attn:2:13
      |
    2 |   score = a − b
      |             ^
    hint: write '-'
    "
  `))
  test('unterminated-string', () =>
    expect(report('!import "lib.attn')).toMatchInlineSnapshot(`
    "
    error[ATTN0002]: this string does not end on its line
      --> a.attn:1:8
      |
    1 | import "lib.attn
      |        ^^^^^^^^^
    hint: close it with '"'
    "
  `))
  test('integer-too-large', () =>
    expect(report('score = q + 3000000000')).toMatchInlineSnapshot(`
    "
    error[ATTN0003]: this integer is above 2147483647, the largest i32
      --> a.attn:2:15
      |
    2 |   score = q + 3000000000
      |               ^^^^^^^^^^
    hint: write 3000000000.0 for a float
    "
  `))
  test('number-not-finite', () =>
    expect(report('score = q * 1e999')).toMatchInlineSnapshot(`
    "
    error[ATTN0004]: this number is too large to be finite
      --> a.attn:2:15
      |
    2 |   score = q * 1e999
      |               ^^^^^
    hint: if infinity is meant, write 1 / 0
    "
  `))
  test('name-too-long', () =>
    expect(report('let xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 1')).toMatchInlineSnapshot(`
      "
      error[ATTN0005]: this name has 65 characters, 64 are allowed
        --> a.attn:2:7
        |
      2 |   let xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx = 1
        |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      "
    `))
  test('unexpected-token', () =>
    expect(report('score = 2 q')).toMatchInlineSnapshot(`
    "
    error[ATTN0010]: expected an operator or the next clause, found 'q'
      --> a.attn:2:13
      |
    2 |   score = 2 q
      |             ^
    hint: a product is written with '*'
    "
  `))
  test('expected-expression', () =>
    expect(report('score = q *')).toMatchInlineSnapshot(`
    "
    error[ATTN0011]: expected an expression after '*'
      --> a.attn:3:1
      |
    3 | }
      | ^ found '}'
    "
  `))
  test('expected-name', () =>
    expect(report('let 2 = q')).toMatchInlineSnapshot(`
    "
    error[ATTN0012]: expected a name after 'let', found '2'
      --> a.attn:2:7
      |
    2 |   let 2 = q
      |       ^
    hint: a name is a letter or _, then letters, digits and _
    "
  `))
  test('reserved-word', () =>
    expect(report('let in = q')).toMatchInlineSnapshot(`
    "
    error[ATTN0013]: 'in' is a reserved word and cannot be a name
      --> a.attn:2:7
      |
    2 |   let in = q
      |       ^^
    hint: another name will do: in_
    "
  `))
  test('unclosed-bracket', () =>
    expect(report('score = (q + k\n  mask = j <= i')).toMatchInlineSnapshot(`
    "
    error[ATTN0014]: expected ')', found 'mask'
      --> a.attn:3:3
      |
    2 |   score = (q + k
      |           - this '(' is not closed
    3 |   mask = j <= i
      |   ^^^^
    "
  `))
  test('unmatched-bracket', () =>
    expect(report('score = q + k)')).toMatchInlineSnapshot(`
    "
    error[ATTN0015]: this ')' closes nothing
      --> a.attn:2:16
      |
    2 |   score = q + k)
      |                ^
    "
  `))
  test('comparison-chain', () =>
    expect(report('mask = 0 <= i - j <= w + 1')).toMatchInlineSnapshot(`
    "
    error[ATTN0016]: comparisons do not chain
      --> a.attn:2:21
      |
    2 |   mask = 0 <= i - j <= w + 1
      |                     ^^ a second comparison
      |            -- after this one
    hint: 0 <= i - j and i - j <= w + 1
    "
  `))
  test('assignment-in-expression', () =>
    expect(report('mask = i = j')).toMatchInlineSnapshot(`
    "
    error[ATTN0017]: '=' defines a name, it does not compare
      --> a.attn:2:12
      |
    2 |   mask = i = j
      |            ^
    hint: write '==' to compare
    "
  `))
  test('block-without-value', () =>
    expect(report('fn f(x) = {\n    let c = x\n    -c\n  }')).toMatchInlineSnapshot(`
    "
    error[ATTN0018]: this block has no value; is a ';' missing before '-'?
      --> a.attn:5:3
      |
    4 |     -c
      |     - read as going on with the statement before it
    5 |   }
      |   ^
    "
  `))
  test('unknown-clause', () =>
    expect(report('scale = 1 / 8')).toMatchInlineSnapshot(`
      "
      error[ATTN0019]: 'scale =' does not start a clause
        --> a.attn:2:3
        |
      2 |   scale = 1 / 8
        |   ^^^^^
      hint: did you mean 'score'? to name a value, write: let scale = ...
      "
    `))
  test('mixed-brackets', () =>
    expect(report('score = sum[j, i = 0](q)')).toMatchInlineSnapshot(`
    "
    error[ATTN0020]: brackets hold either axes or substitutions, not both
      --> a.attn:2:14
      |
    2 |   score = sum[j, i = 0](q)
      |              ^^^^^^^^^^
    hint: sum[j](x) reduces over j, x[j = 0] reads x at key 0
    "
  `))
  test('axes-without-call', () =>
    expect(report('score = q[i]')).toMatchInlineSnapshot(`
    "
    error[ATTN0021]: axes in brackets belong before the arguments of a call
      --> a.attn:2:12
      |
    2 |   score = q[i]
      |            ^^^
    hint: an input is used without its axes: q; reading elsewhere: q[i = i - 1]; a reduction: sum[j](x)
    "
  `))
  test('if-without-else', () =>
    expect(report('score = if j > i then 1')).toMatchInlineSnapshot(`
    "
    error[ATTN0022]: this 'if' has no 'else'
      --> a.attn:2:11
      |
    2 |   score = if j > i then 1
      |           ^^ found '}'
    "
  `))
  test('if-in-operand', () =>
    expect(report('score = 1 + if j > i then 1 else 0')).toMatchInlineSnapshot(`
    "
    error[ATTN0023]: an 'if' after '+' needs parentheses
      --> a.attn:2:15
      |
    2 |   score = 1 + if j > i then 1 else 0
      |               ^^
    hint: (if c then a else b)
    "
  `))
  test('call-of-expression', () =>
    expect(report('score = (q + 1)(k)')).toMatchInlineSnapshot(`
    "
    error[ATTN0024]: only a name can be called
      --> a.attn:2:18
      |
    2 |   score = (q + 1)(k)
      |                  ^
    hint: if a product is meant, write '*'
    "
  `))
  test('foreign-operator', () =>
    expect(report('mask = j <= i && hub')).toMatchInlineSnapshot(`
    "
    error[ATTN0025]: '&&' is not an operator here
      --> a.attn:2:17
      |
    2 |   mask = j <= i && hub
      |                 ^^
    hint: write 'and'
    "
  `))
  test('where-in-substitution', () =>
    expect(report('score = q[i = 0 where mask]')).toMatchInlineSnapshot(`
    "
    error[ATTN0026]: a substitution takes no 'where'
      --> a.attn:2:25
      |
    2 |   score = q[i = 0 where mask]
      |                         ^^^^
    hint: 'where' restricts a reduction: sum[j where c](x)
    "
  `))
  test('else-not-zero', () =>
    expect(report('score = q[i = i - 1 else 1]')).toMatchInlineSnapshot(`
    "
    error[ATTN0027]: outside its axis a substitution gives 0: 'else 0' is all there is
      --> a.attn:2:28
      |
    2 |   score = q[i = i - 1 else 1]
      |                            ^
    hint: for another value: if 0 <= e and e < size(a) then x[a = e] else 1
    "
  `))
  test('not-in-operand', () =>
    expect(report('mask = a == not b')).toMatchInlineSnapshot(`
    "
    error[ATTN0028]: a 'not' after '==' needs parentheses
      --> a.attn:2:15
      |
    2 |   mask = a == not b
      |               ^^^
    hint: (not a)
    "
  `))
  test('misplaced-block', () =>
    expect(report('let y = { let x = q; x * x }')).toMatchInlineSnapshot(`
    "
    error[ATTN0029]: a block is the body of a fn, not an expression
      --> a.attn:2:11
      |
    2 |   let y = { let x = q; x * x }
      |           ^
    hint: define a fn and call it: fn f(x) = { let y = x * x; y + 1 }
    "
  `))
  test('misplaced-clause', () =>
    expect(report('!input q[b, i, d]')).toMatchInlineSnapshot(`
    "
    error[ATTN0030]: 'input' does not belong outside an attention
      --> a.attn:1:1
      |
    1 | input q[b, i, d]
      | ^^^^^
    hint: put it inside: attention name { ... }
    "
  `))
  test('empty-brackets', () =>
    expect(report('input scale[]')).toMatchInlineSnapshot(`
    "
    error[ATTN0031]: these brackets name no axis
      --> a.attn:2:14
      |
    2 |   input scale[]
      |              ^^
    hint: leave them out
    "
  `))
  test('invalid-size', () =>
    expect(report('tile { i = 2.5 }')).toMatchInlineSnapshot(`
    "
    error[ATTN0032]: a size is an integer of 0 or more
      --> a.attn:2:14
      |
    2 |   tile { i = 2.5 }
      |              ^^^
    hint: { i = 64, j = 64 }
    "
  `))
  test('unknown-item', () =>
    expect(report('!atention a { }')).toMatchInlineSnapshot(`
    "
    error[ATTN0033]: 'atention' does not start anything that stands in a file
      --> a.attn:1:1
      |
    1 | atention a { }
      | ^^^^^^^^
    hint: did you mean 'attention'?
    "
  `))
  test('a comparison chain whose operands are on several lines', () =>
    expect(report('mask = a == b\n  == c')).toMatchInlineSnapshot(`
      "
      error[ATTN0016]: comparisons do not chain
        --> a.attn:3:3
        |
      2 |   mask = a == b
        |            -- after this one
      3 |   == c
        |   ^^ a second comparison
      hint: a == b and b == c
      "
    `))
  test('a value taken in by the call before it', () =>
    expect(report('fn f(x) = { let c = x (c * c) / 2 }')).toMatchInlineSnapshot(`
      "
      error[ATTN0018]: this block has no value; is a ';' missing before '('?
        --> a.attn:2:37
        |
      2 |   fn f(x) = { let c = x (c * c) / 2 }
        |                                     ^
        |                         - read as going on with the statement before it
      "
    `))
  test('a block without anything', () =>
    expect(report('fn f(x) = { }')).toMatchInlineSnapshot(`
    "
    error[ATTN0018]: this block has no value: it has to end with an expression
      --> a.attn:2:15
      |
    2 |   fn f(x) = { }
      |               ^
    "
  `))
  test('several errors, one for each clause', () =>
    expect(
      report('score = a b\n  mask = (c\n  let in = 1\n  output ) + 1\n  foo = 1\n  normalize = score'),
    ).toMatchInlineSnapshot(`
      "
      error[ATTN0010]: expected an operator or the next clause, found 'b'
        --> a.attn:2:13
        |
      2 |   score = a b
        |             ^
      error[ATTN0014]: expected ')', found 'let'
        --> a.attn:4:3
        |
      3 |   mask = (c
        |          - this '(' is not closed
      4 |   let in = 1
        |   ^^^
      error[ATTN0013]: 'in' is a reserved word and cannot be a name
        --> a.attn:4:7
        |
      4 |   let in = 1
        |       ^^
      hint: another name will do: in_
      error[ATTN0011]: expected an expression after 'output'
        --> a.attn:5:10
        |
      5 |   output ) + 1
        |          ^ found ')'
      error[ATTN0019]: 'foo =' does not start a clause
        --> a.attn:6:3
        |
      6 |   foo = 1
        |   ^^^
      hint: to name a value, write: let foo = ...
      "
    `))
  test('one error for a bracket that is closed at the end of the file', () =>
    expect(report('!attention a {\n  score = 1')).toMatchInlineSnapshot(`
      "
      error[ATTN0014]: expected '}', found the end of the file
        --> a.attn:2:12
        |
      1 | attention a {
        |             - this '{' is not closed
      2 |   score = 1
        |            ^
      "
    `))
  test('an attention that is not closed before the next', () =>
    expect(report('!attention a {\n  score = 1\nattention b {\n  score = *\n}')).toMatchInlineSnapshot(`
      "
      error[ATTN0014]: expected '}', found 'attention'
        --> a.attn:3:1
        |
      1 | attention a {
        |             - this '{' is not closed
      ...
      3 | attention b {
        | ^^^^^^^^^
      error[ATTN0011]: expected an expression after '='
        --> a.attn:4:11
        |
      4 |   score = *
        |           ^ found '*'
      "
    `))
  test('only the first stage: characters before syntax', () =>
    expect(report('score = $ + )\n  mask = *')).toMatchInlineSnapshot(`
      "
      error[ATTN0001]: '$' means nothing here
        --> a.attn:2:11
        |
      2 |   score = $ + )
        |           ^
      "
    `))
  test('letters of other scripts', () =>
    expect(report('let größe = 日本')).toMatchInlineSnapshot(`
    "
    error[ATTN0001]: the letter 'ö' (U+00F6) means nothing here
      --> a.attn:2:9
      |
    2 |   let größe = 日本
      |         ^^
    hint: names are of A-Z, a-z, 0-9 and _
    error[ATTN0001]: the letter '日' (U+65E5) means nothing here
      --> a.attn:2:15
      |
    2 |   let größe = 日本
      |               ^^^^
    hint: names are of A-Z, a-z, 0-9 and _
    "
  `))
  test('an operator of C', () =>
    expect(report('score += 1')).toMatchInlineSnapshot(`
    "
    error[ATTN0025]: '+=' is not an operator here
      --> a.attn:2:9
      |
    2 |   score += 1
      |         ^^
    hint: a name is defined once; give the sum another name
    "
  `))
  test('a power of Python', () =>
    expect(report('score = q ** 2')).toMatchInlineSnapshot(`
    "
    error[ATTN0025]: '**' is not an operator here
      --> a.attn:2:13
      |
    2 |   score = q ** 2
      |             ^^
    hint: write '^' for a power
    "
  `))
  test('a wrong word', () =>
    expect(report('axis g divide h')).toMatchInlineSnapshot(`
    "
    error[ATTN0010]: expected an operator or the next clause, found 'divide'
      --> a.attn:2:10
      |
    2 |   axis g divide h
      |          ^^^^^^
    hint: did you mean 'divides'?
    "
  `))
  test('a misspelt clause', () =>
    expect(report('inptu q[b]')).toMatchInlineSnapshot(`
    "
    error[ATTN0019]: 'inptu' does not start a clause
      --> a.attn:2:3
      |
    2 |   inptu q[b]
      |   ^^^^^
    hint: did you mean 'input'?
    "
  `))
  test('a number in brackets', () =>
    expect(report('score = sum[3](q)')).toMatchInlineSnapshot(`
      "
      error[ATTN0010]: expected an axis, found '3'
        --> a.attn:2:15
        |
      2 |   score = sum[3](q)
        |               ^
      hint: brackets name axes: x[j = 3] reads x at key 3
      "
    `))
  test('a comma at the end', () =>
    expect(report('score = max(q, )')).toMatchInlineSnapshot(`
    "
    error[ATTN0011]: expected an expression after ','
      --> a.attn:2:18
      |
    2 |   score = max(q, )
      |                  ^ found ')'
    hint: leave out the ',' at the end
    "
  `))
  test('a statement of a block in an attention', () =>
    expect(report('repeat 3 { }')).toMatchInlineSnapshot(`
    "
    error[ATTN0030]: 'repeat' does not belong at the start of a clause
      --> a.attn:2:3
      |
    2 |   repeat 3 { }
      |   ^^^^^^
    hint: it stands in the block of a fn
    "
  `))
  test('a clause in a block', () =>
    expect(report('fn f(x) = { input q }')).toMatchInlineSnapshot(`
    "
    error[ATTN0030]: 'input' does not belong in a block
      --> a.attn:2:15
      |
    2 |   fn f(x) = { input q }
      |               ^^^^^
    hint: a block holds let, repeat and a value
    "
  `))
  test('a repeat in a repeat', () =>
    expect(report('fn f(x) = { repeat 3 { repeat 2 { } } x }')).toMatchInlineSnapshot(`
      "
      error[ATTN0030]: 'repeat' does not belong in a repeat
        --> a.attn:2:26
        |
      2 |   fn f(x) = { repeat 3 { repeat 2 { } } x }
        |                          ^^^^^^
      hint: a repeat holds 'name = value' and 'let name = value'
      "
    `))
})
