/** What the words and functions of the language mean, in a line each; docs/language.md has the whole of it. */
import type { Word } from '../../grammar/words.ts'

export const meaningOfWord: Readonly<Record<Word, string>> = {
  import: '`import "path.attn"`: the functions of another file, by a path relative to this one',
  attention: '`attention name { ... }`: an operator over queries and keys; its clauses may stand in any order',
  fn: '`fn name[axes](parameters) = value`: a function, expanded where it is called',
  check: '`check { b = 1, i = 33 }`: lengths at which `attnc verify` and tests run this',
  axis: '`axis r = 32`, `axis g divides h`, `axis a like h`: an axis beside b, h, i, j, d and e',
  split: '`split j into (c, t) by 64`: c is j div 64, t is j % 64',
  input: '`input q[b, h, i, d]: f16 in [0, 1]`: tensors, with their axes in memory order, storage and range',
  param: '`param window: i32 = 256 in [1, 65536]`: a number given at run time',
  const: '`const r = 4`: a number fixed when code is generated',
  let: '`let name = value`: a name for a value',
  view: '`view kj = k[p = table[m = j]]`: a name for an input read at other indices',
  output: '`output value`, `output name as [h, b, i] = value`: the result, or a further one',
  tile: '`tile { i = 64, j = 64 }`: tile lengths; the compiler chooses them where nothing is said',
  precision: '`precision fast`: approximations of the hardware, with their declared error',
  into: '`split j into (c, t) by 64`',
  by: '`split j into (c, t) by 64`',
  as: '`output name as [h, b, i] = value`: the order of axes in memory',
  divides: '`axis g divides h`: groups of h',
  like: '`axis a like h`: as long as h, but another index',
  if: '`if c then x else y`: pure; what is not taken never matters',
  // biome-ignore lint/suspicious/noThenProperty: a word of the language
  then: '`if c then x else y`',
  else: '`if c then x else y`; in `x[a = e else 0]`, 0 beyond the ends of the axis',
  or: '`a or b`, of bools',
  and: '`a and b`, of bools',
  not: '`not a`, of a bool',
  div: '`x div y`: the quotient rounded down',
  repeat: '`repeat n { name = value }`: rounds that rebind lets of the block',
  solve: '`solve(t in [low, high]: f)`: the largest t at which f, which falls with t, is not negative',
  in: '`in [low, high]`: a promise about a value, both ends included',
  where: '`sum[j where c](x)`: sees the places where c holds, instead of those of the mask',
  true: 'a bool',
  false: 'a bool',
}

export const meaningOfName: Readonly<Record<string, string>> = {
  score: 'a number for every pair of a query i and a key j',
  mask: 'a bool for every pair: whether it is admitted; without it all are',
  normalize: 'a number for every pair; `weight` is this where the mask admits the pair, and 0 elsewhere',
  weight: '`if mask then normalize else 0`',
  out: 'the result: `sum[j](weight * v)` unless an output without a name says otherwise',
}

export const meaningOfAxis: Readonly<Record<string, string>> = {
  b: 'batch; its length is known at run time',
  h: 'query head; its length is known at run time',
  i: 'query; its length is known at run time',
  j: 'key; its length is known at run time',
  d: 'score feature; its length is fixed when code is generated',
  e: 'value feature; its length is fixed when code is generated',
}

interface Meaning {
  readonly call: string
  readonly is: string
}
const fold = (name: string, is: string): Meaning => ({ call: `${name}[x](value)`, is })
const of = (name: string, is: string, args = 'x'): Meaning => ({ call: `${name}(${args})`, is })

/** Functions that are built in, those of the library have documentation of their own. `min` and `max` are also folds. */
export const meaningOfBuiltin: Readonly<Record<string, Meaning>> = {
  exp: of('exp', 'e to the power of x'),
  exp2: of('exp2', '2 to the power of x'),
  expm1: of('expm1', 'exp(x) - 1, exact near 0'),
  log: of('log', 'the natural logarithm; log(0) is -inf, of a negative number NaN'),
  log2: of('log2', 'the logarithm to base 2'),
  log1p: of('log1p', 'log(1 + x), exact near 0'),
  sqrt: of('sqrt', 'the square root; NaN of a negative number'),
  rsqrt: of('rsqrt', '1 / sqrt(x)'),
  tanh: of('tanh', 'the hyperbolic tangent'),
  sin: of('sin', 'the sine'),
  cos: of('cos', 'the cosine'),
  atan2: of('atan2', 'the angle of the point (x, y)', 'y, x'),
  erf: of('erf', 'the error function'),
  floor: of('floor', 'rounded down'),
  ceil: of('ceil', 'rounded up'),
  round: of('round', 'rounded to the nearest integer, half to even'),
  abs: of('abs', 'without its sign'),
  sign: of('sign', '-1, 0 or 1'),
  stop_gradient: of('stop_gradient', 'x; a derivative will stop here'),
  straight_through: of(
    'straight_through',
    'its first argument; derivatives will be those of the second',
    'forward, backward',
  ),
  clamp: of('clamp', 'min(max(x, low), high)', 'x, low, high'),
  int: of('int', 'an i32, rounded toward zero'),
  random: of('random', 'Philox 4x32-10: a number in [0, 1) of a seed and up to four counters', 'seed, a, b, ...'),
  size: of('size', 'the length of an axis, an i32', 'j'),
  sum: fold('sum', 'the sum over an axis; over nothing 0'),
  max: fold('max', 'the largest over an axis, over nothing -inf; `max(x, y)` is that of two or more numbers'),
  min: fold('min', 'the smallest over an axis, over nothing inf; `min(x, y)` is that of two or more numbers'),
  mean: fold('mean', 'the mean over an axis; over nothing 0'),
  var: fold('var', 'the variance over an axis; over nothing 0'),
  any: fold('any', 'whether one of an axis holds; over nothing false'),
  all: fold('all', 'whether all of an axis hold; over nothing true'),
  logsumexp: fold('logsumexp', 'the logarithm of the sum of exponentials; over nothing -inf'),
  count: fold('count', 'the number of places where it holds; without a value, of the places that it sees'),
  cumsum: fold('cumsum', 'the sum up to and including each place'),
  cumsum_back: fold('cumsum_back', 'the sum from each place to the end'),
  cummax: fold('cummax', 'the largest up to and including each place'),
}
