/**
 * Inputs that show what random ones hide (planner, "Probes"): references that move, heavy keys at tile edges, peaks, ties, shifts,
 * infinities and NaN. Each changes drawn inputs; roles are read from axes, so that any attention can be probed: a query has i and d,
 * a key d without i, a value e without i.
 */
import type { Attention, InputDecl } from '../../compiler/attention.ts'
import type { Sizes } from '../../compiler/interpret.ts'
import { boundsOf, randomNumbers, type Stream } from '../draw.ts'
import type { Inputs, Scalars } from '../runners.ts'
import { recordOf, roundTo, type Tensor } from '../tensor.ts'

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
  /** The changed inputs, or undefined where the attention has nothing that the probe is about. */
  apply(context: ProbeContext): Inputs | undefined
}

type Index = Readonly<Record<string, number>>
type Change = (index: Index, x: number, stream: Stream) => number

const isFloat = ({ type, range }: InputDecl): boolean => type === 'f32' && range === undefined
const isQuery = (input: InputDecl): boolean => isFloat(input) && input.axes.includes('i') && input.axes.includes('d')
const isKey = (input: InputDecl): boolean => isFloat(input) && input.axes.includes('d') && !input.axes.includes('i')
const isValue = (input: InputDecl): boolean => isFloat(input) && input.axes.includes('e') && !input.axes.includes('i')
/** The axis that counts keys in a key or value: j, or the last axis before the features (slots of a page). */
const keyAxis = ({ axes }: InputDecl): string => (axes.includes('j') ? 'j' : (axes.at(-2) ?? ''))

/** `inputs` with every element of those that `which` picks passed through `change`. */
function alter(
  { attention, inputs, sizes }: ProbeContext,
  which: (input: InputDecl) => boolean,
  change: (input: InputDecl) => Change,
): Inputs | undefined {
  const changed = attention.inputs.flatMap((input) => {
    const tensor = inputs[input.name]
    return tensor && which(input) ? [[input.name, alterTensor(tensor, input, sizes, change(input))] as const] : []
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
    const axis = keyAxis(input)
    return index.d === 0 ? score(index[axis] ?? 0, context.sizes[axis] ?? 1, stream) : x * 0.1
  })
}

const isEdge = (key: number, length: number, tile: number): boolean =>
  key % tile === 0 || key % tile === tile - 1 || key === length - 1

export const probes: readonly Probe[] = [
  {
    name: 'rising scores',
    apply: (c) => scored(c, (key, _length, next) => 0.8 * Math.floor(key / c.tile) + 0.1 * next.normal()),
  },
  { name: 'falling scores', apply: (c) => scored(c, (key, length) => (0.8 * (length - key)) / c.tile) },
  { name: 'heavy keys at tile edges', apply: heavyEdges },
  { name: 'peaked scores', apply: (c) => scored(c, (key, _length, next) => (key % 5 === 2 ? 30 : next.normal())) },
  { name: 'equal scores', apply: (c) => alter(c, isQuery, () => () => 0) },
  { name: 'ties', apply: (c) => scored(c, (key) => key % 2) && alter(c, isKey, (input) => tie(input, c)) },
  { name: 'scores shifted by 100', apply: (c) => scored(c, (_key, _length, next) => 100 + next.normal()) },
  { name: 'scores shifted by -100', apply: (c) => scored(c, (_key, _length, next) => -100 + next.normal()) },
  { name: 'scores shifted by 10000', apply: (c) => scored(c, (_key, _length, next) => 1e4 + next.normal()) },
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
    apply: (c) =>
      alter(
        c,
        (input) => isKey(input),
        (input) => plant(input, c, Number.NaN, 1),
      ),
  },
  { name: 'a NaN value', isolation: true, apply: (c) => alter(c, isValue, (input) => plant(input, c, Number.NaN, 2)) },
  {
    name: 'an infinite value',
    isolation: true,
    apply: (c) => alter(c, isValue, (input) => plant(input, c, Infinity, 3)),
  },
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

function heavyEdges(context: ProbeContext): Inputs | undefined {
  const { tile } = context
  const inputs = scored(context, (key, length, next) => (isEdge(key, length, tile) ? 2 : 0) + 0.1 * next.normal())
  return (
    inputs &&
    alter({ ...context, inputs }, isValue, (input) => (index, x) => {
      const key = index[keyAxis(input)] ?? 0
      return isEdge(key, context.sizes[keyAxis(input)] ?? 1, tile) ? x + 10 + key : x
    })
  )
}

/** Every second key is one and the same. */
const tie = (input: InputDecl, { inputs }: ProbeContext): Change => {
  const first = new Map<number, number>()
  const same = inputs[input.name]
  return (index, x) => {
    if (!same || (index[keyAxis(input)] ?? 0) % 2 === 1) return x
    const feature = index.d ?? 0
    if (!first.has(feature)) first.set(feature, x)
    return first.get(feature) ?? x
  }
}

/** One key, a different one for each batch and head, away from the first. */
const plant =
  (input: InputDecl, { sizes }: ProbeContext, what: number, salt: number): Change =>
  (index, x) => {
    const axis = keyAxis(input)
    const length = sizes[axis] ?? 1
    const chosen = (salt * 7 + (index.b ?? 0) * 3 + (index.h ?? index.g ?? 0) * 5) % Math.max(1, length)
    return index[axis] === chosen && (index.d ?? index.e ?? 0) === 0 ? what : x
  }

function ends(input: InputDecl, { sizes, params }: ProbeContext): Change {
  if (!input.range) return (_index, x) => x
  const { lo, hi } = boundsOf(input.range, sizes, params)
  return (_index, x, stream) => (Number.isFinite(lo) && Number.isFinite(hi) ? (stream.uniform() < 0.5 ? lo : hi) : x)
}
