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
import { call, children, type Expr, mapChildren, nodesOf, type Reduce, reduce } from '../ir.ts'
import { collect, factor, number, renderSum, type Sum, scaled, times } from './algebra.ts'
import type { Extreme } from './extremes.ts'
import { createConditions } from './pull-conditions.ts'
import { createExponents } from './pull-exponents.ts'
import { createProducts } from './pull-products.ts'
import { createReciprocals } from './pull-reciprocals.ts'
import { createReductions } from './pull-reductions.ts'
import { isStatisticOver, isZero, type PullContext, type PullScope, type Shift } from './pull-scope.ts'

export interface Puller {
  readonly expand: (e: Expr) => Sum
  /** `expand` as an expression again, exponents added before one exp; expressions of other types keep their form. */
  readonly render: (e: Expr) => Expr
  readonly hasStatistic: (e: Expr) => boolean
  readonly isStatistic: (e: Expr) => e is Reduce
  readonly isGuard: (c: Expr) => boolean
  /** Expressions from which a statistic is subtracted in a product or power: candidates for a reference near them. */
  readonly centred: ReadonlySet<Expr>
  /** Exponents of a later pass, in the form that they are computed in, and as the source has them. */
  readonly stuck: ReadonlyMap<Expr, Expr>
  /** `e` with its operands put into safe form. */
  readonly settle: (e: Expr) => Expr
  /** Expressions that a result divides by or takes the logarithm of. */
  readonly divisors: ReadonlySet<Expr>
  /** Conditions that ask whether an element is the extreme of its row. */
  readonly extremes: readonly Extreme[]
  /** The parts of a fold's body that hold a statistic which no rule could pull, by the fold. */
  readonly walls: ReadonlyMap<Expr, readonly Expr[]>
}

