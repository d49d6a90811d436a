/** Faults of tile programs: masks and their classes, tails, states and their first values, reads at the wrong place. */
import {
  type KernelExpr,
  kernelCall,
  kernelConst,
  indexRef as place,
  type Statement,
  sizeRef,
} from '../../compiler/kernel.ts'
import {
  editExprs,
  editKernels,
  editKind,
  editNext,
  editStatements,
  editTileLoops,
  isCall,
  rewriteKernel,
} from './edit.ts'
import type { Fault } from './fault.ts'

const int = (n: number): KernelExpr => kernelConst(n, 'i32')
const float = (x: number): KernelExpr => kernelConst(x, 'f32')
const plus = (e: KernelExpr, n: number): KernelExpr => kernelCall('add', e, int(n))
const when = (condition: KernelExpr, yes: KernelExpr, no: KernelExpr): KernelExpr =>
  kernelCall('select', condition, yes, no)
const is = (e: KernelExpr, n: KernelExpr): KernelExpr => kernelCall('eq', e, n)
const isNamed =
  (...bases: readonly string[]) =>
  (name: string): boolean =>
    bases.some((base) => new RegExp(`^${base}\\d*$`).test(name))

/** Conditions of folds over pairs, dropped. */
const withoutWhere = (s: Statement): Statement => ('where' in s ? { ...s, where: undefined } : s)

const masks: readonly Fault[] = [
  {
    name: 'every tile is full',
    what: 'Tiles that the mask cuts are taken for full ones.',
    examples: ['causal', 'learned_sink', 'documents', 'big_bird'],
    kernel: (program) =>
      editKind(program, 'map', (s) => (isNamed('full')(s.to.name) ? { ...s, expr: kernelConst(true, 'bool') } : s)),
  },
  {
    name: 'full by the first key',
    what: 'A tile is taken for full if its first key is admitted to all queries.',
    examples: ['causal', 'retention'],
    kernel: (program) =>
      editKind(program, 'map', (s) =>
        isNamed('full')(s.to.name)
          ? {
              ...s,
              expr: rewriteKernel(s.expr, (e) =>
                e.kind === 'index' && e.axis === 'j' && e.of === 'last' ? { ...e, of: 'first' } : e,
              ),
            }
          : s,
      ),
  },
  {
    name: 'full one key too far',
    what: 'A tile is taken for full though its last key is one beyond.',
    examples: ['causal', 'stick_breaking'],
    kernel: (program) =>
      editKind(program, 'map', (s) =>
        isNamed('full')(s.to.name)
          ? {
              ...s,
              expr: rewriteKernel(s.expr, (e) =>
                e.kind === 'index' && e.axis === 'j' && e.of === 'last' ? plus(e, -1) : e,
              ),
            }
          : s,
      ),
  },
  {
    name: 'empty by the last query',
    what: 'A tile is left out as soon as one of its queries sees nothing of it.',
    examples: ['causal', 'retention'],
    kernel: (program) =>
      editKind(program, 'map', (s) =>
        isNamed('empty')(s.to.name)
          ? { ...s, expr: rewriteKernel(s.expr, (e) => (e.kind === 'value' ? int(0) : e)) }
          : s,
      ),
  },
  {
    name: 'tile left out that is not empty',
    what: 'The last tile of keys is taken for empty.',
    examples: ['causal', 'sliding_window', 'long_net'],
    kernel: (program) =>
      editKind(program, 'map', (s) =>
        isNamed('empty')(s.to.name)
          ? { ...s, expr: kernelCall('or', s.expr, kernelCall('le', plus(sizeRef('j'), -1), place('j', 'last'))) }
          : s,
      ),
  },
  {
    name: 'masked weights in the vector',
    what: 'The product of weights and values takes masked pairs in.',
    examples: ['causal', 'documents', 'prefix_lm', 'sparse_strided'],
    kernel: (program) => editKind(program, 'contract', (s) => withoutWhere(s)),
  },
  {
    name: 'masked weights in the sum',
    what: 'The denominator takes masked pairs in.',
    examples: ['causal', 'global_sliding_window', 'look_here'],
    kernel: (program) => editKind(program, 'reduce', (s) => (s.op === 'sum' ? withoutWhere(s) : s)),
  },
  {
    name: 'maximum over masked keys',
    what: 'The reference is the maximum of all keys of a tile, masked ones included.',
    examples: ['causal', 'documents'],
    kernel: (program) => editKind(program, 'reduce', (s) => (s.op === 'max' ? withoutWhere(s) : s)),
  },
  {
    name: 'masked keys counted',
    what: 'The number of keys of a row includes masked ones.',
    examples: ['z_score', 'hard_max'],
    kernel: (program) => editKind(program, 'reduce', (s) => (s.op === 'count' ? withoutWhere(s) : s)),
  },
  {
    name: 'every row sees something',
    what: 'Rows without an admitted key are taken for rows with one.',
    examples: ['causal', 'entropy'],
    kernel: (program) => editKind(program, 'reduce', (s) => (s.op === 'any' ? withoutWhere(s) : s)),
  },
  {
    name: 'masked places as zeros',
    what: 'Weights of masked pairs are set to 0 and multiplied, so that a NaN there reaches the row.',
    examples: ['causal', 'sliding_window'],
    kernel: (program) =>
      editStatements(program, (s) => {
        if (s.kind !== 'contract' || s.where === undefined) return s
        const axes = [
          { axis: 'i', extent: 'tile' },
          { axis: 'j', extent: 'tile' },
        ] as const
        const to = { name: `${s.to.name}_masked`, type: 'f32', axes } as const
        const weight = { kind: 'value', type: 'f32', name: s.left } as const
        const admitted = { kind: 'value', type: 'bool', name: s.where } as const
        return [
          { kind: 'map', to, expr: when(admitted, weight, float(0)) },
          { ...s, left: to.name, where: undefined },
        ]
      }),
  },
  {
    name: 'window one key longer',
    what: 'The walk and the mask of a window begin one key early.',
    examples: ['sliding_window', 'learned_sink'],
    kernel: (program) => editExprs(program, (e) => (e.kind === 'param' && e.name === 'window' ? plus(e, 1) : e)),
  },
]

