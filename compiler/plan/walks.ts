/**
 * Which walk over a token axis computes what. A walk has rows of one axis and streams another past them; what it meets in a result that
 * it cannot hold has to be there before.
 */
import { type Expr, nodesOf, type Reduce, type Scan } from '../ir.ts'
import { isCostly } from './costly.ts'

export const tokenAxes: readonly string[] = ['i', 'j']
export const tokensOf = (axes: readonly string[]): readonly string[] => tokenAxes.filter((axis) => axes.includes(axis))
const otherToken = (axis: string): string => (axis === 'i' ? 'j' : 'i')
/** The axes that the elements of a fold vary over. */
const bodyAxes = (e: Expr): readonly string[] =>
  e.kind === 'reduce' || e.kind === 'scan' ? [...e.of.axes, ...(e.domain?.axes ?? []), ...[e.over].flat()] : e.axes
const isPair = (e: Expr): boolean => tokenAxes.every((axis) => bodyAxes(e).includes(axis))

/**
 * Rows of one axis and what passes by; an element by itself has neither. Further sources of keys, such as slots of a memory, may pass by
 * in the walk over keys, each in its own tiles.
 */
export interface Walk {
  readonly row: string | undefined
  readonly stream: string | undefined
}
export const elementwise: Walk = { row: undefined, stream: undefined }
export const walkOf = (row: string | undefined): Walk => (row ? { row, stream: otherToken(row) } : elementwise)

/**
 * @param isOpen  whether the length of an axis is known only when a kernel runs
 * @param roots  all that is to be planned
 * @param share  whether further sources of keys pass by in the walk over keys, or each in a walk of its own before
 * @param hasManyRows  whether what passes by does so for many tiles of rows, so that what is costly in it is worth a buffer
 */
export function createCuts(
  isOpen: (axis: string) => boolean,
  roots: readonly Expr[],
  { share, hasManyRows }: { readonly share: boolean; readonly hasManyRows: boolean },
) {
  // A fold over keys that leaves a value for each slot cannot share the walk that folds slots.
  const left = new Set(
    nodesOf(...roots).flatMap((e) => (e.kind === 'reduce' && tokensOf(e.over).length > 0 ? e.axes : [])),
  )

  /** The walk that a fold over tokens, or over a further source of keys, belongs to. */
  const walkOfFold = (e: Reduce | Scan): Walk | undefined => {
    const [axis, ...more] = [e.over].flat()
    if (axis === undefined || more.length > 0) return undefined
    return tokenAxes.includes(axis) ? (isPair(e) ? walkOf(otherToken(axis)) : undefined) : walkOver(e, axis)
  }
  /** A further source of keys: an axis of open length that one token axis meets. */
  const walkOver = (x: Expr, axis: string): Walk | undefined => {
    const [row, ...more] = tokensOf(bodyAxes(x))
    if (tokenAxes.includes(axis) || !isOpen(axis) || row === undefined || more.length > 0) return undefined
    return left.has(axis) || !share ? { row, stream: axis } : walkOf(row)
  }
  const holds = (walk: Walk, e: Reduce | Scan): boolean => {
    const own = walkOfFold(e)
    return own !== undefined && own.row === walk.row && own.stream === walk.stream
  }

  /** Of what passes by alone, with features: rows have no part in it, and it would be computed again for each tile of them. */
  const isForEveryRow = (x: Expr, { stream }: Walk): boolean =>
    stream !== undefined && hasManyRows && tokensOf(x.axes).join() === stream && isCostly(x, stream, isOpen)

  /** What has to be kept of `x` itself for a walk: a fold over another axis, what is read elsewhere, a loop's result. */
  const cutAt = (x: Expr, walk: Walk): Expr | undefined => {
    if (x.kind === 'repeat' || isForEveryRow(x, walk)) return x
    if (x.kind === 'at') return x.of.kind === 'input' || x.of.kind === 'bound' ? undefined : x.of
    if (x.kind !== 'reduce' && x.kind !== 'scan') return undefined
    const isWalk = walkOfFold(x) !== undefined
    if (x.kind === 'reduce' && tokensOf(x.over).length === 0 && !isWalk) return undefined
    if (walk.stream === undefined) return isPair(x) || isWalk ? x : undefined
    return holds(walk, x) ? undefined : x
  }
  const walkFor = (e: Expr): Walk | undefined => (e.kind === 'reduce' ? walkOfFold(e) : undefined)
  /** The axes that the folds of a walk go over. */
  const heldBy = (walk: Walk, all: readonly Expr[]): readonly string[] => [
    ...new Set(
      nodesOf(...all).flatMap((e) =>
        (e.kind === 'reduce' || e.kind === 'scan') && holds(walk, e) ? [e.over].flat() : [],
      ),
    ),
  ]
  return { cutAt, walkFor, heldBy }
}
