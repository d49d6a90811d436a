/** What can be said only when an attention is known as a whole. */
import type { Attention, InputDecl } from '../attention.ts'
import * as errors from '../errors.ts'
import { anyInteger, type Range, range } from '../interval.ts'
import { children, type Expr, nodesOf } from '../ir.ts'
import { createInterner } from '../plan/intern.ts'
import { createRanges } from '../range.ts'
import * as warnings from '../warnings.ts'
import { type AxisTable, fixedLength, isPair, tokenRoot } from './axes.ts'
import { type Env, type Move, report } from './context.ts'
import { boundsOf, type Linear, linearOf, overEnd } from './linear.ts'
import { findTrend } from './monotone.ts'

/** Reports, and adds to the inputs which axis each is an index of. */
export function findAtEnd(env: Env, a: Attention, library: string): Attention {
  const nodes = nodesOf(...rootsOf(a))
  const table = env.context.axes
  const sizes = Object.fromEntries(
    [...table.entries.keys()].flatMap((axis) => {
      const length = fixedLength(table, axis)
      return length === undefined ? [] : [[axis, length]]
    }),
  )
  const rangeOf = createRanges({ attention: a, sizes })
  refuseQuotients(env, a)
  warnOfWholeAxes(env, a)
  warnOfUnmaskedMoves(env, a, nodes)
  warnOfPlaces(env, nodes, rangeOf)
  warnOfOverflow(env, nodes, rangeOf)
  warnOfDomains(env, a, nodes, rangeOf, library)
  warnOfSolves(env, nodes, rangeOf)
  return { ...a, inputs: a.inputs.map((input) => ({ ...input, indexes: findIndexed(input, nodes) })) }
}

export const rootsOf = (a: Attention): readonly Expr[] =>
  [...a.results.map(({ expr }) => expr), a.score, a.mask, a.weight].filter((e) => e !== undefined)

function refuseQuotients(env: Env, { mask }: Attention): void {
  const { quotients } = env.context.marks
  for (const e of mask ? nodesOf(mask) : []) {
    const quotient = quotients.get(e)
    if (quotient) report(env, errors.quotientInMask(quotient.span, mask?.span))
  }
}

// Domains.

/** W201: what a result depends on, other than through the mask. */
function warnOfWholeAxes(env: Env, { results, mask }: Attention): void {
  if (!mask) return
  const { axes, marks } = env.context
  const seen = new Set<Expr>([mask])
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    for (const child of children(e)) visit(child)
    const span = marks.whole.get(e)
    if (!span || e.kind !== 'reduce') return
    const token = e.over.find((axis) => mask.axes.includes(tokenRoot(axes, axis) ?? ''))
    if (token) report(env, warnings.wholeAxis(span, e.op, token))
  }
  for (const { expr } of results) visit(expr)
}

/** W202: a pair expression read under another mask than its own. */
function warnOfUnmaskedMoves(env: Env, { mask, weight }: Attention, nodes: readonly Expr[]): void {
  if (!mask) return
  const { axes, marks } = env.context
  for (const e of nodes) {
    const move = marks.moves.get(e)
    if (!move || !isPair(axes, move.base.axes) || isMasked(move.base, mask, weight)) continue
    const moved = move.places.find(({ axis }) => mask.axes.includes(axis) && !tokenRoot(axes, axis))
    if (moved) report(env, warnings.unmaskedMove(move.span, moved.axis))
  }
}

function isMasked(e: Expr, mask: Expr, weight: Expr | undefined): boolean {
  if (e === weight) return true
  if (e.kind === 'spread' || e.kind === 'at') return isMasked(e.of, mask, weight)
  return e.kind === 'call' && e.op === 'select' && e.args[0] !== undefined && nodesOf(e.args[0]).includes(mask)
}

// Indices.

function warnOfPlaces(env: Env, nodes: readonly Expr[], rangeOf: (e: Expr) => Range): void {
  const { axes, marks } = env.context
  for (const e of nodes) {
    const move = marks.moves.get(e)
    if (!move || move.inLibrary) continue
    for (const place of move.places) {
      if (!place.zero && !isWithin(axes, place, rangeOf)) report(env, warnings.indexNotProved(place.span, place.axis))
    }
  }
}

/** Proved to lie on its axis, or clamped by its author, or data, whose range is the caller's. */
function isWithin(
  table: AxisTable,
  { axis, index }: Pick<Move['places'][number], 'axis' | 'index'>,
  rangeOf: (e: Expr) => Range,
): boolean {
  if (index.kind === 'input' || (index.kind === 'at' && index.of.kind === 'input')) return true
  if (index.kind === 'call') {
    const { op, args } = index
    if (op === 'min' || op === 'max' || op === 'mod') return true
    const within = (e: Expr | undefined): boolean => e !== undefined && isWithin(table, { axis, index: e }, rangeOf)
    if (op === 'select') return within(args[1]) && within(args[2])
    if (op === 'idiv' && isOuter(table, axis, index)) return true
  }
  const length = fixedLength(table, axis)
  const found = rangeOf(index)
  if (length !== undefined && found.lo >= 0 && found.hi < length) return true
  // Of an axis of length 0 nothing is read, whatever the index.
  const bounds = (e: Linear): Range => boundsOf(table, e, rangeOf, 1)
  return bounds(linearOf(index)).lo >= 0 && bounds(overEnd(index, axis)).hi <= 0
}

