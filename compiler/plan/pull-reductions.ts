/** Reductions over the streamed axis: what is pulled stands before them, what is left is free of statistics or stuck. */
import { call, type Expr, f32, type Reduce, reduce, size } from '../ir.ts'
import {
  addWeights,
  conjunction,
  exponential,
  factor,
  power,
  product,
  renderFactored,
  renderSum,
  renderTerm,
  type Sum,
  type Term,
  times,
} from './algebra.ts'
import {
  isConditional,
  isSurelyNonNegative,
  isSurelyPositive,
  type PullScope,
  withoutConstantFactor,
} from './pull-scope.ts'

export function createReductions(scope: PullScope, noteCentred: (sum: Sum) => void, rejoined: (t: Term) => Term) {
  const { names, expand, hasStatistic, isRow, settle, shiftOf } = scope
  const positive = (e: Expr): boolean => isSurelyPositive(e, scope)

  const pull = (e: Reduce): Sum => {
    switch (e.op) {
      case 'sum':
        return sumOf(e, e.of)
      case 'mean': {
        const n = places(e)
        return product(sumOf(e, e.of), [power(n, -1)], names)
      }
      case 'logsumexp':
        return expand(names.intern(call('log', [reduce('sum', e.over, call('exp', [e.of]), e.domain, e.span)])))
      case 'max':
      case 'min':
        return extreme(e)
      default:
        return [factor(names.intern(reduce(e.op, e.over, settle(e.of), e.domain)))]
    }
  }
  const places = (e: Reduce): Term => factor(names.intern(call('float', [countOf(e)])))
  const countOf = (e: Reduce): Expr =>
    e.domain === undefined && e.over.length === 1
      ? size(e.over[0] as string)
      : reduce('count', e.over, { kind: 'const', value: true, type: 'bool', axes: [], span: e.span }, e.domain)

  const sumOf = (e: Reduce, body: Expr): Sum => {
    const terms = expand(body).map(rejoined)
    noteCentred(terms)
    const pulled = terms.map((t) => split(t))
    // One stuck term keeps the body whole: its parts would only be summed twice.
    if (terms.length > 1 && pulled.some(({ rest }) => isStuck(rest)) && !isRow(body))
      return [factor(held(reduce('sum', e.over, wholeBody(body, terms), e.domain, e.span), terms))]
    return pulled.map(({ statistics, rest }) => whereAny(e, statistics, rest, times(statistics, summed(e, rest))))
  }
  const wholeBody = (body: Expr, terms: Sum): Expr =>
    body.kind === 'call' ? renderFactored(terms, names) : settle(body)
  const split = (t: Term): { statistics: Term; rest: Term } => {
    const isPulled = (x: Expr) => hasStatistic(x) && isRow(x)
    const keep = (weights: ReadonlyMap<Expr, number>, want: boolean) =>
      new Map([...weights].filter(([x]) => isPulled(x) === want))
    const factors = new Map([...t.factors].filter(([x]) => isPulled(x) || isFree(x)))
    const statistics = {
      coefficient: t.coefficient,
      factors,
      exponent: keep(t.exponent, true),
      guards: t.guards.filter(isPulled),
      outside: t.outside,
    }
    const rest = {
      coefficient: 1,
      factors: new Map([...t.factors].filter(([x]) => !factors.has(x))),
      exponent: keep(t.exponent, false),
      guards: t.guards.filter((g) => !isPulled(g)),
      outside: t.outside,
    }
    return { statistics, rest }
  }
  /**
   * A sum over places under a condition of their own may be over nothing in a row that has places. It is 0 then, whatever is pulled
   * out of it: a reciprocal may be infinite there, an extreme has nothing to be one of. What it is multiplied with outside does not come under the condition.
   */
  const whereAny = (e: Reduce, statistics: Term, rest: Term, t: Term): Term => {
    const isExtreme = rest.guards.some((g) => scope.shifts.some((s) => s.isAt === g)) // NaN is no extreme of anything
    const isSafe = [...statistics.factors].every(
      ([x, p]) => rest.outside.has(x) || (!isExtreme && !isConditional(x) && (p > 0 || positive(x))),
    )
    if (isSafe || rest.guards.length === 0) return t
    const any = reduce('any', e.over, conjunction(rest.guards), e.domain)
    return factor(names.intern(call('select', [any, renderTerm(t), f32(0)])))
  }
  /** The same for all rows of a head, such as a gain: sums of several gains are then the same sum. */
  const isFree = (x: Expr): boolean =>
    x.kind !== 'const' && !x.axes.some((axis) => axis === 'i' || axis === 'j' || axis === 'd' || axis === 'e')
  const wallsOf = (t: Term): readonly Expr[] =>
    [...t.factors.keys(), ...t.exponent.keys(), ...t.guards].filter((x) => hasStatistic(x) && !isRow(x))
  const isStuck = (t: Term): boolean => wallsOf(t).length > 0
  const summed = (e: Reduce, rest: Term): Term => {
    if (rest.factors.size === 0 && rest.exponent.size === 0 && rest.guards.length === 0) return places(e)
    return factor(held(reduce('sum', e.over, names.intern(renderTerm(rest)), e.domain, e.span), [rest]))
  }
  /** A fold whose body is `terms`, with a note of what keeps statistics in it. */
  const held = (fold: Reduce, terms: Sum): Expr => {
    const e = names.intern(fold)
    const walls = terms.flatMap(wallsOf)
    if (walls.length > 0) scope.walls.set(e, walls)
    return e
  }

  const extreme = (e: Reduce): Sum => {
    const own = (op: 'max' | 'min', x: Expr): Expr => {
      const shift = shiftOf(x) ?? scope.shifts.find((s) => s.x === x)
      return shift && shift.kind === op && shift.domain === e.domain
        ? shift.reference
        : names.intern(reduce(op, e.over, x, e.domain))
    }
    const op = e.op === 'max' ? 'max' : 'min'
    const [inner, by] = withoutConstantFactor(e.of)
    const kind = by < 0 ? opposite(op) : op
    const reference = scope.shifts.find((s) => s.x === inner && s.kind === kind && s.domain === e.domain)?.reference
    if (reference) return [{ ...factor(reference), coefficient: by }]
    if (!hasStatistic(e.of)) {
      const [x, rate] = withoutConstantFactor(e.of)
      return [{ ...factor(own(rate < 0 ? opposite(op) : op, x)), coefficient: rate }]
    }
    const through = throughIncreasing(e)
    if (through) return expand(through)
    const terms = expand(e.of)
    const rows = terms.filter((t) => [...t.factors.keys(), ...t.exponent.keys(), ...t.guards].every(isRow))
    const [rest, ...more] = terms.filter((t) => !rows.includes(t))
    if (!rest) return rows
    if (more.length > 0) return [factor(held(reduce(op, e.over, renderSum(terms, names), e.domain, e.span), terms))]
    const { statistics, rest: free } = split(rest)
    const monotone = rows.length === 0 ? extremeOfExp(op, statistics, free, own) : undefined
    if (monotone) return [monotone]
    const nonNegative = (x: Expr): boolean => isSurelyNonNegative(x, scope)
    const sure = [...statistics.factors.keys()].every(nonNegative) && statistics.guards.length === 0
    if (!sure) return [factor(held(reduce(op, e.over, renderSum(terms, names), e.domain, e.span), terms))]
    return [
      ...rows,
      times(statistics, factor(own(statistics.coefficient < 0 ? opposite(op) : op, names.intern(renderTerm(free))))),
    ]
  }

  /** max f(x) = f(max x) for an f that does not decrease, such as a relu of something that holds a statistic. */
  const throughIncreasing = (e: Reduce): Expr | undefined => {
    if (e.of.kind !== 'call') return undefined
    const { op, args } = e.of
    const pairs = args.filter((x) => !isRow(x))
    const isIncreasing = increasing.has(op) || op === 'max' || op === 'min'
    if (!isIncreasing || pairs.length !== 1) return undefined
    const folded = args.map((x) => (isRow(x) ? x : reduce(e.op, e.over, x, e.domain)))
    return names.intern(call(op, folded, e.span))
  }

  /** max exp(k x) = exp(k max x) for k > 0, where a positive statistic stands before it at most. */
  const extremeOfExp = (
    op: 'max' | 'min',
    statistics: Term,
    free: Term,
    own: (op: 'max' | 'min', x: Expr) => Expr,
  ): Term | undefined => {
    const [only, ...more] = [...free.exponent]
    const isBare =
      free.factors.size === 0 &&
      free.guards.length === 0 &&
      statistics.guards.length === 0 &&
      statistics.coefficient > 0
    if (!only || more.length > 0 || !isBare || ![...statistics.factors.keys()].every(positive)) return undefined
    const [x, rate] = only
    const shift = scope.shifts.find((s) => s.difference === x)
    const extremum = own(rate < 0 ? opposite(op) : op, shift ? shift.x : x)
    const weights = addWeights(new Map([[extremum, rate]]), shift ? new Map([[shift.reference, rate]]) : new Map(), -1)
    return times(statistics, exponential(weights))
  }

  return { pull }
}

const increasing: ReadonlySet<string> = new Set(
  'exp exp2 expm1 log log2 log1p sqrt tanh sigmoid softplus erf floor ceil round'.split(' '),
)
const opposite = (op: 'max' | 'min'): 'max' | 'min' => (op === 'max' ? 'min' : 'max')