const tails: readonly Fault[] = [
  {
    name: 'last key lost',
    what: 'The walk ends one key early.',
    examples: ['softmax', 'causal', 'sigmoid', 'z_score'],
    kernel: (program) =>
      editTileLoops(program, ({ axis, to }) =>
        axis === 'j' ? { to: plus(to ? kernelCall('min', to, sizeRef('j')) : sizeRef('j'), -1) } : {},
      ),
  },
  {
    name: 'first key lost',
    what: 'The walk begins at the second key.',
    examples: ['softmax', 'causal', 'clipped_softmax'],
    kernel: (program) =>
      editTileLoops(program, ({ axis, from }) =>
        axis === 'j' ? { from: from ? kernelCall('max', from, int(1)) : int(1) } : {},
      ),
  },
  {
    name: 'ragged tile lost',
    what: 'Keys beyond the last whole tile are left out.',
    examples: ['softmax', 'rope', 'sigmoid'],
    kernel: (program) =>
      editTileLoops(program, ({ axis, tile }) =>
        axis === 'j' ? { to: kernelCall('mul', kernelCall('idiv', sizeRef('j'), int(tile)), int(tile)) } : {},
      ),
  },
  {
    name: 'first tile twice in the sum',
    what: 'The first tile of keys is counted twice in the denominator.',
    examples: ['softmax', 'off_by_one', 'softmax_of_softmax'],
    kernel: (program) =>
      editKind(program, 'reduce', (s) =>
        s.op === 'sum' && s.over === 'j'
          ? { ...s, of: when(is(place('j', 'first'), int(0)), kernelCall('mul', s.of, float(2)), s.of) }
          : s,
      ),
  },
  {
    name: 'last query lost',
    what: 'The last query gets the result of the one before.',
    examples: ['softmax', 'stick_breaking'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.index.i
          ? {
              ...s,
              index: { ...s.index, i: kernelCall('max', int(0), kernelCall('min', s.index.i, plus(sizeRef('i'), -2))) },
            }
          : s,
      ),
  },
  {
    name: 'last row not stored',
    what: 'The last row of a result is stored as 0.',
    examples: ['sigmoid', 'dual_softmax'],
    kernel: (program) =>
      editKind(program, 'store', (s) => {
        const axis = s.index.i ? 'i' : 'j'
        const isLast = is(place(axis), plus(sizeRef(axis), -1))
        return s.buffer === 'out' ? { ...s, value: when(isLast, float(0), s.value) } : s
      }),
  },
  {
    name: 'last feature lost',
    what: 'The scores leave out the last feature of the keys.',
    examples: ['softmax', 'gaussian_kernel', 'latent'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.to.name === 'k' || s.to.name === 'latent_kv'
          ? {
              ...s,
              index: {
                ...s.index,
                d: kernelCall(
                  'max',
                  int(0),
                  kernelCall('min', s.index.d ?? place('d'), int((program.sizes.d ?? 1) - 2)),
                ),
              },
            }
          : s,
      ),
  },
]

