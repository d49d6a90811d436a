/** Random attentions as source text: scores, masks and normalizers that nobody has written a kernel for. */
import fc from 'fast-check'

const pick = <T>(...of: T[]): fc.Arbitrary<T> => fc.constantFrom(...of)
const wrap = (inner: fc.Arbitrary<string>, make: (x: string) => string): fc.Arbitrary<string> => inner.map(make)

const score = fc
  .tuple(
    pick('dot(q, k) / sqrt(size(d))', 'dot(q, k)', 'dot(q, k) / 3', '0 - sum[d](abs(q - k))'),
    pick('', ' + slope * (j - i)', ' - abs(i - j) / 7', ' + kb', ' + qb'),
  )
  .map(([a, b]) => a + b)
const shaped = fc.oneof(
  score,
  wrap(score, (s) => `2 * tanh((${s}) / 2)`),
  wrap(score, (s) => `min(${s}, 3)`),
)

const comparison = pick(
  'j <= i + size(j) - size(i)',
  'j <= i',
  'i - j < 4',
  'abs(i - j) <= 3',
  'j % 3 == i % 3',
  'j div 4 <= i div 4',
  'seen',
  'doc == doc[j = i]',
  'j < 5',
  'j > i',
)
const mask: fc.Arbitrary<string | undefined> = fc.oneof(
  fc.constant(undefined),
  comparison,
  fc.tuple(comparison, comparison, pick('and', 'or')).map(([a, b, op]) => `(${a}) ${op} (${b})`),
  wrap(comparison, (a) => `not (${a})`),
)

const unary = ['exp', 'tanh', 'relu', 'softplus', 'sigmoid', 'abs'] as const
/** An expression per pair over the score and reductions of earlier ones. */
const pairExpr = (depth: number): fc.Arbitrary<string> => {
  const leaf = pick('score', 'score', 'score / 2', 'softmax[j](score)', '1', 'kb', 'qb', '0.3 * abs(i - j)')
  if (depth === 0) return leaf
  const inner = pairExpr(depth - 1)
  return fc.oneof(
    leaf,
    fc.tuple(pick(...unary), inner).map(([f, x]) => `${f}(${x})`),
    fc.tuple(inner, pick('+', '-', '*'), inner).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc
      .tuple(pick('max', 'mean', 'logsumexp'), inner, pick('score', 'score / 4'))
      .map(([f, x, s]) => `(${s} - ${f}[j](${x}))`),
    fc.tuple(inner, inner).map(([a, b]) => `(${a}) / (1 + sum[j](abs(${b})))`),
    inner.map((x) => `(${x}) ^ 2`),
    fc.tuple(inner, inner).map(([a, b]) => `(if ${a} > 0 then ${b} else 0)`),
    fc.tuple(inner, inner, inner).map(([a, b, c]) => `(if ${a} > 0 then ${b} else ${c})`),
    inner.map((x) => `exp(min(${x}, 4)) / sum[j](exp(min(${x}, 4)))`),
    inner.map((x) => `(${x}) / sqrt(1 + sum[j]((${x}) ^ 2))`),
    inner.map((x) => `clamp(${x}, 0 - 1, 1)`),
    fc.tuple(pick('cumsum', 'cumsum_back'), inner).map(([f, x]) => `exp(0 - ${f}[j](abs(${x})))`),
    fc.tuple(pick('cumsum', 'cumsum_back', 'cummax'), inner).map(([f, x]) => `tanh(${f}[j](${x}))`),
    inner.map((x) => `(let_x(${x}))`),
    inner.map((x) => `cumsum[j](${x})[j = j - 1 else 0]`),
    fc.tuple(pick('mean', 'max', 'logsumexp'), inner).map(([f, x]) => `(score / 2 - ${f}[i](${x}))`),
    inner.map((x) => `softmax[i](${x})`),
    fc.tuple(pick('==', '>='), inner, inner).map(([op, x, y]) => `(if ${x} ${op} max[j](${x}) then ${y} else 0)`),
    fc.tuple(inner, inner).map(([x, y]) => `(${x}) * sum[j where ${y} > 0 and j < 7](${y})`),
    inner.map((x) => `(${x}) / max(1, count[j](${x} > 0))`),
    inner.map((x) => `sinkhorn[j, i](tanh(${x}), 2)`),
    inner.map((x) => `softmax[h](${x})`),
    inner.map((x) => `tanh(sum[a](((${x}) + score)[h = a] * mix))`),
    fc.tuple(pick('max', 'mean'), inner).map(([f, x]) => `(score / 2 - ${f}[h](${x}))`),
    fc.tuple(inner, comparison).map(([x, c]) => `(if ${c} then exp(${x}) else 0) / (1 + sum[j where ${c}](exp(${x})))`),
    fc.tuple(inner, comparison).map(([x, c]) => `(if ${c} then softmax[j where ${c}](${x}) else 0)`),
    fc.tuple(pick('logsumexp', 'mean', 'max'), inner).map(([f, x]) => `tanh((${x}) - ${f}[m](dot(q, mk)))`),
    fc
      .tuple(inner, inner)
      .map(([x, y]) => `exp((${x}) - max(max[j](${x}), max[m](slot))) / (1 + sum[m](exp(slot)) + sum[j](abs(${y})))`),
  )
}
const output = pick(
  '',
  'output sum[j](weight * v) + count[j]()',
  'output lse = logsumexp[j](score)',
  'output most = max[j](score)  output total = sum[j](weight)',
  'output m2 = sum[j](weight * v * v)',
  'output col = sum[i](weight)',
  'output map = weight',
  'output sum[j](weight * v) + sum[m](softmax[m](slot) * mv)',
  'output sum[j](weight * v) * max[h](qb) + dot(q, j / 9)',
)

export interface RandomProgram {
  readonly source: string
  readonly sizes: { readonly i: number; readonly j: number; readonly m: number; readonly d: number; readonly e: number }
  readonly tile: { readonly i: number; readonly j: number }
  readonly splits: number
  readonly seed: number
  readonly amplitude: number
}

export const randomProgram: fc.Arbitrary<RandomProgram> = fc
  .record({
    score: shaped,
    mask,
    normalize: pairExpr(2),
    output,
    i: pick(0, 1, 3, 8, 9),
    j: pick(0, 1, 4, 8, 9, 19),
    m: pick(0, 1, 5, 9),
    d: pick(1, 3, 4),
    e: pick(1, 2, 5),
    ti: pick(3, 8),
    tj: pick(4, 8),
    splits: pick(1, 1, 2, 3),
    seed: fc.nat(1e6),
    amplitude: pick(1, 3, 10),
  })
  .map((p) => ({
    source: `attention a {
  axis a like h
  axis m
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], mk[b, h, m, d], mv[b, h, m, e], mix[a, h]: f32, slope[h]: f32, kb[b, j]: f32, qb[b, i]: f32, seen[b, j]: bool, doc[b, j]: i32 in [0, 2]
  fn let_x(x) = exp(sum[j](0 - abs(x)) - cumsum[j](0 - abs(x)))
  let slot = dot(q, mk) / 3
  score = ${p.score}
  ${p.mask === undefined ? '' : `mask = ${p.mask}\n  `}normalize = ${p.normalize}
  ${p.output}
}`,
    sizes: { i: p.i, j: p.j, m: p.m, d: p.d, e: p.e },
    tile: { i: p.ti, j: p.tj },
    splits: p.splits,
    seed: p.seed,
    amplitude: p.amplitude,
  }))
