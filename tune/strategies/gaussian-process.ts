/** Regression by a Gaussian process (Rasmussen and Williams, 2006, algorithm 2.1) with a Matern kernel of 5/2. */

export type Process = (at: readonly number[]) => { readonly mean: number; readonly deviation: number }

const lengths = [0.15, 0.3, 0.6, 1.2] // of coordinates from 0 to 1
const noise = 1e-3 // of variance 1

/** @param at  coordinates of each observation, at least one. The length scale is the one of greatest likelihood. */
export function fitProcess(at: readonly (readonly number[])[], y: readonly number[]): Process {
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length
  const scale = Math.sqrt(y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / y.length) || 1
  const targets = y.map((value) => (value - mean) / scale)
  const fits = lengths.map((length) => fit(at, targets, length))
  const best = fits.reduce((a, b) => (b.likelihood > a.likelihood ? b : a))
  return (point) => {
    const k = at.map((other) => matern(point, other, best.length))
    const v = forward(best.factor, k)
    const variance = Math.max(0, 1 - v.reduce((sum, value) => sum + value * value, 0))
    return {
      mean: mean + scale * k.reduce((sum, value, n) => sum + value * best.weights[n]!, 0),
      deviation: scale * Math.sqrt(variance),
    }
  }
}

interface Fit {
  readonly length: number
  readonly factor: readonly Float64Array[] // lower triangle
  readonly weights: Float64Array
  readonly likelihood: number
}

function fit(at: readonly (readonly number[])[], y: readonly number[], length: number): Fit {
  const factor = cholesky(
    at.map((a, i) => Float64Array.from(at.slice(0, i + 1), (b, j) => matern(a, b, length) + (i === j ? noise : 0))),
  )
  const half = forward(factor, y)
  const weights = backward(factor, half)
  const logDeterminant = factor.reduce((sum, row, i) => sum + Math.log(row[i]!), 0)
  return { length, factor, weights, likelihood: -half.reduce((sum, z) => sum + z * z, 0) / 2 - logDeterminant }
}

function matern(a: readonly number[], b: readonly number[], length: number): number {
  const r = (Math.sqrt(5) * Math.hypot(...a.map((value, n) => value - b[n]!))) / length
  return (1 + r + (r * r) / 3) * Math.exp(-r)
}

/** In place: L with L Lᵀ = K. */
function cholesky(k: readonly Float64Array[]): readonly Float64Array[] {
  for (const [i, row] of k.entries()) {
    for (let j = 0; j <= i; j++) {
      let sum = row[j]!
      for (let n = 0; n < j; n++) sum -= row[n]! * k[j]![n]!
      row[j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / k[j]![j]!
    }
  }
  return k
}

function forward(factor: readonly Float64Array[], y: readonly number[]): Float64Array {
  const x = new Float64Array(y.length)
  for (let i = 0; i < y.length; i++) {
    let sum = y[i]!
    for (let n = 0; n < i; n++) sum -= factor[i]![n]! * x[n]!
    x[i] = sum / factor[i]![i]!
  }
  return x
}

function backward(factor: readonly Float64Array[], y: Float64Array): Float64Array {
  const x = new Float64Array(y.length)
  for (let i = y.length - 1; i >= 0; i--) {
    let sum = y[i]!
    for (let n = i + 1; n < y.length; n++) sum -= factor[n]![i]! * x[n]!
    x[i] = sum / factor[i]![i]!
  }
  return x
}
