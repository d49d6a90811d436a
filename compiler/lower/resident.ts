/**
 * Which axes a block of a walk holds whole beside its tile of rows. Where heads are mixed, every head's scores are needed for every
 * head's result; a block that held one head would compute them all again for each.
 */
import { type Expr, nodesOf } from '../ir.ts'

const features: readonly string[] = ['d', 'e']

/** Axes of a result that the block holds all of, since it folds them or mixes them with others as long, and those. */
export function residentAxes(
  roots: readonly Expr[],
  rowAxis: string,
  streams: readonly string[],
  batch: readonly string[],
  sizes: Readonly<Record<string, number>>,
): ReadonlySet<string> {
  const pairs = nodesOf(...roots).filter(
    (e) => e.axes.includes(rowAxis) && e.axes.some((axis) => streams.includes(axis)),
  )
  const mixed = new Set(
    nodesOf(...roots).flatMap((e) => (e.kind === 'reduce' ? e.over.filter((axis) => !features.includes(axis)) : [])),
  )
  const shared = batch.flatMap((axis) => {
    const others = [...mixed].filter((x) => x !== axis && sizes[x] !== undefined && sizes[x] === sizes[axis])
    const used = others.filter((x) => pairs.some((e) => e.axes.includes(x) && !e.axes.includes(axis)))
    const isFolded = mixed.has(axis) && sizes[axis] !== undefined
    return isFolded || used.length > 0 ? [axis, ...others] : []
  })
  return new Set(shared)
}
