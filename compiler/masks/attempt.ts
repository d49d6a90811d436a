/**
 * i32 arithmetic wraps, so that an interval says something of it only where nothing leaves i32. Most masks are proven so from
 * 0 <= index < size alone. For others (`j >= i - window`, any window) a class is claimed under tests of lengths and scalars made at
 * run time, as few as will do: an attempt assumes limits, and what it leant on is tested.
 */
import { type Range, range } from '../interval.ts'
import type { Expr } from '../ir.ts'
import type { KernelExpr } from '../kernel.ts'
import type { Linear } from './linear.ts'
import { and, int, le } from './scalar.ts'

export interface Attempt {
  readonly sizes: number // assumed lengths are at most this
  readonly scalars: number // assumed integers of unknown range are at most this, of either sign
  readonly active: (key: string) => boolean
  readonly asked: Map<string, KernelExpr> // the tests that would justify what was assumed
  readonly everywhere: boolean // tensors along the column are asked for all of it, not for the current tile
  readonly done: Map<Expr, Linear> // what was worked out under these assumptions
  failed: boolean
}

const limits: readonly (readonly [sizeBits: number, scalarBits: number])[] = [
  [30, 29],
  [26, 29],
  [24, 24],
  [24, 6],
  [20, 10],
  [15, 15],
  [10, 20],
  [10, 10],
]

/** The first result that holds without wrapping, and the test under which it does; undefined if there is none. */
export function attempt<T>(
  make: (attempt: Attempt) => T,
  everywhere = false,
): { readonly result: T; readonly guard: KernelExpr } | undefined {
  for (const [sizeBits, scalarBits] of [[31, 31] as const, ...limits]) {
    const run = (active: (key: string) => boolean): { readonly result: T; readonly tried: Attempt } => {
      const tried: Attempt = {
        sizes: 2 ** sizeBits - 1,
        scalars: 2 ** scalarBits,
        active,
        asked: new Map(),
        everywhere,
        done: new Map(),
        failed: false,
      }
      return { result: make(tried), tried }
    }
    let best = run(() => true)
    if (best.tried.failed) continue
    const needed = new Set(best.tried.asked.keys())
    for (const key of [...needed]) {
      const fewer = run((other) => other !== key && needed.has(other))
      if (fewer.tried.failed) continue
      needed.delete(key)
      best = fewer
    }
    const tests = [...best.tried.asked].filter(([key]) => needed.has(key)).map(([, test]) => test)
    return { result: best.result, guard: and(...tests) }
  }
  return undefined
}

/** The range of a length, as far as this attempt assumes it. */
export function limitSize(natural: Range, key: string, value: KernelExpr, tried: Attempt): Range {
  return range(natural.lo, limit(natural.hi, tried.sizes, `${key} hi`, le(value, int(tried.sizes)), tried))
}

/** The range of an integer between two scalars. */
export function limitScalar(natural: Range, key: string, lo: KernelExpr, hi: KernelExpr, tried: Attempt): Range {
  const bound = tried.scalars
  if (bound >= 2 ** 31) return natural
  return range(
    -limit(-natural.lo, bound, `${key} lo`, le(int(-bound), lo), tried),
    limit(natural.hi, bound, `${key} hi`, le(hi, int(bound)), tried),
  )
}

function limit(natural: number, assumed: number, key: string, test: KernelExpr, tried: Attempt): number {
  if (natural <= assumed || !tried.active(key)) return natural
  tried.asked.set(key, test)
  return assumed
}
