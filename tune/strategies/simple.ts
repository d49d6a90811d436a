import type { Point } from '../space.ts'
import { type Setting, type Strategy, shuffled } from './strategy.ts'

function* inBatches(points: readonly Point[], { batch }: Setting): ReturnType<Strategy> {
  for (let n = 0; n < points.length; n += batch) yield points.slice(n, n + batch)
}

/** All points, those expected to be quick first. */
export const exhaustive: Strategy = (setting) => inBatches(setting.ranked, setting)
/** All points in any order: what every other strategy has to beat. */
export const random: Strategy = (setting) => inBatches(shuffled(setting.ranked, setting.random), setting)
