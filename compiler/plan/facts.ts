/** What the planner knows of values: signs, and whether an exponential or a power of them fits the accumulator. */
import type { Attention } from '../attention.ts'
import { type Expr, nodesOf } from '../ir.ts'
import { createRanges, isNonNegative, isPositive } from '../range.ts'
import type { Facts } from './derive.ts'
import type { Interner } from './intern.ts'
import type { PlanOptions } from './make-plan.ts'
import type { Request } from './stages.ts'

// Windows of the accumulator (docs/planner.md, When no reference is needed), for sums of up to 2^20 elements.

const window = { lo: -80, hi: 80 - Math.log(2 ** 20) }
const assumed = 2 ** 14

/** Buffers are looked at as what they hold: `meaning` gives it back. */
export function factsOf(
  attention: Attention,
  options: PlanOptions,
  names: Interner,
  requests: readonly Request[],
  meaning: (e: Expr) => Expr,
): Facts {
  // Where there is one domain, every body is evaluated at its places only, so that relations like x <= max x hold there.
  const domains = [
    ...new Set(
      nodesOf(...requests.map((r) => r.expr)).flatMap((e) =>
        e.kind === 'reduce' && e.over.some((axis) => axis === 'i' || axis === 'j') ? [e.domain] : [],
      ),
    ),
  ]
  const holds = domains.length === 1 && domains[0] ? [meaning(domains[0])] : []
  const likely = createRanges({ attention, sizes: options.sizes, holds, assumed: true })
  const certain = createRanges({ attention, sizes: options.sizes, holds })
  const ranges = (e: Expr) => likely(meaning(e))
  const sure = (e: Expr) => certain(meaning(e))
  const magnitude = (x: number): number => (Number.isFinite(x) ? Math.abs(x) : assumed)
  return {
    names,
    isPositive: (e) => isPositive(sure(e)),
    isNonNegative: (e) => isNonNegative(sure(e)),
    fitsExp: (e, divides) => {
      const { lo, hi } = ranges(e)
      return hi <= window.hi && (!divides || lo >= window.lo)
    },
    fitsPower: (e, power, divides) => {
      const { lo, hi } = ranges(e)
      const largest = Math.max(magnitude(lo), magnitude(hi))
      const smallest = lo > 0 ? lo : hi < 0 ? -hi : 1 / assumed
      if (largest === 0) return true
      const ends = [power * Math.log(Math.max(largest, Number.MIN_VALUE)), power * Math.log(smallest)]
      return Math.max(...ends) <= window.hi && (!divides || Math.min(...ends) >= window.lo)
    },
  }
}