const states: readonly Fault[] = [
  {
    name: 'reference never moved',
    what: 'The reference stays at the first tile’s maximum, so that later exponentials overflow.',
    examples: ['softmax', 'causal'],
    kernel: (program) =>
      editKind(program, 'map', (s, { loops }) => {
        const loop = loops.at(-1)
        const held = loop?.carried.find(({ next }) => next === s.to.name)
        if (!held || !isNamed('row_max')(held.value.name)) return s
        const old = { kind: 'value', type: 'f32', name: held.value.name } as const
        return { ...s, expr: when(is(old, float(-Infinity)), s.expr, old) }
      }),
  },
  {
    name: 'reference of the newest tile',
    what: 'The reference is the maximum of the newest tile and not of all so far.',
    examples: ['softmax', 'entropy'],
    kernel: (program) =>
      editKind(program, 'map', (s) =>
        isNamed('new_max')(s.to.name) && s.expr.kind === 'call' ? { ...s, expr: s.expr.args[1]! } : s,
      ),
  },
  {
    name: 'maximum from 0',
    what: 'The running maximum starts at 0 instead of -inf.',
    examples: ['softmax', 'hard_max'],
    kernel: (program) =>
      editKind(program, 'loop', (s) => ({
        ...s,
        carried: s.carried.map((c) => (isNamed('row_max', 'max')(c.value.name) ? { ...c, initial: float(0) } : c)),
      })),
  },
  {
    name: 'first rescale of nothing',
    what: 'An empty state is rescaled by an exponential that overflows where all scores are far below 0.',
    examples: ['softmax', 'causal'],
    kernel: (program) =>
      editExprs(program, (e, s) =>
        s.kind === 'map' && isNamed('factor')(s.to.name) && isCall(e, 'select') && isCall(e.args[0]!, 'eq')
          ? e.args[2]!
          : e,
      ),
  },
  {
    name: 'infinite reference subtracted',
    what: 'A reference of -inf is subtracted from scores of -inf.',
    examples: ['softmax', 'causal'],
    kernel: (program) =>
      editExprs(program, (e) =>
        isCall(e, 'select') && isCall(e.args[0]!, 'lt') && isCall(e.args[0].args[0]!, 'abs') ? e.args[1]! : e,
      ),
  },
  {
    name: 'state of earlier tiles lost',
    what: 'The accumulated vector is that of the last tile.',
    examples: ['softmax', 'sigmoid', 'linear_elu'],
    kernel: (program) =>
      editKind(program, 'map', (s, { loops }) => {
        const held = loops.at(-1)?.carried.find(({ next, value }) => next === s.to.name && isNamed('acc')(value.name))
        return held && isCall(s.expr, 'add') ? { ...s, expr: s.expr.args[1]! } : s
      }),
  },
  {
    name: 'newest tile in the sum only',
    what: 'The vector of the last tile is not added.',
    examples: ['softmax', 'relu_over_length'],
    kernel: (program) =>
      editNext(program, isNamed('acc'), (next, old) =>
        when(kernelCall('lt', place('j', 'last'), plus(sizeRef('j'), -1)), next, old),
      ),
  },
  {
    name: 'sum over all parts of a row',
    what: 'A walk from the end runs from the start, its running sums as before.',
    examples: ['stick_breaking'],
    kernel: (program) => editTileLoops(program, ({ direction }) => ({ direction: direction === 'up' ? 'down' : 'up' })),
  },
  {
    name: 'running sum within a tile turned round',
    what: 'Within a tile the running sum comes from the other end.',
    examples: ['stick_breaking'],
    kernel: (program) =>
      editKind(program, 'prefix', (s) => ({ ...s, direction: s.direction === 'up' ? 'down' : 'up' })),
  },
  {
    name: 'running sum of masked keys',
    what: 'A running sum adds masked keys.',
    examples: ['stick_breaking'],
    kernel: (program) => editKind(program, 'prefix', (s) => withoutWhere(s)),
  },
  {
    name: 'running sum of a tile only',
    what: 'A running sum starts anew in each tile.',
    examples: ['stick_breaking'],
    kernel: (program) => editNext(program, isNamed('row_sum'), () => float(0)),
  },
]

