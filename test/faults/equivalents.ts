/** Changes that no result shows. Why is written beside them; that verify finds nothing is then a test of verify, not of the change. */
import { kernelCall, kernelConst } from '../../compiler/kernel.ts'
import { editExprs, editKind, editTileLoops, isCall } from './edit.ts'
import type { Fault } from './fault.ts'

export interface Equivalent extends Fault {
  readonly because: string
}

const never = kernelConst(false, 'bool')

export const equivalents: readonly Equivalent[] = [
  {
    name: 'sum from 1',
    what: 'The denominator starts at 1.',
    because:
      'While the reference is -inf, the factor is 0 by choice, not by an exponential: what the sum starts with is multiplied by 0 before any key counts, and a row without a key is not divided.',
    examples: ['softmax', 'documents'],
    kernel: (program) =>
      editKind(program, 'loop', (s) => ({
        ...s,
        carried: s.carried.map((c) => (/^total\d*$/.test(c.value.name) ? { ...c, initial: kernelConst(1, 'f32') } : c)),
      })),
  },
  {
    name: 'reference rounded to f32',
    what: 'The running maximum is rounded to f32.',
    because:
      'Any number near the scores will do as their reference, if it is the same wherever it is used: sums are relative to it, and their quotient does not depend on it.',
    examples: ['softmax', 'causal'],
    code: (text) => text.replace(/const new_max = (Math\.max\([^;]+);/g, 'const new_max = Math.fround($1);'),
  },
  {
    name: 'no tile is left out',
    what: 'Tiles without an admitted pair are computed.',
    because: 'Each pair of them is asked whether it is admitted, and is not.',
    examples: ['causal', 'learned_sink', 'long_net'],
    kernel: (program) => editKind(program, 'map', (s) => (/^empty\d*$/.test(s.to.name) ? { ...s, expr: never } : s)),
  },
  {
    name: 'no tile is full',
    what: 'Tiles of admitted pairs are computed as others are.',
    because: 'Each pair of them is asked whether it is admitted, and is.',
    examples: ['causal', 'documents'],
    kernel: (program) => editKind(program, 'map', (s) => (/^full\d*$/.test(s.to.name) ? { ...s, expr: never } : s)),
  },
  {
    name: 'walk from the end',
    what: 'Tiles of keys pass by from the last to the first.',
    because: 'Without running sums a state is a sum and a maximum, and these have no order but for rounding in f64.',
    examples: ['softmax', 'grouped_query', 'sigmoid'],
    kernel: (program) => editTileLoops(program, () => ({ direction: 'down' })),
  },
  {
    name: 'shorter tiles',
    what: 'Keys pass by in tiles of 5.',
    because: 'A tile is how much is done at once; sums are the same but for rounding in f64.',
    examples: ['softmax', 'clipped_softmax'],
    kernel: (program) => editTileLoops(program, ({ tile }) => ({ tile: Math.min(tile, 5) })),
  },
  {
    name: 'unordered parts in another order',
    what: 'Parts are taken together from the last.',
    because: 'States without running sums are merged by sums and maxima, which have no order but for rounding in f64.',
    examples: ['softmax', 'entropy'],
    splits: 3,
    kernel: (program) =>
      editKind(program, 'loop', (s) =>
        s.over.kind === 'members' ? { ...s, over: { ...s.over, direction: 'down' } } : s,
      ),
  },
  {
    name: 'rescaled by 1',
    what: 'The vector is multiplied by a factor of 1, too.',
    because: 'x * 1 is x.',
    examples: ['softmax', 'stick_breaking'],
    code: (text) => text.replace(/if \(factor\d* !== 1\)/g, ''),
  },
  {
    name: 'zero for clamped',
    what: 'What lies beyond the ends is 0 instead of the value at the end.',
    because: 'The source clamps the distance itself, so that no index lies beyond.',
    examples: ['relative_distance', 't5'],
    kernel: (program) => editKind(program, 'load', (s) => (s.outside === 'clamp' ? { ...s, outside: 'zero' } : s)),
  },
  {
    name: 'magnitude of a power',
    what: 'Powers are those of the magnitude of their base.',
    because: 'The bases are 1 - 2 ^ (-5 - h) and 10000, and positive.',
    examples: ['retention'],
    kernel: (program) =>
      editExprs(program, (e) => (isCall(e, 'pow') ? kernelCall('pow', kernelCall('abs', e.args[0]!), e.args[1]!) : e)),
  },
  {
    name: 'softplus of small numbers',
    what: 'log(1 + exp x) is computed as written, and is infinite for large x.',
    because:
      'Its argument is a cosine times log(d) log(n), some tens at most here; below, 1 + exp x rounds at 1e-16 of 1, and the sum it is divided by has a term of that size or larger.',
    examples: ['softplus_attention'],
    code: (text) =>
      text.replace(/(function softplus\(x\) \{)[\s\S]*?\n\}/, '$1\n  return Math.log(1 + Math.exp(x));\n}'),
  },
  {
    name: 'largest score of the tile before',
    what: 'The largest score of a row is not reset for another tile of queries.',
    because:
      'Scores are divided by it, and their powers by each other, so that it cancels while 16th powers of the quotients are normal numbers of f64: the probes’ scores in a batch are within a factor of 1e19.',
    examples: ['power'],
    code: (text) => text.replace(/row_largest\d*\.fill\([^;]+;/g, ''),
  },
]
