/**
 * Running sums along the streamed axis. An expression reads one as an element of the walk that makes it; so it is taken out before
 * statistics are pulled, and stands as a name. The walk goes in the direction of the sum, so that no large sums are ever subtracted.
 */
import { type Bound, bound, type Expr, mapChildren, nodesOf, type Scan } from '../ir.ts'
import type { Interner } from './intern.ts'
import type { Obstacle } from './plan.ts'

export interface RunningSum {
  readonly element: Bound
  readonly scan: Scan // in terms of other elements
}
export interface Replaced {
  readonly exprs: readonly Expr[]
  readonly running: readonly RunningSum[]
  /** Elements as the running sums that they stand for. */
  readonly meaning: (e: Expr) => Expr
}

export function takeRunning(exprs: readonly Expr[], streams: readonly string[], names: Interner): Replaced {
  const running: RunningSum[] = []
  const taken = new Map<Expr, Expr>()
  const originals = new Map<Expr, Expr>()
  const visit = (e: Expr): Expr => {
    const known = taken.get(e)
    if (known) return known
    const out = names.intern(mapChildren(e, visit))
    const made = e.kind === 'scan' && out.kind === 'scan' && streams.includes(e.over) ? elementOf(out, e) : out
    taken.set(e, made)
    return made
  }
  const elementOf = (scan: Scan, original: Expr): Expr => {
    const element = names.intern(bound(`c${running.length}`, scan.type, scan.axes, scan.span)) as Bound
    running.push({ element, scan })
    originals.set(element, original)
    return element
  }
  const restore = (e: Expr): Expr => originals.get(e) ?? mapChildren(e, restore)
  return {
    exprs: exprs.map(visit),
    running,
    meaning: (e) => (running.length === 0 ? e : names.intern(restore(e))),
  }
}

export const directionOf = ({ scan }: RunningSum): 'up' | 'down' => (scan.op === 'cumsum_back' ? 'down' : 'up')

/** The running sums that `e` reads, through their own bodies. */
export function runningIn(e: Expr, all: readonly RunningSum[]): readonly RunningSum[] {
  if (all.length === 0) return []
  const nodes = new Set(nodesOf(e))
  const direct = all.filter(({ element }) => nodes.has(element))
  return [...new Set([...direct, ...direct.flatMap(({ scan }) => runningIn(scan.of, all))])]
}

/** Why a fold over `domain` cannot read these running sums in its own walk. */
export function obstacleTo(domain: Expr | undefined, read: readonly RunningSum[]): Obstacle | undefined {
  const other = read.find(({ scan }) => scan.domain !== domain)
  if (other)
    return {
      why: 'a running sum over other places than the sum that reads it',
      at: other.scan,
      change: 'give both the same where',
    }
  const back = read.find((r) => directionOf(r) !== directionOf(read[0] as RunningSum))
  return (
    back && { why: 'running sums from both ends in one sum', at: back.scan, change: 'let both run from the same end' }
  )
}
