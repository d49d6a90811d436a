/** What is wanted of rows that admit what is not finite. */
import type { Outcome } from '../../compiler/interpret.ts'
import type { Inputs } from '../runners.ts'
import type { Probe, ProbeContext } from './probes.ts'

/** The definition's results, by name. */
export type Expected = Readonly<Record<string, Outcome>>
export type Define = (inputs: Inputs) => Expected

/**
 * Where the definition is not finite, any number that is not finite will do: what matters is that no other row is. A finite one
 * will do where the planted value has a weight of exactly 0, so that the definition is the same with 0 and with 1 in its place; it
 * is held to that.
 */
export function isolated(
  wanted: Expected,
  got: Inputs,
  context: ProbeContext,
  { instead }: Probe,
  define: Define,
): Expected {
  const missed = Object.entries(wanted).some(([name, { value }]) =>
    value.some((x, n) => !Number.isFinite(x) && isFiniteIn(got, name, n)),
  )
  const [zero, one] = missed && instead ? [instead(context, 0), instead(context, 1)] : []
  const [without, other] = [zero && define(zero), one && define(one)]
  return Object.fromEntries(
    Object.entries(wanted).map(([name, want]) => {
      const values = got[name]?.data ?? []
      return [name, relaxed(want, values, without?.[name], other?.[name])]
    }),
  )
}

const isFiniteIn = (got: Inputs, name: string, n: number): boolean => Number.isFinite(got[name]?.data[n])

function relaxed(
  want: Outcome,
  got: ArrayLike<number>,
  without: Outcome | undefined,
  other: Outcome | undefined,
): Outcome {
  const [value, hard, expected] = [want.value.slice(), want.hard?.slice(), want.expected?.slice()]
  for (let n = 0; n < value.length; n++) {
    if (Number.isFinite(value[n])) continue
    const x = without?.value[n]
    if (!Number.isFinite(got[n])) value[n] = got[n]!
    else if (x !== undefined && x === other?.value[n]) {
      value[n] = x
      if (hard) hard[n] = without?.hard?.[n] ?? 0
      if (expected) expected[n] = without?.expected?.[n] ?? 0
    }
  }
  return { ...want, value, ...(hard ? { hard } : {}), ...(expected ? { expected } : {}) }
}
