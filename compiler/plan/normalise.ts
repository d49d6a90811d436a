/**
 * Puts an expression into the form that planning starts from; values stay the same.
 *
 * - `at` moves down to the inputs: `(x + y)[j = e]` becomes `x[j = e] + y[j = e]`. It stays around a reduction or scan that it would
 *   have to enter under another name, and around loops.
 * - inside a reduction, what its domain says is known: `sum over mask of (if mask then w else 0)` becomes a sum of w.
 * - constants are folded where that is exact.
 */
import {
  type At,
  at,
  bool,
  call,
  constant,
  type Expr,
  f32,
  i32,
  index,
  mapChildren,
  type Place,
  type Reduce,
  reduce,
  rewrite,
  type Scan,
  scan,
  size,
  spread,
  unionAxes,
} from '../ir.ts'
import type { AxisNames } from './axis-names.ts'
import type { Interner } from './intern.ts'

export function normalise(e: Expr, names: Interner, axes: AxisNames): Expr {
  const lowered = names.intern(rewrite(e, (x) => pushAt(x, axes)))
  return names.intern(rewrite(useDomains(lowered, names), fold))
}

/** One `at` node, its children done: moved as far down as it goes. */
function pushAt(e: Expr, axes: AxisNames): Expr {
  return e.kind === 'at' ? createPlace(axes)(e.of, e.places) : e
}

type PlaceAt = (of: Expr, all: readonly Place[]) => Expr

function createPlace(axes: AxisNames): PlaceAt {
  const place: PlaceAt = (of, all) => placeIn(of, all, place, axes)
  return place
}

function placeIn(of: Expr, all: readonly Place[], place: PlaceAt, axes: AxisNames): Expr {
  const places = all.filter((p) => of.axes.includes(p.axis) && !isOwnIndex(p))
  const isLost = (p: Place) => p.outside === 'zero' && !of.axes.includes(p.axis)
  if (all.some(isLost))
    return at(
      spread(
        of,
        all.filter(isLost).map((p) => p.axis),
      ),
      all,
    )
  if (places.length === 0) return of
  if (of.kind === 'scan' && isNeighbour(of, places)) return { ...of, exclusive: true }
  if (places.some((p) => p.outside === 'zero')) return placeOrZero(of, places, place)
  switch (of.kind) {
    case 'index': {
      const p = places[0] as Place
      return clampIndex(p.index, of.axis, axes)
    }
    case 'call':
    case 'random':
      return mapChildren(of, (child) => place(child, places))
    case 'spread':
      return spread(
        place(of.of, places),
        unionAxes(
          of.axes.filter((a) => !places.some((p) => p.axis === a)),
          ...places.map((p) => p.index.axes),
        ),
      )
    case 'at':
      return of.of.kind === 'input' ? placeAgain(of, places, place) : at(of, places)
    case 'reduce': {
      const captured = of.over.filter((axis) => places.some((p) => p.index.axes.includes(axis)))
      if (captured.some((axis) => axis === 'i' || axis === 'j')) return at(of, places)
      if (captured.length > 0) return place(underOtherNames(of, captured, axes, places), places)
      const inside = place(of.of, places)
      return reduce(of.op, of.over, inside, of.domain && place(of.domain, places), of.span)
    }
    case 'scan': {
      const captured = places.some((p) => p.axis === of.over || p.index.axes.includes(of.over))
      return captured
        ? at(of, places)
        : scan(of.op, of.over, place(of.of, places), of.domain && place(of.domain, places), of.span, of.exclusive)
    }
    default:
      return at(of, places) // inputs keep their place; solve, repeat, bound and nested `at` are read as a whole
  }
}

/** An input that is read at a place, at another place: its indices are evaluated there. */
function placeAgain(of: At, places: readonly Place[], place: PlaceAt): Expr {
  const inner = of.places.map((p) => ({ ...p, index: place(p.index, places) })).filter((p) => !isOwnIndex(p))
  const rest = places.filter((p) => of.of.axes.includes(p.axis) && !of.places.some((q) => q.axis === p.axis))
  return inner.length + rest.length > 0 ? at(of.of, [...inner, ...rest], of.span) : of.of
}

const isOwnIndex = ({ axis, index }: Place): boolean => index.kind === 'index' && index.axis === axis

/** A reduction over other axes of the same lengths, which `places`, where it is to be read, do not have. */
export function underOtherNames(
  e: Reduce,
  over: readonly string[],
  axes: AxisNames,
  places: readonly Place[] = [],
): Reduce {
  const avoid = [...e.of.axes, ...(e.domain?.axes ?? []), ...places.flatMap((p) => [p.axis, ...p.index.axes])]
  return underNames(e, new Map(over.map((axis) => [axis, axes.another(axis, avoid)])), axes)
}

/** A reduction over other axes, which its body does not have. */
export function underNames(e: Reduce, renamed: ReadonlyMap<string, string>, axes: AxisNames): Reduce {
  const place = createPlace(axes)
  const moves = [...renamed].map(([axis, to]): Place => ({ axis, index: index(to), outside: 'clamp' }))
  const over = e.over.map((axis) => renamed.get(axis) ?? axis)
  return reduce(e.op, over, place(e.of, moves), e.domain && place(e.domain, moves), e.span)
}

