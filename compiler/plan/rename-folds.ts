/**
 * Folds over an axis that blocks of a walk are counted along too, such as the largest of all heads in the scores of each: they go over
 * another axis of the same length, since a block has one index of its own. A fold that looks at pairs keeps its axis: a block then
 * holds all of it, so that pairs are computed once (lower/resident.ts).
 */
import { type Expr, nodesOf, type Reduce, rewrite } from '../ir.ts'
import type { AxisNames } from './axis-names.ts'
import { underOtherNames } from './normalise.ts'
import { tokenAxes, tokensOf } from './walks.ts'

/** @param isHeld  whether blocks hold all of an axis, its length being known */
export function createRenaming(roots: readonly Expr[], axes: AxisNames, isHeld: (axis: string) => boolean) {
  const tokenFolds = nodesOf(...roots).filter(
    (e) => (e.kind === 'reduce' || e.kind === 'scan') && tokensOf([e.over].flat()).length > 0,
  )
  const counted = new Set([...roots, ...tokenFolds].flatMap((e) => e.axes).filter((axis) => !isHeld(axis)))
  const meets = (e: Reduce): readonly string[] =>
    e.over.filter((axis) => !tokenAxes.includes(axis) && counted.has(axis))
  const renamed = (e: Expr): Expr => {
    const over = e.kind === 'reduce' ? meets(e) : []
    return e.kind === 'reduce' && over.length > 0 && !readsPairs(e.of) ? underOtherNames(e, over, axes) : e
  }
  return (e: Expr): Expr => (counted.size === 0 ? e : rewrite(e, renamed))
}

const readsPairs = (e: Expr): boolean => nodesOf(e).some((x) => tokensOf(x.axes).length > 1)
