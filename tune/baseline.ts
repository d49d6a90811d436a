/** Results of `attnc bench` as a file, and how later ones compare with them. */
import { existsSync, readFileSync } from 'node:fs'
import { cannotRead } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { median, rankTest } from './statistics.ts'

export const baselineVersion = 1

/** One attention at one shape. */
export interface Benched {
  readonly attention: string
  readonly target: string
  readonly device: string
  readonly dtype: string
  readonly shape: Readonly<Record<string, number>>
  readonly times: readonly number[] // ms
}

export function readBaseline(path: string): Outcome<readonly Benched[]> {
  const again = 'write one: attnc bench FILE -o old.json'
  if (!existsSync(path)) return failed(problem('ATTN0310', `no such file: ${path}`, again))
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return failed(
      error instanceof SyntaxError ? problem('ATTN0372', `${path} is no JSON`, again) : cannotRead(path, error),
    )
  }
  const { attncBench: version, results } = (content ?? {}) as {
    readonly attncBench?: unknown
    readonly results?: unknown
  }
  if (typeof version === 'number' && version > baselineVersion)
    return failed(
      problem('ATTN0371', `${path} was written by a newer attnc: version ${version} of the format`, 'update attnc'),
    )
  if (version !== baselineVersion || !Array.isArray(results) || !results.every(isBenched))
    return failed(problem('ATTN0372', `${path} is not what attnc bench writes`, again))
  return done(results)
}

const isBenched = (x: unknown): x is Benched => {
  if (typeof x !== 'object' || x === null) return false
  const { attention, target, device, dtype, shape, times } = x as Record<keyof Benched, unknown>
  const isTimes =
    Array.isArray(times) && times.length > 0 && times.every((time) => typeof time === 'number' && time > 0)
  return (
    [attention, target, device, dtype].every((text) => typeof text === 'string') && typeof shape === 'object' && isTimes
  )
}

export const printBaseline = (results: readonly Benched[]): string =>
  `${JSON.stringify({ attncBench: baselineVersion, results }, undefined, 2)}\n`

export interface Comparison {
  readonly ratio: number // of the medians, new to old
  readonly chance: number // that samples of one distribution differ as much
  readonly verdict: 'slower' | 'quicker' | 'alike'
}

const significant = 0.01

/** @param tolerance  the share of the old time by which a change has to exceed it */
export function compare(old: readonly number[], now: readonly number[], tolerance: number): Comparison {
  const ratio = median(now) / median(old)
  const chance = rankTest(old, now)
  const isReal = chance < significant
  const verdict =
    isReal && ratio > 1 + tolerance ? 'slower' : isReal && ratio < 1 / (1 + tolerance) ? 'quicker' : 'alike'
  return { ratio, chance, verdict }
}

const placeOf = ({ attention, target, dtype, shape }: Benched): string =>
  JSON.stringify([attention, target, dtype, Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1))])

/** The old result for the same. */
export const baselineOf = (old: readonly Benched[], now: Benched): Benched | undefined =>
  old.find((one) => placeOf(one) === placeOf(now))
