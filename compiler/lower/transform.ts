/**
 * What happens to a state when its reference moves from r to r', D = r - r' (docs/planner.md, Families of state):
 *
 * - E, body c exp(k (x - r)): times exp(k D).
 * - M, body c (x - r)^m, all lower powers carried: A_m' = sum over b <= m of C(m, b) D^(m - b) A_b. E x M: both.
 * - P, body c (x / r)^p: times (r / r')^p, 0 if r' = 0.
 *
 * A reference that is not finite is 0 where it is subtracted. An empty old state contributes 0 by select, not by 0 times a factor.
 */
import { type KernelExpr, kernelCall, kernelConst, type Value, valueRef } from '../kernel.ts'
import type { Accumulator, Degree, Reference } from '../plan/plan.ts'
import { finiteOf, identityFor } from './forms.ts'
import type { Lowering } from './lowering.ts'

/** How a state follows its reference. */
export interface Move {
  /** The factor of a body of this rate or power; undefined: 1. */
  readonly factor: (degree: Degree) => KernelExpr | undefined
  /** Whether the reference has stayed, for sums of what is at it. */
  readonly stays: KernelExpr
  /** D, for moments. */
  readonly distance: KernelExpr
}
export interface Step extends Move {
  readonly next: Value
  /** An element relative to the new reference, and whether it is that reference. */
  readonly difference: KernelExpr
  readonly isAt: KernelExpr
}
/** The accumulators of one state, as values; a count as a number. */
export interface State {
  readonly value: (id: string) => KernelExpr
  readonly number: (id: string) => KernelExpr
}

export interface Place {
  readonly stream: string
  readonly where: string | undefined
  readonly axes: readonly string[] // of the reference
  readonly pairAxes: readonly string[] // of its elements
  readonly lowering: Lowering
}

/** `isRead`: whether anything but differences from the reference is made of it. */
export interface ReferencePlace extends Place {
  readonly isRead: boolean
}

const zero = kernelConst(0, 'f32')
const one = kernelConst(1, 'f32')
const atLeastOne = (n: KernelExpr): KernelExpr => kernelCall('max', n, one)

/** One tile: the new reference, elements relative to it, and how the old state follows. */
export function stepReference(
  r: Reference,
  of: KernelExpr,
  old: KernelExpr,
  state: State,
  place: ReferencePlace,
): Step {
  const next = named(`new_${nameOf(r)}`, nextReference(r, of, old, state, place), place)
  const move = moveTo(r, old, valueRef(next), place)
  const difference = differenceFrom(r, of, valueRef(next))
  const isAt = kernelCall('eq', of, valueRef(next))
  return { ...move, next, difference: valueRef(named('relative', difference, place, place.pairAxes)), isAt }
}

export const nameOf = (r: Reference): string => (r.kind === 'mean' ? 'center' : r.kind)

/** A reference as it is used: one that is not finite is 0 where it is subtracted and 1 where it divides. */
export const usable = (r: Reference, x: KernelExpr): KernelExpr =>
  r.kind === 'largest'
    ? kernelCall('select', kernelCall('lt', kernelCall('abs', x), kernelConst(Infinity, 'f32')), x, one)
    : finiteOf(x)

/** `x - r`, or `x / r` with 0 / 0 = 0. */
export function differenceFrom(r: Reference, x: KernelExpr, reference: KernelExpr): KernelExpr {
  const to = usable(r, reference)
  return r.kind === 'largest'
    ? kernelCall('select', kernelCall('eq', to, zero), zero, kernelCall('div', x, to))
    : kernelCall('sub', x, to)
}

function nextReference(r: Reference, of: KernelExpr, old: KernelExpr, state: State, place: ReferencePlace): KernelExpr {
  switch (r.kind) {
    case 'max':
    case 'min':
      return kernelCall(r.kind, old, overTile(`tile_${r.kind}`, r.kind, of, place, !place.isRead))
    case 'largest':
      return kernelCall('max', old, overTile('tile_largest', 'max', kernelCall('abs', of), place))
    case 'mean':
      return nextMean(r, of, old, state, place)
  }
}

/**
 * The first tile's mean; then the running mean, once that lies an eighth of a deviation away. What is summed is off by roundings of
 * the root of variance and squared distance together: less than a hundredth above those at the mean itself, whatever the tiles.
 */
function nextMean(r: Reference, of: KernelExpr, old: KernelExpr, state: State, place: Place): KernelExpr {
  const places = overTile('tile_count', 'count', kernelConst(true, 'bool'), place)
  const sum = overTile('tile_sum', 'sum', of, place)
  const tileMean = finiteOf(kernelCall('div', sum, atLeastOne(kernelCall('float', places))))
  const count = state.number(r.countId ?? '')
  const offset = valueRef(named('offset', kernelCall('div', state.value(r.firstId ?? ''), atLeastOne(count)), place))
  const square = kernelCall('mul', offset, offset)
  const variance = kernelCall('sub', kernelCall('div', state.value(r.secondId ?? ''), atLeastOne(count)), square)
  const isFar = kernelCall('lt', variance, kernelCall('mul', kernelConst(64, 'f32'), square))
  const moved = kernelCall('select', isFar, finiteOf(kernelCall('add', old, offset)), old)
  return kernelCall('select', kernelCall('eq', count, zero), tileMean, moved)
}

