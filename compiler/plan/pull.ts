/**
 * Pulls statistics out of sums. A statistic is a reduction over the streamed axis, or an expression of such. `expand` gives an
 * expression as a `Sum` in which every reduction left over the streamed axis has a body free of statistics where algebra allows it;
 * where not ("stuck"), the body keeps them and the reduction needs a later pass.
 *
 * Only statistics move. What varies over rows for another reason (slopes, positions, temperatures) stays where the user put it:
 * `slope * (j - i)` is small where it matters, `slope * j` is not.
 *
 * Rules hold for a domain that is not empty; the caller selects the value over nothing.
 */
import { call, children, type Expr, f32, mapChildren, reduce, size } from '../ir.ts'
import {
  addWeights,
  collect,
  exponential,
  factor,
  guarded,
  number,
  power,
  product,
  renderLinear,
  renderSum,
  renderTerm,
  type Sum,
  scaled,
  scaleWeights,
  type Term,
  times,
  weightsKey,
} from './algebra.ts'
import type { Interner } from './intern.ts'

/** `x` is written as `difference + reference` (additive) or `difference * reference`. */
export interface Shift {
  readonly x: Expr
  readonly difference: Expr
  readonly reference: Expr
  readonly kind: 'max' | 'min' | 'largest' | 'mean'
  readonly domain: Expr | undefined
}

export interface PullContext {
  readonly names: Interner
  readonly stream: string
  readonly shifts: readonly Shift[]
  readonly isPositive: (e: Expr) => boolean
  readonly isBounded: (e: Expr) => boolean // exp of it fits the accumulator's window: no reference is needed
  readonly isNonNegative: (e: Expr) => boolean
  readonly distribute: boolean // may a product be multiplied out to free a statistic
}

export interface Puller {
  readonly expand: (e: Expr) => Sum
  /** `expand` as an expression again, exponents added before one exp; expressions of other types keep their form. */
  readonly render: (e: Expr) => Expr
  readonly hasStatistic: (e: Expr) => boolean
  /** Expressions from which a statistic is subtracted in a product or power: candidates for a reference near them. */
  readonly centred: ReadonlySet<Expr>
  /** Exponents that a later pass needs, unbounded: no reference is known for them. */
  readonly unsafe: ReadonlySet<Expr>
  /** Expressions that a result divides by or takes the logarithm of. */
  readonly divisors: ReadonlySet<Expr>
}

const maxTerms = 24
const none: ReadonlyMap<Expr, number> = new Map()

