/** What a target is to reach, and whether it did; the numbers are those of the native one. */
import type { Rate } from '../native/examples.ts'

export interface Goal {
  readonly about: string
  readonly wanted: number
  readonly got: number | undefined // undefined: it could not be measured
  readonly unit: '%' | '×' | 'µs' | 's' | 'ms' | 'KB' | 'GFLOP/s'
  readonly isMost?: boolean // the number is to stay below; else it is to be reached
  readonly note?: string // why it cannot be reached, or was not measured
  readonly isExplained?: boolean // where a reason does for what is missed: the note has it
}

interface ShapeGoals {
  readonly share: number // of what bounds it: fused multiplications, or reading memory
  readonly peer: number // times the best peer
}

export const shapeGoals: Readonly<Record<string, ShapeGoals>> = {
  A: { share: 0.88, peer: 1.4 },
  B: { share: 0.83, peer: 3 },
  C: { share: 0.83, peer: 2 },
  D: { share: 0.68, peer: 1.6 },
  E: { share: 0.8, peer: 2.5 },
  F: { share: 0.6, peer: 11 },
  G: { share: 0.83, peer: 1.75 },
  H: { share: 0.83, peer: 2.5 },
  I: { share: 0.72, peer: 7 },
}
export const twoThreads = 1.85 // times one thread

export const isReached = ({ wanted, got, isMost, isExplained }: Goal): boolean =>
  got !== undefined && (isExplained === true || (isMost ? got <= wanted : got >= wanted))

export function goalRow(goal: Goal): readonly string[] {
  const { about, wanted, got, isMost, note = '' } = goal
  const sign = isMost ? '≤' : '≥'
  return [about, `${sign} ${show(wanted, goal)}`, got === undefined ? '-' : show(got, goal), verdict(goal), note]
}

/** How far away it is: in the measure of the goal itself for shares, else in percent of it. */
function verdict(goal: Goal): string {
  const { wanted, got, unit } = goal
  if (got === undefined) return 'not measured'
  if (goal.isExplained) return 'has its reason'
  if (isReached(goal)) return 'reached'
  const apart = Math.abs(wanted - got)
  return unit === '%'
    ? `missed by ${(100 * apart).toFixed(1)} points`
    : `missed by ${((100 * apart) / wanted).toFixed(0)} %`
}

const show = (x: number, { unit }: Goal): string => {
  if (unit === '%') return `${(100 * x).toFixed(1)} %`
  return unit === '×' ? `${x.toFixed(2)}×` : `${Number(x.toPrecision(3))} ${unit}`
}

export const lastLine = (goals: readonly Goal[]): string =>
  `${goals.filter(isReached).length} of ${goals.length} goals reached`

const exampleShare = 0.6

/**
 * A share that is missed has its reason where an example computes and reads more for a multiply-add than softmax does, and all of it
 * at the rate that is wanted; or where its plan says why something is materialised. Else there is no reason, and it is missed.
 */
export function exampleGoal({ name, share, shareOfAll, perPair, materialised }: Omit<Rate, 'milliseconds'>): Goal {
  const isMissed = share < exampleShare
  const isMore = isMissed && shareOfAll >= exampleShare
  const reason = isMore
    ? `of all that it takes, ${(100 * shareOfAll).toFixed(0)} % of the rate of softmax: `
    : isMissed && materialised !== undefined
      ? `materialised: ${materialised}; `
      : ''
  return {
    ...{ about: `${name} of the rate of softmax`, wanted: exampleShare, got: share, unit: '%' as const },
    note: `${reason}${perPair}`,
    isExplained: reason !== '',
  }
}

/** What bench/calls.ts measures. */
export interface CallCosts {
  readonly 'ms of the first load on a machine': Readonly<Record<string, number>>
  readonly 'ms of the first load in a process': Readonly<Record<string, number>>
  readonly 'µs of a call': Readonly<Record<string, number>>
}

/** The loader is built once for a machine, so its time is no kernel's; that of Node's modules is nobody's here. */
export function callGoals(costs: CallCosts): readonly Goal[] {
  const { loader = 0, kernel = 0 } = costs['ms of the first load in a process']
  const most = { isMost: true } as const
  return [
    { ...most, about: 'a call of a small kernel', wanted: 2, got: costs['µs of a call']['in this thread'], unit: 'µs' },
    {
      ...most,
      about: 'a first call',
      wanted: 2500,
      got: costs['ms of the first load on a machine'].kernel,
      unit: 'ms',
    },
    { ...most, about: 'a first call in a later process', wanted: 30, got: loader + kernel, unit: 'ms' },
  ]
}
