/** Somebody else's attention on the inputs of a shape. */
import { createRequire } from 'node:module'
import type { Shape } from '../native/shapes.ts'

export interface Given {
  readonly shape: Shape
  readonly tensors: Readonly<Record<'q' | 'k' | 'v', Float32Array>> // [batch, heads, length, width]
  readonly threads: number
}

export interface Contestant {
  /** Computes the shape once. */
  readonly call: () => unknown
  /** What the last call gave, as [batch, heads, query, width]. */
  readonly result: () => Float32Array
  /** Peers that would take minutes compute a part of the rows; their time is scaled to all. */
  readonly rows?: { readonly first: number; readonly every: number }
  readonly release?: () => unknown
}

export interface Peer {
  readonly name: string
  /** A peer that needs more than one call for a shape is printed, and beaten by nobody. */
  readonly isPrintedOnly?: boolean
  /** Ready for calls; a text says why it cannot be. */
  readonly prepare: (given: Given) => Promise<Contestant | string>
}

/** [batch, first, second, width] as [batch, second, first, width]. */
export function swapAxes(
  x: Float32Array,
  [batch, first, second, width]: readonly [number, number, number, number],
): Float32Array {
  const out = new Float32Array(x.length)
  for (let b = 0; b < batch; b++)
    for (let m = 0; m < first; m++)
      for (let n = 0; n < second; n++) {
        const from = ((b * first + m) * second + n) * width
        out.set(x.subarray(from, from + width), ((b * second + n) * first + m) * width)
      }
  return out
}

/** A package of a folder, which the project itself does without; a text says that it is not there. `from`: a file there. */
export function loadPackage<Package>(name: string, from: string = import.meta.url): Package | string {
  try {
    return createRequire(from)(name) as Package
  } catch (error) {
    return `not installed: ${(error as Error).message.split('\n')[0]}`
  }
}
