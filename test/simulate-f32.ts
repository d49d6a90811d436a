/** Attention rows in float32 as a kernel might compute them: every operation rounded, sums in a random order. */
const f = Math.fround

/** How one run differs from another, and what is broken in it on purpose. */
export interface Machine {
  readonly next: () => number // uniform: decides orders of summation
  readonly fault?: 'dropped term' | 'doubled rescale' | 'tail off by one' | 'half precision sum'
}

export interface Row {
  readonly q: Float32Array // [d]
  readonly k: readonly Float32Array[] // admitted keys
  readonly v: readonly Float32Array[]
  readonly scale: number
}

export type Simulated = (row: Row, machine: Machine) => Float32Array

/** A sum in random order, pairwise or one after the other. */
export function sum(terms: Float32Array, { next, fault }: Machine): number {
  const left = terms.slice()
  for (let n = left.length - 1; n > 0; n -= 1) {
    const other = Math.floor(next() * (n + 1))
    const kept = left[n]!
    left[n] = left[other]!
    left[other] = kept
  }
  const round = fault === 'half precision sum' ? Math.f16round : f
  const pairwise = (x: Float32Array): number =>
    x.length < 3
      ? round((x[0] ?? 0) + (x[1] ?? 0))
      : round(pairwise(x.subarray(0, x.length >> 1)) + pairwise(x.subarray(x.length >> 1)))
  return next() < 0.5 ? pairwise(left) : left.reduce((a, b) => round(a + b), 0)
}

const score = ({ q, k, scale }: Row, machine: Machine) => {
  const exact = { next: machine.next }
  return Float32Array.from(k, (key) =>
    f(
      sum(
        key.map((x, d) => x * q[d]!),
        exact,
      ) * scale,
    ),
  )
}

const product = (w: Float32Array, v: readonly Float32Array[], machine: Machine) =>
  Float32Array.from(v[0] ?? [], (_, e) => {
    const terms = w.map((x, j) => x * v[j]![e]!)
    if (machine.fault === 'dropped term') terms[Math.floor(terms.length / 3)] = 0
    if (machine.fault === 'tail off by one') terms[terms.length - 1] = 0
    return sum(terms, machine)
  })

/** exp(s - max s), the denominator, and the scores. With 'doubled rescale' the first half counts twice in the denominator only. */
function exponentials(row: Row, machine: Machine) {
  const s = score(row, machine)
  const high = Math.max(...s)
  const e = s.map((x) => Math.exp(f(x - high)))
  const counted = machine.fault === 'doubled rescale' ? e.map((x, j) => (j < e.length / 8 ? 2 * x : x)) : e
  return { s, e, high, z: sum(counted, machine) }
}

export const softmax: Simulated = (row, machine) => {
  const { e, z } = exponentials(row, machine)
  return product(e, row.v, machine).map((x) => x / z)
}
export const logsumexp: Simulated = (row, machine) => {
  const { high, z } = exponentials(row, machine)
  return Float32Array.of(high + f(Math.log(z)))
}
export const entropy: Simulated = (row, machine) => {
  const { s, e, high, z } = exponentials(row, machine)
  const t = sum(
    e.map((x, j) => x * f(s[j]! - high)),
    machine,
  )
  return Float32Array.of(f(Math.log(z)) - f(t / z))
}
export const sigmoid: Simulated = (row, machine) => {
  const w = score(row, machine).map((x) => 1 / f(1 + f(Math.exp(-x))))
  return product(w, row.v, machine)
}
export const zScore: Simulated = (row, machine) => {
  const s = score(row, machine)
  const mean = f(sum(s, machine) / s.length)
  const c = s.map((x) => x - mean)
  const spread = f(
    f(
      Math.sqrt(
        f(
          sum(
            c.map((x) => x * x),
            machine,
          ) / s.length,
        ),
      ),
    ) + f(0.001),
  )
  return product(
    c.map((x) => x / spread),
    row.v,
    machine,
  )
}
export const power4: Simulated = (row, machine) => {
  const p = score(row, machine).map((x) => f(x * x) * f(x * x))
  const z = f(sum(p, machine) + f(0.001))
  return product(p, row.v, machine).map((x) => x / z)
}
