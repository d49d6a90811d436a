/** A strategy asks for points and is told what they cost; it neither builds nor times anything. */
import type { Stream } from '../../runtime/draw.ts'
import { coordinates, keyOf, type Point, type Space } from '../space.ts'

export interface Setting {
  readonly space: Space
  readonly random: Stream
  readonly ranked: readonly Point[] // all points, those that a model expects to be quick first
  readonly batch: number // points that can be built side by side
}

/** Yields points and gets their costs, Infinity where one failed. What it asks for again costs nothing. Ends when it knows no more. */
export type Strategy = (setting: Setting) => Generator<readonly Point[], void, readonly number[]>

export const pick = <T>(all: readonly T[], random: Stream): T => all[Math.floor(random.uniform() * all.length)]!

export function shuffled<T>(all: readonly T[], random: Stream): readonly T[] {
  const list = [...all]
  for (let n = list.length - 1; n > 0; n--) {
    const other = Math.floor(random.uniform() * (n + 1))
    ;[list[n], list[other]] = [list[other]!, list[n]!]
  }
  return list
}

/** What was tried so far, for strategies that begin again somewhere else. */
export class Seen {
  private readonly keys = new Set<string>()
  add(points: readonly Point[]): void {
    for (const point of points) this.keys.add(keyOf(point))
  }
  readonly has = (point: Point): boolean => this.keys.has(keyOf(point))
  /** The best expected one that is left, half of the time; else any. */
  fresh({ ranked, random }: Setting): Point | undefined {
    const left = ranked.filter((point) => !this.has(point))
    return left.length === 0 ? undefined : random.uniform() < 0.5 ? left[0] : pick(left, random)
  }
}

export const distance = (space: Space, a: Point, b: Point): number => {
  const [x, y] = [coordinates(space, a), coordinates(space, b)]
  return Math.hypot(...x.map((value, n) => value - y[n]!))
}