export function createPuller(context: PullContext): Puller {
  const { names, streams } = context
  const everywhere: Region = { guards: [], memo: new Map() }
  const regions = new Map<string, Region>()
  let region = everywhere
  const statistic = new Map<Expr, boolean>()
  const open = new Map<Expr, boolean>()
  const references = new Set(context.shifts.map((s) => s.reference))
  const differences = new Set(context.shifts.flatMap((s) => [s.difference, s.isAt]))
  const shiftOf = (x: Expr): Shift | undefined => context.shifts.find((s) => s.x === x && !s.onlyAt)

  const isLargest = (x: Expr): boolean => context.shifts.some((s) => s.kind === 'largest' && s.reference === x)

  const isStatistic = isStatisticOver(streams)
  const hasStatistic = (e: Expr): boolean =>
    remember(statistic, e, () => isStatistic(e) || references.has(e) || children(e).some(hasStatistic))
  const isRow = (e: Expr): boolean => !e.axes.some((axis) => streams.includes(axis))
  /** Plain expressions are taken apart only where an exponential or a shifted expression lies inside. */
  const isOpen = (e: Expr): boolean =>
    remember(open, e, () => {
      if (e.kind === 'reduce' || isRow(e)) return e.kind === 'call' && e.op === 'exp'
      return (
        (e.kind === 'call' && (e.op === 'exp' || e.op === 'exp2' || (e.op === 'pow' && e.args[1]?.kind === 'const'))) ||
        shiftOf(e) !== undefined ||
        differences.has(e) ||
        children(e).some(isOpen)
      )
    })

  const expand = (e: Expr): Sum => {
    const own = names.intern(e)
    const at = isRow(own) ? everywhere : region // elements of its folds are other places
    return within(at, () => remember(at.memo, own, () => collect(expandNew(own), names)))
  }
  const within = <T>(at: Region, f: () => T): T => {
    const before = region
    region = at
    try {
      return f()
    } finally {
      region = before
    }
  }
  const isGuard = (c: Expr): boolean => !isRow(c) && !hasStatistic(c) && !nodesOf(c).some((x) => differences.has(x))
  const expandUnder = (e: Expr, conditions: readonly Expr[]): Sum => {
    const guards = [...new Set([...region.guards, ...conditions.filter(isGuard)])]
    const key = guards.map(names.id).toSorted().join()
    const made = remember(regions, key, (): Region => ({ guards, memo: new Map() }))
    return within(guards.length === 0 ? everywhere : made, () => expand(e))
  }

  const expandNew = (e: Expr): Sum => {
    if (e.type !== 'f32') return [factor(hasStatistic(e) ? settle(e) : e)]
    const shift = shiftOf(e)
    if (shift)
      return shift.kind === 'largest'
        ? [times(factor(shift.difference), factor(shift.reference))]
        : [factor(shift.difference), factor(shift.reference)]
    if (e.kind === 'const' && typeof e.value === 'number') return e.value === 0 ? [] : [number(e.value)]
    if (isStatistic(e)) return pull(e)
    if (!hasStatistic(e) && !isOpen(e)) return [factor(e)]
    if (e.kind === 'spread') return expand(e.of)
    if (e.kind !== 'call') return [factor(settle(e))]
    const rule = rules[e.op]
    return rule?.(e.args as [Expr, Expr, Expr], e) ?? [factor(settle(e))]
  }

  /** A node that algebra cannot open: its operands are put into safe form, the node stays. */
  const settle = (e: Expr): Expr => {
    if (isStatistic(e) && (e.op === 'count' || e.op === 'any')) return whereHolds(e)
    return settleParts(e)
  }
  const settleParts = (e: Expr): Expr =>
    names.intern(mapChildren(e, (child) => (hasStatistic(child) ? render(child) : child)))
  const render = (e: Expr): Expr => (e.type === 'f32' ? renderSum(expand(e), names) : settle(names.intern(e)))

  const extremes: Extreme[] = []
  const notes = {
    centred: new Set<Expr>(),
    divisors: new Set<Expr>(),
    stuck: new Map<Expr, Expr>(),
    extremes,
    walls: new Map<Expr, readonly Expr[]>(),
  }
  const scope: PullScope = {
    ...context,
    ...notes,
    expand,
    expandUnder,
    guards: () => region.guards,
    isGuard,
    render,
    settle,
    hasStatistic,
    isStatistic,
    isOpen,
    isRow,
    shiftOf,
    isLargest,
  }
  const { inverse, rowScaled, noteDivisor } = createReciprocals(scope)
  const { expOf, logOf, rejoined } = createExponents(scope, (sum, e) => {
    const one = rowScaled(sum, e)
    noteDivisor(one)
    return one
  })
  const { add, multiply, noteCentred, root, powOf, homogeneous, unscaled } = createProducts(scope, rowScaled)
  const { selectOf, settleCondition } = createConditions(scope)
  const { pull } = createReductions(scope, noteCentred, rejoined)
  const whereHolds = (e: Reduce): Expr =>
    names.intern(reduce(e.op, e.over, hasStatistic(e.of) ? settleCondition(e.of) : e.of, e.domain))

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
    pow: ([a, b]) => powOf(a, b),
    abs: ([a]) => homogeneous(a, (x) => call('abs', [x])),
    sign: ([a]) => unscaled(a, (x) => call('sign', [x])),
    max: ([a, b]) =>
      isZero(b)
        ? homogeneous(a, (x) => call('max', [x, b]))
        : isZero(a)
          ? homogeneous(b, (x) => call('max', [a, x]))
          : undefined,
    select: ([c, x, y]) => selectOf(c, x, y),
    stop_gradient: ([a]) => expand(a),
    straight_through: ([a]) => expand(a),
  }

  return { expand, render, settle, hasStatistic, isStatistic, isGuard, ...notes }
}

/** Where certain guards hold, with what was expanded there. */
interface Region {
  readonly guards: readonly Expr[]
  readonly memo: Map<Expr, Sum>
}

function remember<K, V>(memo: Map<K, V>, key: K, make: () => V): V {
  const known = memo.get(key)
  if (known !== undefined) return known
  const made = make()
  memo.set(key, made)
  return made
}
