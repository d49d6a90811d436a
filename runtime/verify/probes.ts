/**
 * Inputs that show what random ones hide (planner, "Probes"): references that move, heavy keys at tile edges, peaks, ties, shifts,
 * infinities and NaN. Each changes drawn inputs; which of them are queries, keys and values is read from their axes (`roles.ts`).
 */
import type { Attention, InputDecl } from '../../compiler/attention.ts'
import type { Sizes } from '../../compiler/interpret.ts'
import { boundsOf, randomNumbers, type Stream } from '../draw.ts'
import type { Inputs, Scalars } from '../runners.ts'
import { recordOf, roundTo, type Tensor } from '../tensor.ts'
import { isKey, isQuery, isValue, keyAxis, type Role } from './roles.ts'

export interface ProbeContext {
  readonly attention: Attention
  readonly sizes: Sizes
  readonly params: Scalars
  readonly tile: number // of keys
  readonly inputs: Inputs
}

export interface Probe {
  readonly name: string
  readonly isolation?: true // of rows that admit what is not finite only that they are not finite either is asked for
  /** Of a value that is not finite: the same with x in its place. A row that gives it a weight of exactly 0 may do without it. */
  readonly instead?: (context: ProbeContext, x: number) => Inputs | undefined
  /** The changed inputs, or undefined where the attention has nothing that the probe is about. */
  apply(context: ProbeContext): Inputs | undefined
}

type Index = Readonly<Record<string, number>>
type Change = (index: Index, x: number, stream: Stream) => number

/** `inputs` with every element of those that `which` picks passed through `change`. */
function alter(
  { attention, inputs, sizes }: ProbeContext,
  which: Role,
  change: (input: InputDecl) => Change,
): Inputs | undefined {
  const changed = attention.inputs.flatMap((input) => {
    const tensor = inputs[input.name]
    return tensor && which(input, attention)
      ? [[input.name, alterTensor(tensor, input, sizes, change(input))] as const]
      : []
  })
  return changed.length > 0 ? recordOf([...Object.entries(inputs), ...changed]) : undefined
}

function alterTensor(tensor: Tensor, { name, axes }: InputDecl, sizes: Sizes, change: Change): Tensor {
  const out = tensor.data.slice()
  const stream = randomNumbers(0, `probe ${name}`)
  const place = Object.fromEntries(axes.map((axis) => [axis, 0]))
  for (let n = 0; n < out.length; n++) {
    out[n] = roundTo[tensor.storage](change(place, out[n]!, stream))
    for (let k = axes.length - 1; k >= 0; k--) {
      const axis = axes[k]!
      place[axis]! += 1
      if (place[axis]! < (sizes[axis] ?? 1)) break
      place[axis] = 0
    }
  }
  return { ...tensor, data: out }
}

/** Queries that read feature 0 with weight sqrt(d), keys whose feature 0 is the score that is wanted, the rest small noise. */
function scored(
  context: ProbeContext,
  score: (key: number, length: number, stream: Stream) => number,
): Inputs | undefined {
  const { d = 1 } = context.sizes
  const queries = alter(
    context,
    isQuery,
    () =>
      ({ d: feature }, x) =>
        feature === 0 ? Math.sqrt(d) : x * 0.1,
  )
  if (!queries) return undefined
  return alter({ ...context, inputs: queries }, isKey, (input) => (index, x, stream) => {
    const axis = keyAxis(input, context.attention)
    return index.d === 0 ? score(index[axis] ?? 0, context.sizes[axis] ?? 1, stream) : x * 0.1
  })
}

const isEdge = (key: number, length: number, tile: number): boolean =>
  key % tile === 0 || key % tile === tile - 1 || key === length - 1

/** Beyond what exponentials of f64 reach: a reference that does not follow shows as a sum that is infinite, or 0. */
const far = 1000