export function createPuller(context: PullContext): Puller {
  const { names, stream } = context
  const memo = new Map<Expr, Sum>()
  const statistic = new Map<Expr, boolean>()
  const exponentials = new Map<Expr, boolean>()
  const centred = new Set<Expr>()
  const divisors = new Set<Expr>()
  const unsafe = new Set<Expr>()
  const references = new Set(context.shifts.map((s) => s.reference))
  const differences = new Set(context.shifts.map((s) => s.difference))
  const shiftOf = (x: Expr): Shift | undefined => context.shifts.find((s) => s.x === x)

  const hasStatistic = (e: Expr): boolean =>
    remember(statistic, e, () => isStatistic(e) || references.has(e) || children(e).some(hasStatistic))
  const isStatistic = (e: Expr): boolean => e.kind === 'reduce' && e.over.includes(stream)
  const isRow = (e: Expr): boolean => !e.axes.includes(stream)
  /** Plain expressions are taken apart only where an exponential or a shifted expression lies inside. */
  const isOpen = (e: Expr): boolean =>
    remember(exponentials, e, () => {
      if (e.kind === 'reduce' || isRow(e)) return e.kind === 'call' && e.op === 'exp'
      return (
        (e.kind === 'call' && (e.op === 'exp' || e.op === 'exp2' || (e.op === 'pow' && e.args[1]?.kind === 'const'))) ||
        shiftOf(e) !== undefined ||
        differences.has(e) ||
        children(e).some(isOpen)
      )
    })

  const expand = (e: Expr): Sum => remember(memo, names.intern(e), () => collect(expandNew(names.intern(e)), names))

  const expandNew = (e: Expr): Sum => {
    if (e.type !== 'f32') return [factor(hasStatistic(e) ? settle(e) : e)]
    const shift = shiftOf(e)
    if (shift)
      return shift.kind === 'largest'
        ? [times(factor(shift.difference), factor(shift.reference))]
        : [factor(shift.difference), factor(shift.reference)]
    if (e.kind === 'const' && typeof e.value === 'number') return e.value === 0 ? [] : [number(e.value)]
    if (isStatistic(e) && e.kind === 'reduce') return pull(e)
    if (!hasStatistic(e) && !isOpen(e)) return [factor(e)]
    if (e.kind === 'spread') return expand(e.of)
    if (e.kind !== 'call') return [factor(settle(e))]
    const rule = rules[e.op]
    return rule?.(e.args as [Expr, Expr, Expr], e) ?? [factor(settle(e))]
  }

  /** A node that algebra cannot open: its operands are put into safe form, the node stays. */
  const settle = (e: Expr): Expr =>
    names.intern(mapChildren(e, (child) => (hasStatistic(child) ? render(child) : child)))
  const render = (e: Expr): Expr => (e.type === 'f32' ? renderSum(expand(e), names) : settle(names.intern(e)))

  const rules: Partial<Record<string, (args: [Expr, Expr, Expr], e: Expr) => Sum | undefined>> = {
    float: ([a]) => [factor(names.intern(call('float', [settle(a)])))],
    neg: ([a]) => scaled(expand(a), -1),
    add: ([a, b], e) => add(e, expand(a), expand(b)),
    sub: ([a, b], e) => add(e, expand(a), scaled(expand(b), -1)),
    mul: ([a, b], e) => multiply(expand(a), expand(b), e),
    div: ([a, b], e) => multiply(expand(a), inverse(b), e),
    exp: ([a], e) => expOf(a, 1, e),
    exp2: ([a], e) => expOf(a, Math.LN2, e),
    log: ([a]) => logOf(a),
    sqrt: ([a], e) => root(a, 0.5, e),
    rsqrt: ([a], e) => root(a, -0.5, e),
    pow: ([a, b], e) => powOf(a, b, e),
    abs: ([a], e) => homogeneous(e, a, (x) => call('abs', [x])),
    sign: ([a]) => unscaled(a, (x) => call('sign', [x])),
    max: ([a, b], e) =>
      isZero(b)
        ? homogeneous(e, a, (x) => call('max', [x, b]))
        : isZero(a)
          ? homogeneous(e, b, (x) => call('max', [a, x]))
          : undefined,
    select: ([c, x, y]) => selectOf(c, x, y),
    stop_gradient: ([a]) => expand(a),
    straight_through: ([a]) => expand(a),
  }

  const multiply = (a: Sum, b: Sum, e: Expr): Sum | undefined => {
    const many = a.length > 1 && b.length > 1
    noteCentred(a)
    noteCentred(b)
    if (a.length * b.length > maxTerms || (many && !context.distribute)) return undefined
    return distributes(a, b, e) ? product(a, b, names) : undefined
  }
  /** Without leave to distribute, a sum that mixes pairs with statistics stays whole. */
  const distributes = (a: Sum, b: Sum, e: Expr): boolean =>
    context.distribute || isRow(e) || [a, b].every((sum) => sum.length <= 1)

  const add = (e: Expr, a: Sum, b: Sum): Sum | undefined => {
    if (!hasStatistic(e) && !shiftInside(e)) return isPlainSum(a, b) ? [factor(e)] : [...a, ...b]
    const all = [...a, ...b]
    return all.length > maxTerms ? undefined : all
  }
  const isPlainSum = (a: Sum, b: Sum): boolean => [...a, ...b].every((t) => t.exponent.size === 0)
  const shiftInside = (e: Expr): boolean => shiftOf(e) !== undefined || (isOpen(e) && children(e).some(shiftInside))
  const noteCentred = (all: Sum): void => {
    const pairs = all.filter((t) => [...t.factors.keys()].some((f) => !isRow(f)))
    const rows = all.filter((t) => !pairs.includes(t) && [...t.factors.keys()].some(hasStatistic))
    if (rows.length === 0) return
    for (const t of pairs) {
      const [only, ...more] = [...t.factors].filter(([f]) => !isRow(f))
      if (only && more.length === 0 && only[1] === 1 && t.exponent.size === 0 && !hasStatistic(only[0]))
        centred.add(only[0])
    }
  }

  // exp, log and powers

  const expOf = (a: Expr, rate: number, e: Expr): Sum | undefined => {
    const weights = scaleWeights(linear(a), rate)
    const isStuck = [...weights.keys()].some((x) => hasStatistic(x) && !isRow(x))
    if (isStuck && !context.isBounded(a)) unsafe.add(a)
    return isStuck ? [factor(settle(e))] : [exponential(weights)]
  }
  /** `a` as weights of pulled statistics and of one plain expression, itself shifted where it has a reference. */
  const linear = (a: Expr): ReadonlyMap<Expr, number> => {
    if (!hasStatistic(a)) return plainLinear(a)
    const weights = statisticLinear(a)
    const plain = new Map([...weights].filter(([x]) => !hasStatistic(x)))
    const others = new Map([...weights].filter(([x]) => hasStatistic(x)))
    const pairs = [...plain.keys()].some((x) => !isRow(x))
    if (!pairs) return weights
    const [only, ...more] = [...plain]
    const joined = only && more.length === 0 ? plainLinear(only[0]) : plainLinear(names.intern(renderLinear(plain)))
    return addWeights(others, joined, only && more.length === 0 ? only[1] : 1)
  }
  const statisticLinear = (a: Expr): ReadonlyMap<Expr, number> => {
    if (!hasStatistic(a)) return new Map([[a, 1]])
    if (a.kind === 'call' && (a.op === 'add' || a.op === 'sub')) {
      const [x, y] = a.args as [Expr, Expr]
      return addWeights(statisticLinear(x), statisticLinear(y), a.op === 'sub' ? -1 : 1)
    }
    if (a.kind === 'call' && a.op === 'neg') return scaleWeights(statisticLinear(a.args[0] as Expr), -1)
    const weights = new Map<Expr, number>()
    for (const t of expand(a)) {
      const atom = names.intern(
        t.factors.size === 0 && t.exponent.size === 0 ? f32(1) : renderTerm({ ...t, coefficient: 1 }),
      )
      weights.set(atom, (weights.get(atom) ?? 0) + t.coefficient)
    }
    return weights
  }
  const plainLinear = (a: Expr): ReadonlyMap<Expr, number> => {
    const [x, rate] = withoutConstantFactor(a)
    const shift = shiftOf(x)
    if (!shift || shift.kind === 'largest') return new Map([[x, rate]])
    return new Map([
      [shift.difference, rate],
      [shift.reference, rate],
    ])
  }

  const logOf = (a: Expr): Sum | undefined => {
    const sum = rowScaled(expand(a), a)
    noteDivisor(sum)
    const [t, ...more] = sum
    if (!t || more.length > 0 || t.guards.length > 0 || t.coefficient <= 0) return undefined
    if (![...t.factors.keys()].every(positive)) return undefined
    const logs = [...t.factors].map(([f, p]) => ({ ...factor(names.intern(call('log', [f]))), coefficient: p }))
    const exponents = [...t.exponent].map(
      ([x, w]): Term => (x.kind === 'const' ? number(w) : { ...factor(x), coefficient: w }),
    )
    const constant = t.coefficient === 1 ? [] : [number(Math.log(t.coefficient))]
    return [...logs, ...exponents, ...constant]
  }
  const root = (a: Expr, p: number, e: Expr): Sum | undefined => {
    const sum = rowScaled(expand(a), a)
    const [t, ...more] = sum
    if (t && more.length === 0 && t.guards.length === 0 && t.coefficient > 0 && [...t.factors.keys()].every(positive))
      return [power(t, p)]
    // A difference of moments may come out a little below zero.
    const safe = context.isNonNegative(a) ? call('max', [renderSum(sum, names), f32(0)]) : renderSum(sum, names)
    return e.kind === 'call' ? [factor(names.intern(call(e.op, [safe])))] : undefined
  }
  const powOf = (a: Expr, b: Expr, _e: Expr): Sum | undefined => {
    if (b.kind !== 'const' || typeof b.value !== 'number') return undefined
    const sum = expand(a)
    const n = b.value
    const whole = b.type === 'i32'
    const [t, ...more] = sum
    if (
      t &&
      more.length === 0 &&
      t.guards.length === 0 &&
      (whole || (t.coefficient > 0 && [...t.factors.keys()].every(positive)))
    )
      return [power(t, n)]
    if (!whole || n < 1 || n > 4 || !context.distribute) return undefined
    noteCentred(sum)
    return Array.from({ length: n - 1 }).reduce<Sum>((x) => product(x, sum, names), sum)
  }

  /** f(c x) = c f(x) for c > 0. */
  const homogeneous = (_e: Expr, a: Expr, f: (x: Expr) => Expr): Sum | undefined => {
    const split = positivePart(a)
    return split && [times(split.pulled, factor(names.intern(f(split.rest))))]
  }
  const unscaled = (a: Expr, f: (x: Expr) => Expr): Sum | undefined => {
    const split = positivePart(a)
    return split && [factor(names.intern(f(split.rest)))]
  }
  /** The positive statistics of a single term, and what they multiply. */
  const positivePart = (a: Expr): { pulled: Term; rest: Expr } | undefined => {
    const [t, ...more] = expand(a)
    if (!t || more.length > 0 || t.guards.length > 0) return undefined
    const isPulled = (f: Expr) => hasStatistic(f) && isRow(f) && positive(f)
    const pulled: Term = {
      ...number(1),
      factors: new Map([...t.factors].filter(([f]) => isPulled(f))),
      exponent: new Map([...t.exponent].filter(([f]) => hasStatistic(f) && isRow(f))),
    }
    const rest: Term = {
      ...t,
      factors: new Map([...t.factors].filter(([f]) => !isPulled(f))),
      exponent: new Map([...t.exponent].filter(([f]) => !(hasStatistic(f) && isRow(f)))),
    }
    return { pulled, rest: names.intern(renderTerm(rest)) }
  }

  const selectOf = (c: Expr, x: Expr, y: Expr): Sum | undefined => {
    const conditions = !hasStatistic(c) ? [c] : isRow(c) ? [settle(c)] : freeConditions(c)
    if (!conditions || (!context.distribute && hasStatistic(x) && !isZero(y))) return undefined
    const under = (sum: Sum, guards: readonly Expr[]): Sum => sum.map((t) => guards.reduce(guarded, t))
    const taken = under(expand(x), conditions)
    if (isZero(y)) return taken
    // Not (a and b) as two cases that exclude each other: not a; a and not b.
    const others = conditions.map((last, k) => [...conditions.slice(0, k), names.intern(call('not', [last]))])
    return [...taken, ...others.flatMap((guards) => under(expand(y), guards))]
  }
  /**
   * A comparison of a single term with zero, as conditions that hold together: the signs of its statistics, per row, and of the rest,
   * without statistics. exp(x) > 0 says x > -inf. A statistic that is NaN makes the row's condition false, as it makes the comparison.
   */
  const freeConditions = (c: Expr): readonly Expr[] | undefined => {
    if (c.kind !== 'call' || (c.op !== 'lt' && c.op !== 'le')) return undefined
    const [left, right] = c.args as [Expr, Expr]
    const other = isZero(left) ? right : isZero(right) ? left : undefined
    if (other?.type !== 'f32') return undefined
    const [t, ...more] = expand(other)
    if (!t || more.length > 0 || t.guards.length > 0) return undefined
    const statistics = [...t.factors.keys()].filter((f) => hasStatistic(f))
    if (!statistics.every((f) => isRow(f) && positive(f))) return undefined
    const signs = statistics.map((f) => call('lt', [f32(0), f]))
    const rest: Term = {
      ...t,
      coefficient: Math.sign(t.coefficient),
      factors: new Map([...t.factors].filter(([f]) => !statistics.includes(f))),
      exponent: none,
    }
    const parts = (wanted: boolean): ReadonlyMap<Expr, number> =>
      new Map([...t.exponent].filter(([x]) => hasStatistic(x) === wanted))
    const exponents = [parts(true), parts(false)]
      .filter((x) => x.size > 0)
      .map((x) => call('lt', [f32(-Infinity), renderLinear(x)]))
    const isPositive = rest.factors.size === 0
    const isTrue = isPositive && isZero(left) === t.coefficient > 0
    if (isPositive && !isTrue) return undefined
    const sign = isPositive ? [] : [call(c.op, isZero(left) ? [f32(0), renderTerm(rest)] : [renderTerm(rest), f32(0)])]
    return [...signs, ...exponents, ...sign].map(names.intern)
  }

  // Reciprocals: a sum of terms at different scales is taken relative to the largest, so that its own scale is never formed.

  const inverse = (e: Expr): Sum => {
    const sum = rowScaled(expand(e), e)
    noteDivisor(sum)
    const [t, ...more] = sum
    if (t && more.length === 0 && t.guards.length === 0) return [power(t, -1)]
    return [power(factor(renderSum(sum, names)), -1)]
  }
  /** A row sum of several terms as one term: what they share times an opaque rest. */
  const rowScaled = (sum: Sum, e: Expr): Sum => {
    if (sum.length < 2 || !isRow(e) || sum.some((t) => t.guards.length > 0)) return sum
    const exponents = sum.map((t) => t.exponent)
    const powers = largestPowers(sum)
    const unpowered = sum.map((t) => times(t, { ...number(1), factors: scaleWeights(powers, -1) }))
    const outer: Term = { ...number(1), factors: powers }
    const keys = new Set(exponents.map((x) => weightsKey(x, names)))
    if (keys.size === 1) {
      const rest = unpowered.map((t) => ({ ...t, exponent: new Map<Expr, number>() }))
      return [
        times(times(outer, exponential(exponents[0] as ReadonlyMap<Expr, number>)), factor(renderSum(rest, names))),
      ]
    }
    if (!exponents.some((x) => [...x.keys()].some(hasStatistic)))
      return [times(outer, factor(renderSum(unpowered, names)))]
    const shared = new Map([...(exponents[0] ?? [])].filter(([x, w]) => exponents.every((other) => other.get(x) === w)))
    const own = exponents.map((x) => addWeights(x, shared, -1))
    const largest = names.intern(finite(own.map(renderLinear).reduce((x, y) => call('max', [x, y]))))
    const rest = unpowered.map((t, k) => ({
      ...t,
      exponent: addWeights(own[k] ?? t.exponent, new Map([[largest, 1]]), -1),
    }))
    return [
      times(times(outer, exponential(addWeights(shared, new Map([[largest, 1]])))), factor(renderSum(rest, names))),
    ]
  }
  /** Powers of multiplicative references shared out of a sum: those of its first term that has one. */
  const largestPowers = (sum: Sum): ReadonlyMap<Expr, number> => {
    const isLargest = (f: Expr) => context.shifts.some((s) => s.kind === 'largest' && s.reference === f)
    const first = sum.find((t) => [...t.factors.keys()].some(isLargest))
    return new Map([...(first?.factors ?? [])].filter(([f]) => isLargest(f)))
  }
  const noteDivisor = (sum: Sum): void => {
    for (const t of sum) for (const f of t.factors.keys()) divisors.add(f)
  }

  // Reductions over the streamed axis

  const pull = (e: Expr & { kind: 'reduce' }): Sum => {
    switch (e.op) {
      case 'sum':
        return sumOf(e, e.of)
      case 'mean': {
        const n = places(e)
        return product(sumOf(e, e.of), [power(n, -1)], names)
      }
      case 'logsumexp':
        return expand(names.intern(call('log', [reduce('sum', e.over, call('exp', [e.of]), e.domain)])))
      case 'max':
      case 'min':
        return extreme(e)
      default:
        return [factor(names.intern(reduce(e.op, e.over, settle(e.of), e.domain)))]
    }
  }
  const places = (e: Expr & { kind: 'reduce' }): Term => factor(names.intern(call('float', [countOf(e)])))
  const countOf = (e: Expr & { kind: 'reduce' }): Expr =>
    e.domain === undefined && e.over.length === 1
      ? size(stream)
      : reduce('count', e.over, { kind: 'const', value: true, type: 'bool', axes: [], span: e.span }, e.domain)

  const sumOf = (e: Expr & { kind: 'reduce' }, body: Expr): Sum => {
    const terms = expand(body)
    noteCentred(terms)
    const pulled = terms.map((t) => split(t))
    // One stuck term keeps the body whole: its parts would only be summed twice.
    if (terms.length > 1 && pulled.some(({ rest }) => isStuck(rest)) && !isRow(body))
      return [factor(names.intern(reduce('sum', e.over, wholeBody(body, terms), e.domain)))]
    return pulled.map(({ statistics, rest }) => times(statistics, summed(e, rest)))
  }
  const wholeBody = (body: Expr, terms: Sum): Expr => (body.kind === 'call' ? renderSum(terms, names) : settle(body))
  const split = (t: Term): { statistics: Term; rest: Term } => {
    const isPulled = (x: Expr) => hasStatistic(x) && isRow(x)
    const keep = (weights: ReadonlyMap<Expr, number>, want: boolean) =>
      new Map([...weights].filter(([x]) => isPulled(x) === want))
    const statistics = {
      coefficient: t.coefficient,
      factors: keep(t.factors, true),
      exponent: keep(t.exponent, true),
      guards: t.guards.filter(isPulled),
    }
    const rest = {
      coefficient: 1,
      factors: keep(t.factors, false),
      exponent: keep(t.exponent, false),
      guards: t.guards.filter((g) => !isPulled(g)),
    }
    return { statistics, rest }
  }
  const isStuck = (t: Term): boolean =>
    [...t.factors.keys(), ...t.exponent.keys(), ...t.guards].some((x) => hasStatistic(x) && !isRow(x))
  const summed = (e: Expr & { kind: 'reduce' }, rest: Term): Term => {
    if (rest.factors.size === 0 && rest.exponent.size === 0 && rest.guards.length === 0) return places(e)
    return factor(names.intern(reduce('sum', e.over, names.intern(renderTerm(rest)), e.domain)))
  }

  const extreme = (e: Expr & { kind: 'reduce' }): Sum => {
    const own = (op: 'max' | 'min', x: Expr): Expr => {
      const shift = shiftOf(x)
      return shift && shift.kind === op && shift.domain === e.domain
        ? shift.reference
        : names.intern(reduce(op, e.over, x, e.domain))
    }
    const op = e.op === 'max' ? 'max' : 'min'
    if (!hasStatistic(e.of)) {
      const [x, rate] = withoutConstantFactor(e.of)
      return [{ ...factor(own(rate < 0 ? opposite(op) : op, x)), coefficient: rate }]
    }
    const terms = expand(e.of)
    const rows = terms.filter((t) => [...t.factors.keys(), ...t.exponent.keys(), ...t.guards].every(isRow))
    const [rest, ...more] = terms.filter((t) => !rows.includes(t))
    if (!rest) return rows
    if (more.length > 0 || isStuck(rest))
      return [factor(names.intern(reduce(op, e.over, renderSum(terms, names), e.domain)))]
    const { statistics, rest: free } = split(rest)
    const monotone = rows.length === 0 ? extremeOfExp(op, statistics, free, own) : undefined
    if (monotone) return [monotone]
    const sure = [...statistics.factors.keys()].every(positive) && statistics.guards.length === 0
    if (!sure) return [factor(names.intern(reduce(op, e.over, renderSum(terms, names), e.domain)))]
    return [
      ...rows,
      times(statistics, factor(own(statistics.coefficient < 0 ? opposite(op) : op, names.intern(renderTerm(free))))),
    ]
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
    const shift = context.shifts.find((s) => s.difference === x)
    const extremum = own(rate < 0 ? opposite(op) : op, shift ? shift.x : x)
    const weights = addWeights(new Map([[extremum, rate]]), shift ? new Map([[shift.reference, rate]]) : new Map(), -1)
    return times(statistics, exponential(weights))
  }

  const positive = (e: Expr): boolean => {
    if (e.kind === 'reduce' && e.over.includes(stream)) return e.op === 'count' || (e.op === 'sum' && positive(e.of))
    if (e.kind === 'call' && e.op === 'float') return isSizeLike(e.args[0])
    if (e.kind === 'call' && e.op === 'exp') return true
    if (e.kind === 'call' && (e.op === 'mul' || e.op === 'div' || e.op === 'add')) return e.args.every(positive)
    if (e.kind === 'call' && e.op === 'sqrt') return positive(e.args[0] as Expr)
    return context.isPositive(e)
  }
  const isSizeLike = (e: Expr | undefined): boolean => e?.kind === 'size' || (e?.kind === 'reduce' && e.op === 'count')

  return { expand, render, hasStatistic, centred, unsafe, divisors }
}