/** `j div n` for the outer part of j; `j div size(t)` on m where the length of j is size(m) * size(t). */
function isOuter(table: AxisTable, axis: string, { args }: Expr & { readonly kind: 'call' }): boolean {
  const [of, by] = args
  if (of?.kind !== 'index' || !by) return false
  const number = createInterner().id
  const rule = table.entries.get(axis)?.rule
  if (rule?.kind === 'part') return rule.outer === axis && rule.of === of.axis && number(rule.by()) === number(by)
  const whole = table.entries.get(of.axis)?.rule
  if (whole?.kind !== 'fixed') return false
  const length = whole.value()
  if (length.kind !== 'call' || length.op !== 'mul') return false
  const [a, b] = length.args
  const isSize = (e: Expr | undefined): boolean => e?.kind === 'size' && e.axis === axis
  return (
    (isSize(a) && b !== undefined && number(b) === number(by)) ||
    (isSize(b) && a !== undefined && number(a) === number(by))
  )
}

// Integers.

/** Lengths alone count: what params, inputs and constants add is the caller's. */
function warnOfOverflow(env: Env, nodes: readonly Expr[], rangeOf: (e: Expr) => Range): void {
  const { axes, marks } = env.context
  const isSum = (e: Expr): boolean => marks.sums.has(e) && (e.kind !== 'call' || e.op !== 'mul' || isScaled(e))
  const inner = new Set(nodes.filter(isSum).flatMap((e) => children(e).filter(isSum)))
  const known = (atom: Expr): Range => {
    const found = rangeOf(atom)
    const free = found.lo <= anyInteger.lo || found.hi >= anyInteger.hi
    return free || !nodesOf(atom).some(({ kind }) => kind === 'index' || kind === 'size') ? range(0, 0) : found
  }
  const bounds = (e: Expr): Range => boundsOf(axes, { ...linearOf(e), constant: 0 }, known)
  for (const e of nodes) {
    const span = marks.sums.get(e)
    if (!span || inner.has(e) || e.kind !== 'call') continue
    const [a, b] = e.args.map(bounds)
    const found = isSum(e) || !a || !b ? bounds(e) : product(a, b)
    if (found.lo < anyInteger.lo || found.hi > anyInteger.hi) report(env, warnings.integerOverflow(span))
  }
}

const isScaled = (e: Expr & { readonly kind: 'call' }): boolean =>
  e.args.some((arg) => linearOf(arg).terms.length === 0)

function product(a: Range, b: Range): Range {
  const corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi]
  return range(Math.min(...corners), Math.max(...corners))
}

// Floats.

const leastOf: Readonly<Record<string, number>> = { log: 0, log2: 0, sqrt: 0, rsqrt: 0, log1p: -1, pow: 0 }

/** An input without a declared range may take a function out of its domain. */
function warnOfDomains(
  env: Env,
  a: Attention,
  nodes: readonly Expr[],
  rangeOf: (e: Expr) => Range,
  library: string,
): void {
  const free = new Set(a.inputs.filter(({ range, type }) => !range && type === 'f32').map(({ name }) => name))
  for (const e of nodes) {
    if (e.kind !== 'call' || !e.span || e.span.file.path === library) continue
    const least = leastOf[e.op]
    const [of, exponent] = e.args
    if (least === undefined || !of || (e.op === 'pow' && exponent?.type !== 'f32') || rangeOf(of).lo >= least) continue
    const names = nodesOf(of).flatMap((x) => (x.kind === 'input' && free.has(x.name) ? [x.name] : []))
    if (names.length > 0) report(env, warnings.outsideDomain(e.span, e.op === 'pow' ? '^' : e.op, [...new Set(names)]))
  }
}

function warnOfSolves(env: Env, nodes: readonly Expr[], rangeOf: (e: Expr) => Range): void {
  for (const e of nodes) {
    if (e.kind !== 'solve') continue
    const trend = findTrend(e.of, e.variable.id, rangeOf)
    const span = env.context.marks.solves.get(e)
    if (span && (trend === 'rising' || trend === 'unknown')) report(env, warnings.notMonotone(span, trend))
  }
}

// Inputs.

function findIndexed({ name, type }: InputDecl, nodes: readonly Expr[]): string | undefined {
  if (type !== 'i32') return undefined
  for (const e of nodes) {
    if (e.kind !== 'at') continue
    const place = e.places.find(({ index }) => isRead(index, name))
    if (place) return place.axis
  }
  return undefined
}

/** The input itself, elsewhere, or clamped. */
function isRead(e: Expr, name: string): boolean {
  if (e.kind === 'input') return e.name === name
  if (e.kind === 'at' || e.kind === 'spread') return isRead(e.of, name)
  return e.kind === 'call' && (e.op === 'min' || e.op === 'max') && e.args.some((arg) => isRead(arg, name))
}
