/** Programs of right syntax whose names, axes and types go together by chance. */
import fc from 'fast-check'

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

export const { expression } = fc.letrec<{ readonly expression: string }>((tie) => {
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

export const looseProgram = fc
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