const numbers: readonly Fault[] = [
  {
    name: 'scale applied twice',
    what: 'Scores are divided by the root of the width twice.',
    examples: ['softmax', 'entropy'],
    kernel: (program) => editExprs(program, (e) => (isScaling(e) ? kernelCall('div', e, e.args[1]!) : e)),
  },
  {
    name: 'scale lost',
    what: 'Scores are not divided by the root of the width.',
    examples: ['causal', 'temperature_mixture'],
    kernel: (program) => editExprs(program, (e) => (isScaling(e) ? e.args[0]! : e)),
  },
  {
    name: 'scores of one pass off by 1e-4',
    what: 'In the second pass over the keys, scores are larger by 1e-4 of themselves.',
    examples: ['clipped_softmax', 'softmax_of_softmax', 'sparse_max', 'softplus_reweighted'],
    kernel: (program) =>
      editKernels(program, (kernel) => {
        const loops = kernel.body.filter((s) => s.kind === 'loop')
        const scaled = editKind({ ...program, steps: [{ ...kernel, body: loops.slice(1) }] }, 'contract', (s) => {
          if (s.over !== 'd') return s
          const raw = { ...s.to, name: `${s.to.name}_raw` }
          const expr = kernelCall('mul', { kind: 'value', type: 'f32', name: raw.name }, float(1.0001))
          return [
            { ...s, to: raw },
            { kind: 'map', to: s.to, expr },
          ]
        })
        const [changed] = scaled.steps
        const later = changed?.kind === 'kernel' ? [...changed.body] : []
        const first = kernel.body.indexOf(loops[0]!)
        return { ...kernel, body: kernel.body.map((s, n) => (s.kind === 'loop' && n > first ? later.shift()! : s)) }
      }),
  },
  {
    name: 'one pair of a tile without weight',
    what: 'The last key has no weight for the last query of a tile.',
    examples: ['softmax', 'sigmoid'],
    kernel: (program) =>
      editKind(program, 'map', (s) => {
        const isWeight = isNamed('weight', 't')(s.to.name) && s.to.axes.length === 2 && s.to.type === 'f32'
        const atCorner = kernelCall('and', is(place('i'), place('i', 'last')), is(place('j'), place('j', 'last')))
        return isWeight ? { ...s, expr: when(atCorner, float(0), s.expr) } : s
      }),
  },
  {
    name: 'one pair off by 1e-5',
    what: 'The weight of key 3 for query 8 is larger by 1e-5 of itself.',
    examples: ['softmax', 'alibi', 'z_score'],
    kernel: (program) =>
      editKind(program, 'map', (s) => {
        const isWeight = isNamed('weight', 't')(s.to.name) && s.to.axes.length === 2 && s.to.type === 'f32'
        const atPair = kernelCall('and', is(place('i'), int(8)), is(place('j'), int(3)))
        return isWeight ? { ...s, expr: when(atPair, kernelCall('mul', s.expr, float(1.00001)), s.expr) } : s
      }),
  },
  {
    name: 'one element off by 1e-6',
    what: 'The last feature of the first row is larger by 1e-6 of itself.',
    examples: ['softmax', 'z_score', 'sinkformer'],
    kernel: (program) =>
      editKind(program, 'store', (s) => {
        if (s.buffer !== 'out') return s
        const at = kernelCall('and', is(place('i'), int(0)), is(place('e'), int((program.sizes.e ?? 1) - 1)))
        return { ...s, value: when(at, kernelCall('mul', s.value, float(1.000001)), s.value) }
      }),
  },
  {
    name: 'sigmoid by tanh',
    what: 'The sigmoid is 0.5 + 0.5 tanh(x / 2), which has no digits left where it is small.',
    examples: ['sigmoid', 'sigmoid_alibi', 'falling'],
    kernel: (program) =>
      editExprs(program, (e) =>
        isCall(e, 'sigmoid')
          ? kernelCall(
              'add',
              float(0.5),
              kernelCall('mul', float(0.5), kernelCall('tanh', kernelCall('div', e.args[0]!, float(2)))),
            )
          : e,
      ),
  },
  {
    name: 'small constant lost in a pass',
    what: 'What keeps a divisor from 0 is left out where an element is computed.',
    examples: ['power_softmax'],
    kernel: (program) =>
      editExprs(program, (e) =>
        e.kind === 'const' && typeof e.value === 'number' && e.value > 0 && e.value < 0.01 ? float(0) : e,
      ),
  },
  {
    name: 'odd power taken for even',
    what: 'The sign of a negative base is lost.',
    examples: ['shifted'],
    kernel: (program) =>
      editExprs(program, (e) => (isCall(e, 'pow') ? kernelCall('pow', kernelCall('abs', e.args[0]!), e.args[1]!) : e)),
  },
]

/** A division by the root of the width, which is a constant in the program. */
function isScaling(e: KernelExpr): e is Extract<KernelExpr, { kind: 'call' }> {
  const [left, right] = isCall(e, 'div') ? e.args : []
  return left?.kind === 'value' && /^dot/.test(left.name) && right !== undefined
}

