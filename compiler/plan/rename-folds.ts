/**
 * Axes of folds, where blocks of a walk are counted along axes as long.
 *
 * A fold over such an axis itself, of queries or keys alone, such as the largest of all heads in the scores of each, goes over another
 * axis of the same length, since a block has one index of its own. One that looks at pairs keeps the axis, and takes it where it went
 * over another: a block then holds all of it, so that pairs are computed once (lower/resident.ts).
 */
import { type Expr, nodesOf, type Reduce, rewrite } from '../ir.ts'
import type { AxisNames } from './axis-names.ts'
import { underNames, underOtherNames } from './normalise.ts'
import { tokenAxes, tokensOf } from './walks.ts'

/** @param isHeld  whether blocks hold all of an axis, its length being known */
export function createRenaming(roots: readonly Expr[], axes: AxisNames, isHeld: (axis: string) => boolean) {
  const tokenFolds = nodesOf(...roots).filter(
    (e) => (e.kind === 'reduce' || e.kind === 'scan') && tokensOf([e.over].flat()).length > 0,
  )
  const counted = new Set([...roots, ...tokenFolds].flatMap((e) => e.axes).filter((axis) => !isHeld(axis)))
  for (const axis of tokenAxes) counted.delete(axis)

  const rename = (e: Reduce): Expr => {
    if (!readsPairs(e.of)) {
      const met = e.over.filter((axis) => counted.has(axis))
      return met.length > 0 ? underOtherNames(e, met, axes) : e
    }
    const [axis, ...more] = e.over
    const root = axis === undefined || more.length > 0 ? undefined : axes.rootOf(axis)
    const isFree = root !== undefined && root !== axis && counted.has(root) && !hasAxis(e, root)
    return isFree ? underNames(e, new Map([[axis as string, root]]), axes) : e
  }
  return (e: Expr): Expr => (counted.size === 0 ? e : rewrite(e, (x) => (x.kind === 'reduce' ? rename(x) : x)))
}

const readsPairs = (e: Expr): boolean => nodesOf(e).some((x) => tokensOf(x.axes).length > 1)
const hasAxis = (e: Reduce, axis: string): boolean => e.of.axes.includes(axis) || (e.domain?.axes ?? []).includes(axis)