/** The reference of two states taken together; an empty one does not count. */
export function mergeReferences(r: Reference, left: KernelExpr, right: KernelExpr, leftState: State): KernelExpr {
  if (r.kind === 'mean')
    return kernelCall('select', kernelCall('eq', leftState.number(r.countId ?? ''), zero), right, left)
  return kernelCall(r.kind === 'min' ? 'min' : 'max', left, right)
}

/** How a state at reference `old` comes to be at `next`. */
export function moveTo(r: Reference, old: KernelExpr, next: KernelExpr, place: Place): Move {
  switch (r.kind) {
    case 'max':
    case 'min':
      return moveExtreme(r.kind, old, next, place)
    case 'largest':
      return moveLargest(usable(r, old), usable(r, next), place)
    case 'mean':
      return {
        factor: () => undefined,
        stays: kernelCall('eq', old, next),
        distance: valueRef(named('distance', kernelCall('sub', old, next), place)),
      }
  }
}

function moveExtreme(op: 'max' | 'min', old: KernelExpr, next: KernelExpr, place: Place): Move {
  const isEmpty = kernelCall('eq', old, kernelConst(op === 'max' ? -Infinity : Infinity, 'f32'))
  const distance = kernelCall('sub', finiteOf(old), finiteOf(next))
  const factor = once((rate: number) => {
    const scaled = rate === 1 ? distance : kernelCall('mul', kernelConst(rate, 'f32'), distance)
    return valueRef(named('factor', kernelCall('select', isEmpty, zero, kernelCall('exp', scaled)), place))
  })
  return {
    factor: ({ rate }) => (rate === 0 ? undefined : factor(rate)),
    stays: kernelCall('eq', old, next),
    distance: kernelCall('select', isEmpty, zero, distance),
  }
}

function moveLargest(old: KernelExpr, next: KernelExpr, place: Place): Move {
  const ratio = valueRef(
    named('ratio', kernelCall('select', kernelCall('eq', next, zero), zero, kernelCall('div', old, next)), place),
  )
  const factor = once((power: number) => {
    const exponent = kernelConst(power, Number.isInteger(power) ? 'i32' : 'f32')
    return valueRef(named('factor', kernelCall('pow', ratio, exponent), place))
  })
  return {
    factor: ({ power }) => (power === 0 ? undefined : factor(power)),
    stays: kernelCall('eq', old, next),
    distance: zero,
  }
}

/** A state's accumulator, relative to where its references have moved. One of its degrees at most is a moment. */
export function transform(a: Accumulator, state: State, moves: ReadonlyMap<string, Move>): KernelExpr {
  return a.degrees.reduce<KernelExpr>(
    (value, degree) => {
      const move = moves.get(degree.reference)
      if (move && degree.isAt) return kernelCall('select', move.stays, value, identityFor(a.op, value.type))
      const factor = move?.factor(degree)
      return factor ? kernelCall('mul', value, factor) : value
    },
    shifted(a, state, moves),
  )
}
/** Lower moments have the same rates, so that factors are applied once, after. */
function shifted(a: Accumulator, state: State, moves: ReadonlyMap<string, Move>): KernelExpr {
  const own = state.value(a.id)
  const degree = a.degrees.find((d) => d.moment > 0)
  const move = degree && moves.get(degree.reference)
  return degree && move ? binomial(degree, own, state, move.distance) : own
}

function binomial(degree: Degree, own: KernelExpr, state: State, distance: KernelExpr): KernelExpr {
  const m = degree.moment
  return degree.lower.reduceRight<KernelExpr>((sum, id, b) => {
    const power = Array.from({ length: m - b - 1 }).reduce<KernelExpr>((x) => kernelCall('mul', x, distance), distance)
    const c = choose(m, b)
    const scaled = c === 1 ? power : kernelCall('mul', kernelConst(c, 'f32'), power)
    return kernelCall('add', sum, kernelCall('mul', scaled, state.number(id)))
  }, own)
}
const choose = (m: number, b: number): number => (b === 0 || b === m ? 1 : choose(m - 1, b - 1) + choose(m - 1, b))

function named(base: string, expr: KernelExpr, { lowering, axes }: Place, own: readonly string[] = axes): Value {
  const to = lowering.define(lowering.newValue(base, expr.type, own))
  lowering.emit({ kind: 'map', to, expr })
  return to
}
function overTile(
  base: string,
  op: 'max' | 'min' | 'sum' | 'count',
  of: KernelExpr,
  place: Place,
  loose = false,
): KernelExpr {
  const to = place.lowering.define(place.lowering.newValue(base, op === 'count' ? 'i32' : 'f32', place.axes))
  place.lowering.emit({ kind: 'reduce', to, of, over: place.stream, op, where: place.where, ...(loose && { loose }) })
  return valueRef(to)
}
function once<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}