export const probes: readonly Probe[] = [
  {
    name: 'rising scores',
    apply: (c) => scored(c, (key, _length, next) => 0.8 * Math.floor(key / c.tile) + 0.1 * next.normal()),
  },
  { name: 'falling scores', apply: (c) => scored(c, (key, length) => (0.8 * (length - key)) / c.tile) },
  { name: 'heavy keys at tile edges', apply: heavyEdges },
  { name: 'peaked scores', apply: (c) => scored(c, (key, _length, next) => (key % 5 === 2 ? 30 : next.normal())) },
  {
    name: 'scores far apart',
    apply: (c) => scored(c, (key, _length, next) => far * (Math.floor(key / c.tile) % 2) + next.normal()),
  },
  {
    name: 'scores with peaks far above',
    apply: (c) => scored(c, (key, _length, next) => (key % 7 === 5 ? far : next.normal())),
  },
  {
    name: 'a first key apart',
    apply: (c) => scored(c, (key, _length, next) => (key === 0 ? 100 : 0.01 * next.normal())),
  },
  { name: 'tiny scores', apply: (c) => alter(c, isQuery, () => (_index, x) => x * 1e-9) },
  { name: 'huge scores', apply: (c) => alter(c, isQuery, () => (_index, x) => x * 1e4) },
  { name: 'peaks without a value', apply: emptyPeaks },
  { name: 'equal scores', apply: (c) => alter(c, isQuery, () => () => 0) },
  { name: 'ties', apply: (c) => scored(c, (key) => key % 2) && alter(c, isKey, (input) => tie(input, c)) },
  { name: 'scores shifted by 100', apply: (c) => scored(c, (_key, _length, next) => 100 + next.normal()) },
  { name: 'scores shifted by -100', apply: (c) => scored(c, (_key, _length, next) => -100 + next.normal()) },
  { name: 'scores shifted by 10000', apply: (c) => scored(c, (_key, _length, next) => 1e4 + next.normal()) },
  { name: 'scores shifted by -10000', apply: (c) => scored(c, (_key, _length, next) => -1e4 + next.normal()) },
  {
    name: 'scores of -inf',
    apply: (c) => scored(c, (key, _length, next) => (key < c.tile && key % 3 !== 1 ? -Infinity : next.normal())),
  },
  {
    name: 'a whole tile of -inf',
    apply: (c) => scored(c, (key, _length, next) => (key < c.tile ? -Infinity : next.normal())),
  },
  {
    name: 'a NaN key',
    isolation: true,
    apply: (c) => alter(c, isKey, (input) => plant(input, c, Number.NaN, 1)),
  },
  oneValue('a NaN value', Number.NaN, 2),
  oneValue('an infinite value', Infinity, 3),
  { name: 'large values', apply: (c) => alter(c, isValue, () => (_index, x) => x * 1000) },
  {
    name: 'nothing admitted',
    apply: (c) =>
      alter(
        c,
        ({ type }) => type === 'bool',
        () => () => 0,
      ),
  },
  {
    name: 'ends of ranges',
    apply: (c) =>
      alter(
        c,
        ({ range }) => range !== undefined,
        (input) => ends(input, c),
      ),
  },
]

function oneValue(name: string, what: number, salt: number): Probe {
  const instead = (c: ProbeContext, x: number) => alter(c, isValue, (input) => plant(input, c, x, salt))
  return { name, isolation: true, apply: (c) => instead(c, what), instead }
}

function heavyEdges(context: ProbeContext): Inputs | undefined {
  const { tile } = context
  const inputs = scored(context, (key, length, next) => (isEdge(key, length, tile) ? 2 : 0) + 0.1 * next.normal())
  return (
    inputs &&
    alter({ ...context, inputs }, isValue, (input) => {
      const axis = keyAxis(input, context.attention)
      return (index, x) => {
        const key = index[axis] ?? 0
        return isEdge(key, context.sizes[axis] ?? 1, tile) ? x + 10 + key : x
      }
    })
  )
}

/** All that a row gives comes from keys far below its peaks. */
function emptyPeaks(context: ProbeContext): Inputs | undefined {
  const isPeak = (key: number): boolean => key % 5 === 2
  const inputs = scored(context, (key, _length, next) => (isPeak(key) ? 30 : next.normal()))
  return (
    inputs &&
    alter({ ...context, inputs }, isValue, (input) => {
      const axis = keyAxis(input, context.attention)
      return (index, x) => (isPeak(index[axis] ?? 0) ? 0 : x)
    })
  )
}

/** Every second key is one and the same. */
const tie = (input: InputDecl, { attention, inputs }: ProbeContext): Change => {
  const first = new Map<number, number>()
  const same = inputs[input.name]
  const axis = keyAxis(input, attention)
  return (index, x) => {
    if (!same || (index[axis] ?? 0) % 2 === 1) return x
    const feature = index.d ?? 0
    if (!first.has(feature)) first.set(feature, x)
    return first.get(feature) ?? x
  }
}

/** One key, a different one for each batch and head, away from the first. */
function plant(input: InputDecl, { attention, sizes }: ProbeContext, what: number, salt: number): Change {
  const axis = keyAxis(input, attention)
  const length = Math.max(1, sizes[axis] ?? 1)
  return (index, x) => {
    const chosen = (salt * 7 + (index.b ?? 0) * 3 + (index.h ?? index.g ?? 0) * 5) % length
    return index[axis] === chosen && (index.d ?? index.e ?? 0) === 0 ? what : x
  }
}

function ends(input: InputDecl, { sizes, params }: ProbeContext): Change {
  if (!input.range) return (_index, x) => x
  const { lo, hi } = boundsOf(input.range, sizes, params)
  return (_index, x, stream) => (Number.isFinite(lo) && Number.isFinite(hi) ? (stream.uniform() < 0.5 ? lo : hi) : x)
}
