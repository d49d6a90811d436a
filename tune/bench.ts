/** What a call takes: warm-up, then rounds until the interval of the median is narrow. The clock is given, so that tests have their own. */
import { deviation, type Interval, median, medianInterval, outliers } from './statistics.ts'

export interface Sampling {
  readonly least: number // rounds
  readonly most: number
  readonly milliseconds: number // at most, after the warm-up
  readonly width: number // high / low - 1 of the interval that is narrow enough
  readonly warmUp: number // ms
}

export const usualSampling: Sampling = { least: 10, most: 500, milliseconds: 5000, width: 0.01, warmUp: 200 }

export interface Sample extends Interval {
  readonly milliseconds: number // the median
  readonly deviation: number
  readonly rounds: number
  readonly outliers: number
  readonly isNarrow: boolean
  readonly drift: number // the median of the second half relative to that of the first, less 1
  readonly times: readonly number[]
}

/** @param call  runs once; @param now  ms */
export async function sample(
  call: () => Promise<unknown>,
  now: () => number,
  { least, most, milliseconds, width, warmUp }: Sampling,
): Promise<Sample> {
  const timed = async (): Promise<number> => {
    const start = now()
    await call()
    return now() - start
  }
  const begin = now()
  do await timed()
  while (now() - begin < warmUp)
  const times: number[] = []
  const start = now()
  while (times.length < most) {
    times.push(await timed())
    if (times.length < least) continue
    const { low, high } = medianInterval(times)
    if (high / low - 1 <= width || now() - start >= milliseconds) break
  }
  return describe(times, width)
}

function describe(times: readonly number[], width: number): Sample {
  const { low, high } = medianInterval(times)
  const half = times.length >> 1
  return {
    ...{ milliseconds: median(times), deviation: deviation(times), low, high, rounds: times.length },
    outliers: outliers(times),
    isNarrow: high / low - 1 <= width,
    drift: half === 0 ? 0 : median(times.slice(-half)) / median(times.slice(0, half)) - 1,
    times,
  }
}
