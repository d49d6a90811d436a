/** Faults of generated JavaScript: precision, elementary functions, tails, what is left from before. */
import type { Fault } from './fault.ts'

type Code = (javascript: string) => string

const swap =
  (what: RegExp | string, by: string): Code =>
  (text) =>
    text.replaceAll(typeof what === 'string' ? what : new RegExp(what.source, `g${what.flags}`), by)

/** Another body for a helper. */
const replaceFunction =
  (name: string, body: string): Code =>
  (text) =>
    text.replace(new RegExp(`(function ${name}\\([^)]*\\) \\{)[\\s\\S]*?\\n\\}`), `$1\n${body}\n}`)

/** `body` computes y, for x that the exponential of the target treats itself. */
const exponential = (body: string): Code =>
  replaceFunction('quickExp', `  if (!(Math.abs(x) < 700)) return Math.exp(x);\n${body}`)

const reduced = '  const n = Math.round(x / Math.LN2);\n  const r = x - n * Math.LN2;\n'

const precision: readonly Fault[] = [
  {
    name: 'row statistics in f32',
    what: 'Sums of rows are kept in arrays of f32.',
    examples: ['softmax', 'z_score', 'entropy'],
    code: swap('new Float64Array(', 'new Float32Array('),
  },
  {
    name: 'sum rounded to f32 at each step',
    what: 'The sum over a tile is rounded to f32 after each key.',
    examples: ['softmax', 'clipped_softmax'],
    code: swap(/(\btile_sum\d*) \+= ([^;]+);/, '$1 = Math.fround($1 + $2);'),
  },
  {
    name: 'sum rounded to f16 at each step',
    what: 'The sum over a tile is rounded to f16 after each key.',
    examples: ['causal', 'alpha_entmax'],
    code: swap(/(\btile_sum\d*) \+= ([^;]+);/, '$1 = Math.f16round($1 + $2);'),
  },
  {
    name: 'vector rounded to f32 at each step',
    what: 'The product of weights and values is rounded to f32 after each key.',
    examples: ['softmax', 'sigmoid'],
    code: swap(/(c\d\[j\]) \+= (a\d0 \* x);/, '$1 = Math.fround($1 + $2);'),
  },
  {
    name: 'scores in f32',
    what: 'Scores are rounded to f32.',
    examples: ['softmax', 'sigmoid'],
    code: swap(/(c\d\[j\]) = (c\d0);/, '$1 = Math.fround($2);'),
  },
  {
    name: 'scores in f16',
    what: 'Scores are rounded to f16.',
    examples: ['causal', 'hard_max'],
    code: swap(/(c\d\[j\]) = (c\d0);/, '$1 = Math.f16round($2);'),
  },
  {
    name: 'queries in f16',
    what: 'Queries lose bits when they are loaded.',
    examples: ['softmax', 'alibi'],
    code: swap(/(q_i\[d\]) = ([^;]+);/, '$1 = Math.f16round($2);'),
  },
  {
    name: 'result stored in f16',
    what: 'A result is rounded to f16 before it is stored.',
    examples: ['softmax', 'stick_breaking'],
    code: swap(/(\bout\[iRow\d* \+ e\]) = ([^;]+);/, '$1 = Math.f16round($2);'),
  },
  {
    name: 'log-sum-exp stored in f16',
    what: 'A statistic of rows is rounded to f16 before it is stored.',
    examples: ['entropy'],
    code: swap(/(\blse\[[^\]]+\]) = ([^;]+);/, '$1 = Math.f16round($2);'),
  },
]

const functions: readonly Fault[] = [
  {
    name: 'exponential of degree 4',
    what: 'The exponential is a Taylor polynomial of degree 4 after reduction.',
    examples: ['softmax', 'sinkformer'],
    code: exponential(`${reduced}  return 2 ** n * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r / 24))));`),
  },
  {
    name: 'exponential of degree 6',
    what: 'The exponential is a Taylor polynomial of degree 6 after reduction.',
    examples: ['softmax', 'entropy'],
    code: exponential(
      `${reduced}  return 2 ** n * (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r / 720))))));`,
    ),
  },
  {
    name: 'exponential of f32',
    what: 'The argument of the exponential is rounded to f32.',
    examples: ['causal', 'gated_output'],
    code: exponential('  return Math.exp(Math.fround(x));'),
  },
  {
    name: 'exponential cut off at -20',
    what: 'The exponential of what lies below -20 is 0.',
    examples: ['softmax', 'causal', 'temperature_mixture'],
    code: exponential('  return x < -20 ? 0 : Math.exp(x);'),
  },
  {
    name: 'exponential poor below -10',
    what: 'The exponential of large negative arguments is off by up to 1e-5 of itself.',
    examples: ['softmax', 'documents'],
    code: exponential('  return x < -10 ? Math.exp(x) * (1 + 1e-5 * Math.sin(x)) : Math.exp(x);'),
  },
  {
    name: 'one entry of the table of exponentials',
    what: 'Of 2048 powers of two in a table one is off by 1e-6 of itself.',
    examples: ['softmax', 'entropy'],
    code: swap(
      'const powersOfTwo = makePowers();',
      'const powersOfTwo = makePowers();\npowersOfTwo[1010] *= 1 + 1e-6;',
    ),
  },
  {
    name: 'rounding of octaves',
    what: 'The exponential is reduced by truncation instead of rounding, beyond where its polynomial is good.',
    examples: ['softmax', 'alibi'],
    code: swap('Math.floor(octaves + 0.5)', 'Math.trunc(octaves)'),
  },
  {
    name: 'softplus without its tail',
    what: 'log(1 + exp x) is computed as written, and is infinite for large x.',
    examples: ['stick_breaking'],
    code: replaceFunction('softplus', '  return Math.log(1 + Math.exp(x));'),
  },
]