const reads: readonly Fault[] = [
  {
    name: 'heads dealt out in turn',
    what: 'Head h reads key head h % size(g) instead of h div (size(h) / size(g)).',
    examples: ['grouped_query', 'diff_qkv'],
    kernel: (program) =>
      editKind(program, 'load', (s) => {
        const group = ['g', 'f'].find((axis) => s.index[axis] && s.index[axis]?.kind !== 'index')
        return group ? { ...s, index: { ...s.index, [group]: kernelCall('mod', place('h'), sizeRef(group)) } } : s
      }),
  },
  {
    name: 'first head for all',
    what: 'All heads read the values of the first.',
    examples: ['softmax', 'grouped_query'],
    kernel: (program) =>
      editKind(program, 'load', (s) => {
        const axis = 'g' in s.index ? 'g' : 'h'
        return s.buffer === 'v' ? { ...s, index: { ...s.index, [axis]: int(0) } } : s
      }),
  },
  {
    name: 'first text of the batch for all',
    what: 'All elements of the batch read the keys of the first.',
    examples: ['softmax', 'qk_norm'],
    kernel: (program) =>
      editKind(program, 'load', (s) => (s.buffer === 'k' ? { ...s, index: { ...s.index, b: int(0) } } : s)),
  },
  {
    name: 'page table ignored',
    what: 'Page m is read where the table names another.',
    examples: ['paged_cache'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.index.p
          ? {
              ...s,
              index: {
                ...s.index,
                p: kernelCall('min', kernelCall('idiv', place('j'), sizeRef('t')), plus(sizeRef('p'), -1)),
              },
            }
          : s,
      ),
  },
  {
    name: 'slots of a page in reverse',
    what: 'The slots of a page are read from its end.',
    examples: ['paged_cache'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.buffer === 'v' && s.index.t
          ? { ...s, index: { ...s.index, t: kernelCall('sub', plus(sizeRef('t'), -1), s.index.t) } }
          : s,
      ),
  },
  {
    name: 'clamped for zero',
    what: 'What lies beyond the ends is the value at the end instead of 0.',
    examples: ['convolved'],
    kernel: (program) => editKind(program, 'load', (s) => (s.outside === 'zero' ? { ...s, outside: 'clamp' } : s)),
  },
  {
    name: 'zero for clamped',
    what: 'What lies beyond the ends is 0 instead of the value at the end.',
    examples: ['shifted'],
    kernel: (program) => editKind(program, 'load', (s) => (s.outside === 'clamp' ? { ...s, outside: 'zero' } : s)),
  },
  {
    name: 'keys read one place further',
    what: 'Key j is read at j + 1.',
    examples: ['softmax', 'fourier'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.buffer === 'k' && s.index.j ? { ...s, outside: 'clamp', index: { ...s.index, j: plus(s.index.j, 1) } } : s,
      ),
  },
  {
    name: 'one key read from its neighbour',
    what: 'The last key of the second tile is read at the place before.',
    examples: ['softmax', 'softplus_attention'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.buffer === 'k' && s.index.j
          ? { ...s, index: { ...s.index, j: when(is(place('j'), int(15)), int(14), place('j')) } }
          : s,
      ),
  },
  {
    name: 'query instead of key',
    what: 'A value of the key is read at the place of the query.',
    examples: ['selective'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        s.to.axes.length === 1 && s.to.axes[0]?.axis === 'j' && s.index.j
          ? {
              ...s,
              outside: 'clamp',
              to: { ...s.to, axes: [{ axis: 'i', extent: 'tile' }] },
              index: { ...s.index, j: place('i') },
            }
          : s,
      ),
  },
  {
    name: 'parameter of another head',
    what: 'A value of head h is read at head h + 1.',
    examples: ['learned_sink', 'z_score'],
    kernel: (program) =>
      editKind(program, 'load', (s) =>
        Object.keys(s.index).join() === 'h'
          ? { ...s, index: { h: kernelCall('mod', plus(place('h'), 1), sizeRef('h')) } }
          : s,
      ),
  },
  {
    name: 'mixing matrix transposed',
    what: 'Heads are mixed by the transposed matrix.',
    examples: ['talking_heads'],
    kernel: (program) =>
      editKind(program, 'load', (s) => {
        const [first, second, ...rest] = Object.keys(s.index)
        return first && second && rest.length === 0 && [first, second].includes('h')
          ? { ...s, index: { [first]: s.index[second]!, [second]: s.index[first]! } }
          : s
      }),
  },
]

export const kernelFaults: readonly Fault[] = [...masks, ...tails, ...states, ...numbers, ...reads]
