/** How long a candidate takes beside another: rounds in turns until the interval of their ratio is narrow. */
import { fails, type Rig, succeeded, type Tried } from './rig.ts'
import type { Point } from './space.ts'
import { deviation, median, medianInterval, outliers } from './statistics.ts'

export interface Precision {
  readonly width: number // the interval of the ratio is narrow enough once high / low - 1 is below it
  readonly rounds: number // at most
  readonly milliseconds: number // of timing, at most
  readonly hopeless: number // a candidate whose ratio is above it for sure is not timed on
}

export interface Measurement {
  readonly milliseconds: number // the median of a call
  readonly deviation: number
  readonly ratio: number // of the candidate's time to the other's: the median over rounds; 1 where it was alone
  readonly low: number // of the ratio's interval; of the relative time where it was alone
  readonly high: number
  readonly rounds: number
  readonly outliers: number
  readonly isNarrow: boolean
  readonly times: readonly number[]
}

const first = 6 // rounds before anything is decided
const more = 4

/** @param other  the incumbent; undefined: the candidate is timed alone */
export async function measure(
  rig: Rig,
  point: Point,
  other: Point | undefined,
  precision: Precision,
): Promise<Tried<Measurement>> {
  const own: number[] = []
  const ratios: number[] = []
  const warm = await rig.turns(point, other, 1)
  if (!warm.ok) return warm
  for (let spent = 0; ; ) {
    const turns = await rig.turns(point, other, own.length === 0 ? first : more)
    if (!turns.ok) return turns
    if (turns.value.own.length === 0) return fails('error', 'nothing was timed')
    own.push(...turns.value.own)
    ratios.push(...turns.value.own.map((time, n) => time / (turns.value.other[n] ?? 1)))
    spent += [...turns.value.own, ...turns.value.other].reduce((sum, time) => sum + time, 0)
    const summary = summarize(own, ratios, other !== undefined, precision)
    const isHopeless = other !== undefined && summary.low > precision.hopeless
    if (summary.isNarrow || isHopeless || own.length >= precision.rounds || spent >= precision.milliseconds)
      return succeeded(summary)
  }
}

function summarize(
  own: readonly number[],
  ratios: readonly number[],
  isPair: boolean,
  { width }: Precision,
): Measurement {
  const middle = median(own)
  const of = isPair ? ratios : own.map((time) => time / middle)
  const { low, high } = medianInterval(of)
  return {
    milliseconds: middle,
    deviation: deviation(own),
    ratio: isPair ? median(ratios) : 1,
    low,
    high,
    rounds: own.length,
    outliers: outliers(own),
    isNarrow: high / low - 1 <= width,
    times: own,
  }
}
