/**
 * Further names for axes. Where `x[h = a]` meets a sum over `a` inside of x, the sum goes over another axis of the same length, so
 * that the two are told apart.
 */
import type { Axis } from '../attention.ts'

export interface AxisNames {
  /** An axis as long as `axis` that none of `avoid` is. */
  readonly another: (axis: string, avoid: readonly string[]) => string
  /** The axis whose length `axis` has. */
  readonly rootOf: (axis: string) => string
  readonly areAsLong: (a: string, b: string) => boolean
  readonly added: () => readonly Axis[]
}

export function createAxisNames(axes: readonly Axis[]): AxisNames {
  const added = new Map<string, Axis>()
  const declared = new Map(axes.map((axis) => [axis.name, axis]))
  const another = (axis: string, avoid: readonly string[]): string => {
    const of = added.get(axis)?.length ?? { kind: 'like', of: axis }
    const root = of.kind === 'like' ? of.of : axis
    for (let n = 2; ; n++) {
      const name = `${root}${n}`
      if (declared.has(name) || avoid.includes(name)) continue
      const like = declared.get(root) as Axis
      if (!added.has(name))
        added.set(name, { name, length: { kind: 'like', of: root }, time: like.time, span: like.span })
      return name
    }
  }
  const rootOf = (axis: string): string => {
    const length = (declared.get(axis) ?? added.get(axis))?.length
    return length?.kind === 'like' ? rootOf(length.of) : axis
  }
  return { another, rootOf, areAsLong: (a, b) => rootOf(a) === rootOf(b), added: () => [...added.values()] }
}