const tails: readonly Fault[] = [
  {
    name: 'tile of keys not cut at the end',
    what: 'The last tile reads keys beyond the last.',
    examples: ['softmax', 'sigmoid'],
    code: swap(/const jCount = Math\.min\((\d+), [^;]+;/, 'const jCount = $1;'),
  },
  {
    name: 'tiles of keys overlap',
    what: 'The last key of each tile is the first of the next, too.',
    examples: ['softmax', 'relu_over_length'],
    code: (text) => text.replace(/j0 \+= (\d+)\)/g, (all, n) => (Number(n) > 1 ? `j0 += ${Number(n) - 1})` : all)),
  },
  {
    name: 'a loop of three without its rest',
    what: 'Of the rows of a tile, those after the last three are not multiplied.',
    examples: ['softmax', 'causal'],
    code: swap('i < rows; i += 3', 'i + 3 <= rows; i += 3'),
  },
  {
    name: 'a loop of two without its rest',
    what: 'The last of an odd number of keys has the score of another.',
    examples: ['softmax', 'sigmoid'],
    code: swap('j < high; j += 2', 'j + 2 <= high; j += 2'),
  },
  {
    name: 'keys beyond a multiple of four lost',
    what: 'What a loop of four steps leaves is not added to the vector.',
    examples: ['softmax', 'z_score'],
    code: swap(/for \(; k < high; k\+\+\)/, 'for (; k < 0; k++)'),
  },
  {
    name: 'first feature not rescaled',
    what: 'The loop that rescales the vector begins at the second feature.',
    examples: ['causal', 'stick_breaking'],
    code: swap(/(for \(let e = )0(; e < \d+; e\+\+\)\s+acc\d*_i\[e\] \*= )/, '$11$2'),
  },
  {
    name: 'walk ended by an empty tile',
    what: 'The first tile that a row tile sees nothing of ends its walk.',
    examples: ['block_causal_document', 'long_net', 'big_bird'],
    code: (text) => text.replace(/(if \(empty\d*\)\s+)continue;/g, '$1break;'),
  },
]

const leftovers: readonly Fault[] = [
  {
    name: 'vector of the tile before',
    what: 'The accumulated vector is not cleared for another tile of queries.',
    examples: ['sigmoid', 'causal', 'linear_elu'],
    code: swap(/fillTile\(acc\d*, 0\);/, ''),
  },
  {
    name: 'sum of the tile before',
    what: 'Sums of rows are not cleared for another tile of queries.',
    examples: ['relu_former', 'z_score', 'linear_elu'],
    code: swap(/total\d*\.fill\(0\);/, ''),
  },
  {
    name: 'maximum of the tile before',
    what: 'The running maximum is not reset for another tile of queries.',
    examples: ['softmax', 'hard_max'],
    code: swap(/row_(max|largest)\d*\.fill\([^;]+;/, ''),
  },
  {
    name: 'weights of the tile before',
    what: 'Weights of masked pairs are those that stood there before.',
    examples: ['causal', 'sliding_window'],
    code: swap(/(\w+_admitted_i\[j\]) = 0;/, ''),
  },
  {
    name: 'rows that saw something before',
    what: 'Whether a row sees a key is not reset for another tile of queries.',
    examples: ['causal', 'documents', 'entropy'],
    code: swap(/any\d*\.fill\(0\);/, ''),
  },
  {
    name: 'vector of the call before',
    what: 'A buffer lives from call to call and is not cleared.',
    examples: ['sigmoid', 'fourier'],
    code: (text) => {
      const [made = '', name = ''] = /const (acc\d*) = makeTile\([^)]*\);/.exec(text) ?? []
      return `${text.replace(made, '').replace(new RegExp(`fillTile\\(${name}, 0\\);`), '')}\n${made}`
    },
  },
]

const places: readonly Fault[] = [
  {
    name: 'strides of keys from the number of queries',
    what: 'A head of keys is taken to be as long as a head of queries.',
    examples: ['softmax', 'prefix_lm'],
    code: swap(/(const hRow\d* = [^;]*\* )jSize/, '$1iSize'),
  },
  {
    name: 'batch as long as one head',
    what: 'The stride of the batch is one head.',
    examples: ['softmax', 'ocr'],
    code: swap(/const bRow\d* = b \* \w+;/, 'const bRow = b;'),
  },
  {
    name: 'sum of the first row',
    what: 'Rows are divided by the sum of the first row of their tile.',
    examples: ['softmax', 'documents'],
    code: swap(/\/ total(\d*)\[i\]/, '/ total$1[0]'),
  },
  {
    name: 'factor of the row before',
    what: 'The vector is rescaled by the factor that the row before had.',
    examples: ['softmax', 'causal'],
    code: (text) =>
      text
        .replace(/acc_i\[e\] \*= factor;/g, 'acc_i[e] *= lastFactor;')
        .replace(/(const factor = )/g, 'const lastFactor = globalThis.lastFactor ?? 1;\n$1globalThis.lastFactor = '),
  },
  {
    name: 'NaN of a masked value',
    what: 'Values of masked keys are multiplied by 0, whatever they are.',
    examples: ['causal', 'learned_sink'],
    code: replaceFunction('allFinite', '  return true;'),
  },
  {
    name: 'i32 that wraps at 16 bits',
    what: 'Indices of keys are kept in 16 bits, with a sign.',
    examples: ['softmax'],
    code: swap(/\* jSize;/, '* jSize << 30 >> 30;'),
  },
]

export const codeFaults: readonly Fault[] = [...precision, ...functions, ...tails, ...leftovers, ...places]
