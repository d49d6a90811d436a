/** Forms that the planner knows, for nodes that it would have to treat by themselves. */
import {
  bound,
  call,
  constant,
  type Expr,
  f32,
  type Reduce,
  type RepeatLoop,
  reduce,
  repeat,
  rewrite,
  type Solve,
  size,
  spread,
} from '../ir.ts'

/** Halvings of an interval: the last bit of f32 is reached for every interval whose ends are of a size. */
const halvings = 64

/**
 * `solve` as a `repeat` that halves the interval, and reductions over several axes as one after the other: sums, extremes and
 * counts of them are those of their parts, a mean is a sum over a count.
 */
export function flatten(all: readonly Expr[]): readonly Expr[] {
  const memo = new Map<Expr, Expr>()
  const step = (e: Expr): Expr => {
    const known = memo.get(e)
    if (known) return known
    const out = e.kind === 'solve' ? bisection(e) : e.kind === 'reduce' && e.over.length > 1 ? nested(e) : e
    memo.set(e, out)
    return out
  }
  return all.map((e) => rewrite(e, step))
}

/** The largest t in [lo, hi] with f(t) >= 0, `lo` if there is none; f does not increase. */
function bisection(e: Solve): Expr {
  const { variable } = e
  const at = (t: Expr): Expr => rewrite(e.of, (x) => (x.kind === 'bound' && x.id === variable.id ? t : x))
  const low = bound(`${variable.id} low`, 'f32', e.axes, e.span)
  const high = bound(`${variable.id} high`, 'f32', e.axes, e.span)
  const middle = call('mul', [f32(0.5), call('add', [low, high])], e.span)
  const isBelow = call('le', [f32(0), at(middle)])
  const first = call('select', [call('le', [f32(0), at(e.hi)]), e.hi, e.lo]) // from hi to hi all rounds stay there
  const loop: RepeatLoop = {
    count: constant(halvings, 'i32', e.span),
    carried: [
      { variable: low, initial: spread(first, e.axes), next: call('select', [isBelow, middle, low]) },
      { variable: high, initial: spread(e.hi, e.axes), next: call('select', [isBelow, high, middle]) },
    ],
  }
  return repeat(loop, 0, e.span)
}

function nested(e: Reduce): Expr {
  const [first, ...rest] = e.over
  if (first === undefined || rest.length === 0) return e
  switch (e.op) {
    case 'mean': {
      const count = nested(reduce('count', e.over, constant(true, 'bool'), e.domain, e.span))
      const places = e.domain ? count : e.over.map((axis): Expr => size(axis)).reduce((a, b) => call('mul', [a, b]))
      const sum = nested(reduce('sum', e.over, e.of, e.domain, e.span))
      return call('div', [sum, call('float', [call('max', [places, constant(1, 'i32')])])], e.span)
    }
    case 'logsumexp':
      return reduce('logsumexp', [first], nested(reduce('logsumexp', rest, e.of, e.domain, e.span)), undefined, e.span)
    case 'count': {
      const inner = reduce('count', rest, e.of, e.domain, e.span)
      return reduce('sum', [first], spread(nested(inner as Reduce), [first]), undefined, e.span)
    }
    default: {
      const inner = spread(nested(reduce(e.op, rest, e.of, e.domain, e.span)), [first])
      return reduce(e.op, [first], inner, undefined, e.span)
    }
  }
}
