/** How an expression moves with the variable of a `solve`. */

import type { Range } from '../interval.ts'
import { type Expr, nodesOf } from '../ir.ts'

/** `constant`: it does not; `rising`, `falling`: not falling, not rising; `unknown`. */
type Trend = 'constant' | 'rising' | 'falling' | 'unknown'

export function findTrend(root: Expr, variable: string, rangeOf: (e: Expr) => Range): Trend {
  const trends = new Map<Expr, Trend>()
  const of = (e: Expr | undefined): Trend => (e && trends.get(e)) ?? 'constant'
  for (const e of nodesOf(root)) trends.set(e, trendOf(e, variable, of, rangeOf))
  return of(root)
}

const flip = (t: Trend): Trend => (t === 'rising' ? 'falling' : t === 'falling' ? 'rising' : t)
const join = (a: Trend, b: Trend): Trend => (a === b || b === 'constant' ? a : a === 'constant' ? b : 'unknown')

function trendOf(e: Expr, variable: string, of: (e: Expr | undefined) => Trend, rangeOf: (e: Expr) => Range): Trend {
  switch (e.kind) {
    case 'bound':
      return e.id === variable ? 'rising' : 'constant'
    case 'spread':
      return of(e.of)
    case 'at':
      return e.places.every(({ index }) => of(index) === 'constant') ? of(e.of) : 'unknown'
    case 'reduce': {
      if (of(e.domain) !== 'constant') return 'unknown'
      return e.op === 'count' || e.op === 'any' || e.op === 'all' ? join(of(e.of), 'constant') : of(e.of)
    }
    case 'scan':
      return of(e.domain) === 'constant' ? of(e.of) : 'unknown'
    case 'call':
      return trendOfCall(e, of, rangeOf)
    case 'solve':
      return [e.lo, e.hi, e.of].every((part) => of(part) === 'constant') ? 'constant' : 'unknown'
    case 'repeat':
      return e.loop.carried.every((c) => of(c.initial) === 'constant' && of(c.next) === 'constant')
        ? 'constant'
        : 'unknown'
    case 'random':
      return [e.seed, ...e.counters].every((part) => of(part) === 'constant') ? 'constant' : 'unknown'
    default:
      return 'constant'
  }
}

const rising = [
  'floor',
  'ceil',
  'round',
  'int',
  'float',
  'exp',
  'exp2',
  'expm1',
  'log',
  'log2',
  'log1p',
  'sqrt',
  'tanh',
]
const alsoRising = ['erf', 'sigmoid', 'softplus', 'sign', 'stop_gradient', 'max', 'min', 'add', 'logaddexp']

function trendOfCall(
  e: Expr & { readonly kind: 'call' },
  of: (e: Expr | undefined) => Trend,
  rangeOf: (e: Expr) => Range,
): Trend {
  const [a, b, c] = e.args
  const trends = e.args.map(of)
  if (trends.every((t) => t === 'constant')) return 'constant'
  if (!a || rising.includes(e.op) || alsoRising.includes(e.op)) return trends.reduce(join)
  if (e.op === 'neg' || e.op === 'rsqrt') return flip(of(a))
  if (e.op === 'straight_through') return of(a)
  if (e.op === 'sub') return join(of(a), flip(of(b)))
  if (e.op === 'select') return of(a) === 'constant' ? join(of(b), of(c)) : 'unknown'
  if (!b) return 'unknown'
  if (e.op === 'mul') return join(times(of(a), rangeOf(b)), times(of(b), rangeOf(a)))
  if (e.op === 'div') {
    const moved = rangeOf(b)
    if (of(b) !== 'constant' && moved.lo < 0 && moved.hi > 0) return 'unknown'
    return join(times(of(a), moved), times(flip(of(b)), rangeOf(a)))
  }
  return e.op === 'pow' ? trendOfPower(a, b, of, rangeOf) : 'unknown'
}

/** Something with this trend times something of these values. */
const times = (t: Trend, { lo, hi }: Range): Trend => (t === 'constant' || lo >= 0 ? t : hi <= 0 ? flip(t) : 'unknown')

function trendOfPower(a: Expr, b: Expr, of: (e: Expr) => Trend, rangeOf: (e: Expr) => Range): Trend {
  if (of(b) !== 'constant') return 'unknown'
  const odd = b.kind === 'const' && Number(b.value) % 2 === 1
  if (odd || rangeOf(a).lo >= 0) return times(of(a), rangeOf(b))
  return 'unknown'
}
