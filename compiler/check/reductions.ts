/** Reductions and running folds, with the domain that each sees (docs/language.md, Domains). */
import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import { bool, call, type Expr, reduce, scan, unionAxes } from '../ir.ts'
import type { ReduceOp, ScanOp } from '../ops.ts'
import * as warnings from '../warnings.ts'
import { isPair, meet, openPart, partBounds, tokenRoot } from './axes.ts'
import { type AxisUse, type Env, isPoison, placeOf, poison, report } from './context.ts'
import { apply, areBools, areNumbers, type Operand, operand, toFloat } from './operators.ts'

export type FoldName = ReduceOp | ScanOp | 'var'

interface FoldCall {
  readonly name: FoldName
  readonly over: readonly AxisUse[]
  /** What `where` says; undefined: it is not written. */
  readonly where: Operand | undefined
  readonly body: Operand | undefined // absent in `count[x]()`
  readonly span: Span
}

/** What a reduction folds, over the axes it folds them on, and the places that count. */
interface Placed {
  readonly body: Expr
  readonly domain: Expr | undefined
  /** Nothing was said of the domain and it is the whole of a token axis. */
  readonly wholeToken: boolean
}

export function fold(env: Env, f: FoldCall): Expr {
  const body = typeBody(env, f)
  const where = whereOf(env, f)
  if (isPoison(body) || (where && isPoison(where))) return poison
  if (f.name === 'var') return variance(env, f, body, where)
  const axes = f.over.map((use) => use.axis)
  const placed = place(env, f, axes, body, where)
  if (!placed) return poison
  const e = build(f, axes, placed)
  if (placed.wholeToken && !env.inMask && e.kind === 'reduce') env.context.marks.whole.set(e, placeOf(env, f.span))
  return e
}

function build(f: FoldCall, axes: readonly string[], { body, domain }: Placed): Expr {
  const [first = ''] = axes
  switch (f.name) {
    case 'cumsum':
    case 'cumsum_back':
    case 'cummax':
      return scan(f.name, first, body, domain, f.span)
    case 'count': {
      const counted = and(domain, isTrue(body) ? undefined : body)
      return reduce('count', axes, bool(true, f.span), counted, f.span)
    }
    default:
      return reduce(f.name === 'var' ? 'mean' : f.name, axes, body, domain, f.span)
  }
}

/** mean((s - mean s)²), both over the one domain. */
function variance(env: Env, f: FoldCall, body: Expr, where: Expr | undefined): Expr {
  const mean: FoldCall = { ...f, name: 'mean', where: where && operand(where, f.span) }
  const centred = apply(env, 'sub', [body, fold(env, { ...mean, body: operand(body, f.span) })], f.span)
  return fold(env, { ...mean, body: operand(apply(env, 'mul', [centred, centred], f.span), f.span) })
}

/** The body as the type that the fold works on; `count[x]()` counts everywhere. */
function typeBody(env: Env, f: FoldCall): Expr {
  const { body, name } = f
  if (!body) return bool(true, f.span)
  if (name === 'any' || name === 'all' || name === 'count') {
    return areBools(env, `'${name}'`, [body]) ? body.value : poison
  }
  if (body.value.type === 'bool' && !isPoison(body.value)) {
    report(env, errors.foldOfBool(body.span, name))
    return poison
  }
  if (!areNumbers(env, `'${name}'`, [body])) return poison
  const float = name === 'mean' || name === 'var' || name === 'logsumexp'
  return float ? toFloat(body.value) : body.value
}

/** `where` of the reduction itself, or what came with its axes. */
function whereOf(env: Env, f: FoldCall): Expr | undefined {
  if (f.where) return areBools(env, "'where'", [f.where]) ? f.where.value : poison
  const carried = [...new Set(f.over.flatMap((use) => use.where ?? []))]
  return carried.length === 0 ? undefined : carried.reduce((a, b) => apply(env, 'and', [a, b], f.span))
}

/** Undefined after an error. */
function place(env: Env, f: FoldCall, over: readonly string[], of: Expr, where: Expr | undefined): Placed | undefined {
  const table = env.context.axes
  const open = (e: Expr): Expr => over.reduce((opened, axis) => openPart(table, opened, axis), e)
  const body = open(of)
  let said = where && open(where)
  let wholeToken = false
  if (!said && !env.inMask && over.some((axis) => tokenRoot(table, axis))) {
    if (isPair(table, body.axes) || (f.name === 'count' && !f.body)) {
      const mask = env.context.findMask(f.span, env)
      if (mask && isPoison(mask)) return undefined
      said = mask && open(mask)
    } else wholeToken = true
  }
  if (said && isTrue(said)) said = undefined
  if (isPoison(body) || (said && isPoison(said))) return undefined
  const [met = body, ...rest] = meet(table, said ? [body, said] : [body], over, over)
  if (isPoison(met, ...rest)) return undefined
  const bounds = partBounds(table, unionAxes(met.axes, over, ...rest.map((e) => e.axes)), over)
  warnOfMissingAxis(env, f, over, met, rest)
  return { body: met, domain: [...bounds, ...rest].reduce<Expr | undefined>(and, undefined), wholeToken }
}

function warnOfMissingAxis(env: Env, f: FoldCall, over: readonly string[], body: Expr, domain: readonly Expr[]): void {
  if (f.name === 'count') return
  const seen = unionAxes(body.axes, ...domain.map((e) => e.axes))
  const missing = over.filter((axis) => !body.axes.includes(axis) && !(f.where && seen.includes(axis)))
  if (missing.length > 0) report(env, warnings.bodyWithoutAxis(f.body?.span ?? f.span, f.name, missing))
}

function and(a: Expr | undefined, b: Expr | undefined): Expr | undefined {
  return a && b ? call('and', [a, b]) : (a ?? b)
}

export const isTrue = (e: Expr): boolean => e.kind === 'const' && e.value === true
