/**
 * Brings a mask into the form that classes are made of: substitutions are carried down to the inputs, so that `at` stands around
 * inputs only, with clamped indices; marks that change no value go; `x - x % n` becomes `n * (x div n)`.
 *
 * `(i + hub)[i = j else 0]` -> `if 0 <= j and j < size(i) then clamp(j) + hub[i = j] else 0`
 */
import { at, bool, call, children, constant, type Expr, type Index, i32, mapChildren, type Place, size } from '../ir.ts'

/** Folds, random numbers and loops are left as they are, with what stands around them: nothing is known of them anyway. */
export const resolveMask = (mask: Expr, number: (e: Expr) => number): Expr => moved(mask, new Map(), number, new Map())

const formulas = new WeakMap<Expr, boolean>()
/** Made of the kinds that can be evaluated at one place by itself. */
export function isFormula(e: Expr): boolean {
  const known = formulas.get(e)
  if (known !== undefined) return known
  const opaque = e.kind === 'reduce' || e.kind === 'scan' || e.kind === 'solve' || e.kind === 'repeat'
  const random = e.kind === 'random' || (e.kind === 'call' && e.op === 'random')
  const out = !opaque && !random && e.kind !== 'bound' && children(e).every(isFormula)
  formulas.set(e, out)
  return out
}

type Moves = ReadonlyMap<string, Expr> // axis -> its clamped index, in terms of the place where the mask is asked
type Done = Map<Expr, Expr>

function moved(e: Expr, moves: Moves, number: (e: Expr) => number, done: Done): Expr {
  const known = done.get(e)
  if (known) return known
  const out = move(e, moves, number, done)
  done.set(e, out)
  return out
}

function move(e: Expr, moves: Moves, number: (e: Expr) => number, done: Done): Expr {
  const next = (x: Expr): Expr => moved(x, moves, number, done)
  if (e.kind === 'spread') return next(e.of)
  if (e.kind === 'index') return moves.get(e.axis) ?? e
  if (e.kind === 'input') return moveInput(e, moves)
  if (e.kind === 'at') return isFormula(e) ? moveAt(e.of, e.places, moves, number, next) : e
  if (e.kind !== 'call') return e
  const [a, b] = e.args
  if (a && (e.op === 'stop_gradient' || e.op === 'straight_through')) return next(a)
  const [x, y] = [a && next(a), b && next(b)]
  if (e.op === 'sub' && x && y && isRemainderOf(x, y, number)) return multiple(x, y)
  return mapChildren(e, next)
}

function moveInput(e: Expr, moves: Moves): Expr {
  const places = e.axes.flatMap((axis): Place[] => {
    const index = moves.get(axis)
    return index ? [{ axis, index, outside: 'clamp' }] : []
  })
  return places.length > 0 ? at(e, places, e.span) : e
}

function moveAt(
  of: Expr,
  places: readonly Place[],
  moves: Moves,
  number: (e: Expr) => number,
  next: (e: Expr) => Expr,
): Expr {
  const there = new Map(moves)
  let inside: Expr = bool(true)
  for (const place of places) {
    const asked = next(place.index)
    const last = call('sub', [size(place.axis), i32(1)])
    there.set(place.axis, isOwnIndex(asked, place.axis) ? asked : call('max', [i32(0), call('min', [asked, last])]))
    // An axis of length 0 gives 0 however it is asked. A bare input's load does so by itself.
    if (place.outside === 'zero') inside = both(inside, inRange(asked, place.axis))
    else if (of.kind !== 'input') inside = both(inside, call('lt', [i32(0), size(place.axis)]))
  }
  const value = moved(of, there, number, new Map())
  const isAlways = inside.kind === 'const'
  return isAlways ? value : call('select', [inside, value, zero(value)], of.span)
}

const isOwnIndex = (e: Expr, axis: string): e is Index => e.kind === 'index' && e.axis === axis
const both = (a: Expr, b: Expr): Expr => (a.kind === 'const' ? b : call('and', [a, b]))
const inRange = (e: Expr, axis: string): Expr => both(call('le', [i32(0), e]), call('lt', [e, size(axis)]))
const zero = (e: Expr): Expr => constant(e.type === 'bool' ? false : 0, e.type)

/** `remainder` is `x % n` for a constant n other than 0. */
function isRemainderOf(x: Expr, remainder: Expr, number: (e: Expr) => number): boolean {
  if (remainder.kind !== 'call' || remainder.op !== 'mod' || x.type !== 'i32') return false
  const [of, n] = remainder.args
  return n?.kind === 'const' && n.value !== 0 && of !== undefined && number(of) === number(x)
}

function multiple(x: Expr, remainder: Expr): Expr {
  const n = remainder.kind === 'call' ? remainder.args[1] : undefined
  return n ? call('mul', [n, call('idiv', [x, n])], x.span) : x
}