/** A running sum read one place earlier, or later if it runs from the end, is the sum without this place. */
function isNeighbour(of: Scan, [only, ...more]: readonly Place[]): boolean {
  if (of.op === 'cummax' || of.exclusive || !only || more.length > 0) return false
  const { index, axis, outside } = only
  const wanted = of.op === 'cumsum' ? 'sub' : 'add'
  const [here, step] = index.kind === 'call' && index.op === wanted ? index.args : []
  const isHere = here?.kind === 'index' && here.axis === of.over
  return axis === of.over && outside === 'zero' && isHere && step?.kind === 'const' && step.value === 1
}

/** A zero-filled place of anything but an input: the clamped place where all indices are inside, else zero. */
function placeOrZero(of: Expr, places: readonly Place[], place: PlaceAt): Expr {
  if (of.kind === 'input') return at(of, places)
  const inside = places
    .filter((p) => p.outside === 'zero')
    .map((p) => call('and', [call('le', [i32(0), p.index]), call('lt', [p.index, size(p.axis)])]))
    .reduce<Expr>((x, y) => call('and', [x, y]), bool(true))
  const zero = constant(of.type === 'bool' ? false : 0, of.type)
  const clamped = place(
    of,
    places.map((p) => ({ ...p, outside: 'clamp' })),
  )
  return of.type === 'bool' ? call('and', [inside, clamped]) : call('select', [inside, clamped, zero])
}

const clampIndex = (e: Expr, axis: string, axes: AxisNames): Expr =>
  e.kind === 'index' && axes.areAsLong(e.axis, axis)
    ? e
    : call('max', [i32(0), call('min', [e, call('sub', [size(axis), i32(1)])])])

/** Replaces, below each reduction with a domain, the parts of that domain by true. */
function useDomains(root: Expr, names: Interner): Expr {
  const memo = new Map<string, Expr>()
  const visit = (e: Expr, known: readonly Expr[]): Expr => {
    const key = `${names.id(e)}|${known.map(names.id).join(',')}`
    const seen = memo.get(key)
    if (seen) return seen
    const out = known.includes(e) ? bool(true) : descend(e, known)
    memo.set(key, out)
    return out
  }
  const descend = (e: Expr, known: readonly Expr[]): Expr => {
    if (e.kind === 'reduce') {
      const outer = known.filter((fact) => !fact.axes.some((axis) => e.over.includes(axis)))
      const facts = e.domain ? [...outer, ...conjuncts(e.domain)] : outer
      return reduce(e.op, e.over, visit(e.of, facts), e.domain && visit(e.domain, outer), e.span)
    }
    // Below other binders and substitutions a place is another place: nothing is known there.
    const bindsPlaces = e.kind === 'at' || e.kind === 'scan' || e.kind === 'solve' || e.kind === 'repeat'
    return mapChildren(e, (child) => visit(child, bindsPlaces ? [] : known))
  }
  return visit(root, [])
}

/** The facts that a true condition contains: itself, and both sides of every `and`. */
export const conjuncts = (e: Expr): readonly Expr[] =>
  e.kind === 'call' && e.op === 'and' ? [e, ...e.args.flatMap(conjuncts)] : [e]

const isTrue = (e: Expr | undefined): boolean => e?.kind === 'const' && e.value === true
const isFalse = (e: Expr | undefined): boolean => e?.kind === 'const' && e.value === false
const isNumber = (e: Expr | undefined, value: number): boolean => e?.kind === 'const' && e.value === value

/** A sum of 1 where a condition holds is a count. */
function counted(e: Reduce): Expr | undefined {
  const [c, x, y] = e.of.kind === 'call' && e.of.op === 'select' ? e.of.args : []
  return c && x && y && isNumber(x, 1) && isNumber(y, 0) ? reduce('count', e.over, c, e.domain, e.span) : undefined
}

/** Exact simplifications of one node whose children are done. There is no x - x and no 0 * x: x may be infinite. */
export function fold(e: Expr): Expr {
  if (e.kind === 'reduce' && isTrue(e.domain)) return reduce(e.op, e.over, e.of, undefined, e.span)
  if (e.kind === 'reduce' && e.op === 'sum' && e.type === 'i32') return counted(e) ?? e
  if (e.kind !== 'call') return e
  const [a, b, c] = e.args
  if (!a) return e
  switch (e.op) {
    case 'and':
      return isTrue(a) ? (b ?? e) : isTrue(b) ? a : isFalse(a) || isFalse(b) ? bool(false) : e
    case 'or':
      return isFalse(a) ? (b ?? e) : isFalse(b) ? a : isTrue(a) || isTrue(b) ? bool(true) : e
    case 'not':
      return a.kind === 'const' ? bool(!a.value) : a.kind === 'call' && a.op === 'not' ? (a.args[0] ?? e) : e
    case 'select':
      return isTrue(a) ? (b ?? e) : isFalse(a) ? (c ?? e) : b === c ? (b ?? e) : e
    case 'neg':
      return a.kind === 'const' && a.type === 'f32'
        ? f32(-Number(a.value))
        : a.kind === 'call' && a.op === 'neg'
          ? (a.args[0] ?? e)
          : e
    case 'mul':
      return isNumber(a, 1) ? (b ?? e) : isNumber(b, 1) ? a : e
    case 'div':
      return isNumber(b, 1) ? a : e
    case 'float':
      if (a.kind === 'call' && a.op === 'select' && a.args.slice(1).every((x) => x.kind === 'const'))
        return call('select', [a.args[0] as Expr, ...a.args.slice(1).map((x) => fold(call('float', [x])))])
      return a.kind === 'const' ? f32(Number(a.value)) : e
    case 'stop_gradient':
    case 'straight_through':
      return a
    default:
      return e
  }
}
