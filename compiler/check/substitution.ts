/** `x[a = e, c = f else 0]`: x elsewhere. */
import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import { at, type Expr, type Place, unionAxes, withoutAxes } from '../ir.ts'
import { ancestorsOf, meet, openPart, raise } from './axes.ts'
import { type Env, inLibrary, isPoison, poison, report } from './context.ts'

export interface Item {
  readonly axis: string
  readonly name: string // as written: in a function the axis parameter
  readonly axisSpan: Span
  readonly index: Expr
  readonly indexSpan: Span
  readonly span: Span
  readonly zero: boolean
}

/** The index expressions are evaluated here, all at once; then `of` is evaluated there, everything inside it. */
export function substitute(env: Env, of: Expr, ofSpan: Span, items: readonly Item[], span: Span): Expr {
  if (isPoison(of, ...items.map(({ index }) => index)) || !areIntegers(env, items) || !areDistinct(env, items))
    return poison
  const base = items.reduce((e, item) => bringAxis(env, e, item), of)
  if (isPoison(base)) return poison
  const lacking = items.filter(({ axis }) => !base.axes.includes(axis))
  for (const { axisSpan, name } of lacking) report(env, errors.substitutedAxisMissing(axisSpan, name, ofSpan, of.axes))
  if (lacking.length > 0) return poison
  return build(env, base, items, span)
}

function build(env: Env, base: Expr, items: readonly Item[], span: Span): Expr {
  const table = env.context.axes
  const moved = items.map(({ axis }) => axis)
  const stays = withoutAxes(base.axes, moved)
  const indices = meet(
    table,
    items.map(({ index }) => index),
    stays,
  )
  const all = unionAxes(stays, ...indices.map((e) => e.axes))
  const meeting = stays.filter((axis) => ancestorsOf(table, axis).some((p) => all.includes(p)))
  const of = meeting.length > 0 ? raise(table, base, meeting) : base
  if (isPoison(of, ...indices)) return poison
  const places = items.map(({ axis, zero, index }, k): Place => {
    return { axis, index: indices[k] ?? index, outside: zero ? 'zero' : 'clamp' }
  })
  const e = at(of, places, span)
  const said = places.map(({ axis, index }, k) => ({
    axis,
    index,
    span: items[k]?.indexSpan ?? span,
    zero: items[k]?.zero ?? false,
  }))
  env.context.marks.moves.set(e, { base: of, places: said, span, inLibrary: inLibrary(env) })
  return e
}

/** `e` over the axis to be moved, where it is over parts of it, over a group of it, or over the whole that it is a part of. */
function bringAxis(env: Env, e: Expr, { axis, zero }: Item): Expr {
  const table = env.context.axes
  if (e.axes.includes(axis)) return e
  const derived = e.axes.filter((a) => ancestorsOf(table, a).includes(axis))
  if (derived.length === 0) return openPart(table, e, axis, zero ? 'zero' : 'clamp')
  const [next = e] = meet(table, [e], [axis])
  return next
}

function areIntegers(env: Env, items: readonly Item[]): boolean {
  const wrong = items.filter(({ index }) => index.type !== 'i32')
  for (const { index, indexSpan, name } of wrong) {
    report(env, errors.indexNotInteger(indexSpan, name, index.type, env.context.marks.quotients.has(index)))
  }
  return wrong.length === 0
}

function areDistinct(env: Env, items: readonly Item[]): boolean {
  const twice = items.filter(({ axis }, k) => items.findIndex((item) => item.axis === axis) < k)
  for (const { axisSpan, name } of twice) report(env, errors.axisTwice(axisSpan, name, 'substitution'))
  return twice.length === 0
}