const opposite = (op: 'max' | 'min'): 'max' | 'min' => (op === 'max' ? 'min' : 'max')
const isZero = (e: Expr | undefined): boolean => e?.kind === 'const' && e.value === 0
/** `x`, or 0 where it is not finite: what may be subtracted without making NaN of an infinite row. */
export const finite = (x: Expr): Expr => call('select', [call('lt', [call('abs', [x]), f32(Infinity)]), x, f32(0)])

/** `c * x`, `x * c`, `x / c` and `-x` as x and a number. */
export function withoutConstantFactor(e: Expr): readonly [Expr, number] {
  if (e.kind !== 'call') return [e, 1]
  const [a, b] = e.args
  const numberOf = (x: Expr | undefined): number | undefined =>
    x?.kind === 'const' && typeof x.value === 'number' && x.value !== 0 ? x.value : undefined
  if (e.op === 'neg' && a) {
    const [x, rate] = withoutConstantFactor(a)
    return [x, -rate]
  }
  if (e.op !== 'mul' && e.op !== 'div') return [e, 1]
  const [left, right] = [numberOf(a), numberOf(b)]
  if (e.op === 'mul' && left !== undefined && b) return inner(b, left)
  if (right !== undefined && a) return inner(a, e.op === 'mul' ? right : 1 / right)
  return [e, 1]
}
function inner(e: Expr, rate: number): readonly [Expr, number] {
  const [x, r] = withoutConstantFactor(e)
  return [x, r * rate]
}

function remember<K, V>(memo: Map<K, V>, key: K, make: () => V): V {
  const known = memo.get(key)
  if (known !== undefined) return known
  const made = make()
  memo.set(key, made)
  return made
}
