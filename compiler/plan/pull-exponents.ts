/** exp and log of sums: statistics leave an exponent, and what is left is taken relative to its reference. */
import { call, type Expr, f32, nodesOf } from '../ir.ts'
import {
  addWeights,
  exponential,
  factor,
  number,
  renderLinear,
  renderTerm,
  type Sum,
  scaleWeights,
  type Term,
  times,
} from './algebra.ts'
import { hasFoldOf } from './guarded.ts'
import { isSurelyPositive, type PullScope, type Shift, singleTerm, withoutConstantFactor } from './pull-scope.ts'

interface Linear {
  readonly weights: ReadonlyMap<Expr, number>
  readonly taken: readonly Expr[]
}

export function createExponents(scope: PullScope, rowScaled: (sum: Sum, e: Expr) => Sum) {
  const { names, expand, hasStatistic, isRow, settle, shiftOf } = scope

  const isDifference = (e: Expr): boolean => scope.elements.has(e) || scope.shifts.some((s) => s.difference === e)

  const expOf = (a: Expr, rate: number, e: Expr): Sum | undefined => {
    const { weights, taken } = linear(a)
    if (![...weights.keys()].some((x) => hasStatistic(x) && !isRow(x)))
      return [taken.map(whereFinite).reduce(times, exponential(scaleWeights(weights, rate)))]
    return scope.isBounded(a) ? [factor(settle(e))] : [exponential(scaleWeights(stuckLinear(a), rate))]
  }
  /**
   * An exponent that holds a statistic which does not leave it, as weights of what does and of the rest. The rest is an expression of
   * a later pass, and has a reference of its own there.
   */
  const stuckLinear = (a: Expr): ReadonlyMap<Expr, number> => {
    const parts = summands(a)
    const isPulled = (x: Expr): boolean => isRow(x) && hasStatistic(x)
    const rows = [...parts].filter(([x]) => isPulled(x))
    const rest = new Map([...parts].filter(([x]) => !isPulled(x)))
    const [found, rate] = withoutConstantFactor(names.intern(renderLinear(rest)))
    const x = scope.stuck.get(found) ?? found
    const settled = names.intern(settle(x))
    scope.stuck.set(settled, x)
    const shift = shiftOf(x)
    const relative: ReadonlyMap<Expr, number> =
      shift && shift.kind !== 'largest'
        ? new Map([
            [shift.difference, rate],
            [shift.reference, rate],
          ])
        : new Map([[settled, rate]])
    return rows.reduce((sum, [row, w]) => addWeights(sum, statisticLinear(row), w), relative)
  }
  /** What `a` is the sum of, as it is written. */
  const summands = (a: Expr): ReadonlyMap<Expr, number> => {
    const [x, rate] = withoutConstantFactor(a)
    if (x.kind !== 'call' || (x.op !== 'add' && x.op !== 'sub')) return new Map([[x, rate]])
    const [left, right] = x.args as [Expr, Expr]
    return scaleWeights(addWeights(summands(left), summands(right), x.op === 'sub' ? -1 : 1), rate)
  }
  /**
   * `a` as weights of pulled statistics and of one plain expression, itself shifted where it has a reference. `taken`: the references
   * that the source itself takes from what they are of.
   */
  const linear = (a: Expr): Linear => {
    if (!hasStatistic(a)) return { weights: plainLinear(a, []), taken: [] }
    const weights = statisticLinear(a)
    const plain = new Map([...weights].filter(([x]) => !hasStatistic(x)))
    const others = new Map([...weights].filter(([x]) => hasStatistic(x)))
    const pairs = [...plain.keys()].some((x) => !isRow(x))
    if (!pairs) return { weights, taken: [] }
    const [only, ...more] = [...plain]
    const whole = only && more.length === 0 ? only[0] : names.intern(renderLinear(plain))
    const joined = scaleWeights(plainLinear(whole, [...others.keys()]), only && more.length === 0 ? only[1] : 1)
    const taken = [...joined].filter(([x, w]) => references.has(x) && w * (others.get(x) ?? 0) < 0)
    return { weights: addWeights(others, joined), taken: taken.map(([x]) => x) }
  }
  /**
   * An extreme that is infinite has no difference from itself. What is computed takes differences from 0 there, and may have a number
   * where the source has none.
   */
  const whereFinite = (reference: Expr): Term => {
    const holds = call('lt', [call('abs', [reference]), f32(Infinity)])
    return factor(names.intern(call('select', [holds, f32(1), f32(Number.NaN)])))
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
  /** `others`: what stands beside `a` in its exponent. */
  const plainLinear = (a: Expr, others: readonly Expr[]): ReadonlyMap<Expr, number> => {
    const [x, rate] = withoutConstantFactor(scope.guarded.bare(a))
    if (x.kind === 'call' && (x.op === 'add' || x.op === 'sub') && !shiftOf(x) && nodesOf(x).some(isDifference)) {
      const [left, right] = x.args as [Expr, Expr]
      const sum = addWeights(plainLinear(left, others), plainLinear(right, others), x.op === 'sub' ? -1 : 1)
      return scaleWeights(sum, rate)
    }
    const form = formOf(x, rate, scope.guards(), others)
    if (form !== x && scope.stage !== 'use') return new Map([[form, rate]])
    return relativeTo(shiftOf(form), rate) ?? new Map([[x, rate]])
  }
  const relativeTo = (shift: Shift | undefined, rate: number): ReadonlyMap<Expr, number> | undefined =>
    shift && shift.kind !== 'largest'
      ? new Map([
          [shift.difference, rate],
          [shift.reference, rate],
        ])
      : undefined
  /** `x` or its guarded form, whichever its reference is to be of. */
  const formOf = (x: Expr, rate: number, guards: readonly Expr[], others: readonly Expr[]): Expr => {
    const { guarded, stage } = scope
    const form = guarded.of(x, rate, guards)
    if (form === x) return x
    if (stage === 'decide') guarded.note(form, !hasFoldOf(x, form, others, references))
    return guarded.isWanted(form) ? form : x
  }
  const references = new Map(scope.shifts.map((s) => [s.reference, s.x]))
  /** Bases of powers under conditions, relative to the largest one where these hold. */
  const relativeBases = (t: Term): Term => {
    const guards = t.guards.filter(scope.isGuard)
    const relative = [...t.factors].map(([x, p]): readonly [Expr, number][] => {
      const form = guards.length === 0 || isRow(x) ? undefined : scope.guarded.ofBase(x, guards)
      const shift = form && scope.shifts.find((s) => s.kind === 'largest' && s.x === form)
      return shift
        ? [
            [shift.difference, p],
            [shift.reference, p],
          ]
        : [[x, p]]
    })
    const factors = relative.reduce(
      (all, own) => addWeights(all, new Map(own)),
      new Map<Expr, number>() as ReadonlyMap<Expr, number>,
    )
    return { ...t, factors }
  }
  /** Exponents of several factors of a product as one: where that one has a reference, it is taken relative to it. */
  const rejoinedExponent = (t: Term): Term => {
    const parts = new Map([...t.exponent].filter(([x]) => !isRow(x) && !hasStatistic(x)))
    const others = [...t.exponent.keys()].filter((x) => !parts.has(x))
    if (parts.size === 0) return t
    const [whole, rate] = withoutConstantFactor(scope.guarded.bare(names.intern(renderLinear(parts))))
    const form = formOf(whole, rate, t.guards.filter(scope.isGuard), others)
    const relative = relativeTo(shiftOf(form) ?? shiftOf(whole), rate)
    return relative ? { ...t, exponent: addWeights(addWeights(t.exponent, parts, -1), relative) } : t
  }
  /** What is left of a product after statistics have left it, under the conditions of all its factors. */
  const rejoined = (t: Term): Term => (scope.stage === 'use' ? rejoinedExponent(relativeBases(t)) : t)

  const logOf = (a: Expr): Sum | undefined => {
    const t = singleTerm(rowScaled(expand(a), a))
    if (!t || t.coefficient <= 0 || ![...t.factors.keys()].every((f) => isSurelyPositive(f, scope))) return undefined
    const logs = [...t.factors].map(([f, p]) => ({ ...factor(names.intern(call('log', [f]))), coefficient: p }))
    const exponents = [...t.exponent].map(
      ([x, w]): Term => (x.kind === 'const' ? number(w) : { ...factor(x), coefficient: w }),
    )
    const constant = t.coefficient === 1 ? [] : [number(Math.log(t.coefficient))]
    return [...logs, ...exponents, ...constant]
  }

  return { expOf, logOf, rejoined }
}
