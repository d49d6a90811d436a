/**
 * Which walk over a token axis computes what. A walk has rows of one axis and streams another past them; what it meets in a result that
 * it cannot hold has to be there before.
 */
import type { Expr } from '../ir.ts'

export const tokenAxes: readonly string[] = ['i', 'j']
export const tokensOf = (axes: readonly string[]): readonly string[] => tokenAxes.filter((axis) => axes.includes(axis))
const otherToken = (axis: string): string => (axis === 'i' ? 'j' : 'i')
/** The axes that the elements of a fold vary over. */
const bodyAxes = (e: Expr): readonly string[] =>
  e.kind === 'reduce' || e.kind === 'scan' ? [...e.of.axes, ...(e.domain?.axes ?? []), ...[e.over].flat()] : e.axes
const isPair = (e: Expr): boolean => tokenAxes.every((axis) => bodyAxes(e).includes(axis))

/** Rows of one axis and what passes by; an element by itself has neither. */
export interface Walk {
  readonly row: string | undefined
  readonly stream: string | undefined
}
export const elementwise: Walk = { row: undefined, stream: undefined }
export const walkOf = (row: string | undefined): Walk => (row ? { row, stream: otherToken(row) } : elementwise)

/** @param isOpen  whether the length of an axis is known only when a kernel runs */
export function createCuts(isOpen: (axis: string) => boolean) {
  /** What has to be kept of `x` itself for a walk over `stream`: a fold over another axis, what is read elsewhere, a loop's result. */
  const cutAt = (x: Expr, stream: string | undefined): Expr | undefined => {
    if (x.kind === 'repeat') return x
    if (x.kind === 'at') return x.of.kind === 'input' || x.of.kind === 'bound' ? undefined : x.of
    if (x.kind !== 'reduce' && x.kind !== 'scan') return undefined
    const over = [x.over].flat()
    if (x.kind === 'reduce' && !over.some((axis) => tokenAxes.includes(axis) || walkOver(x, axis))) return undefined
    if (stream === undefined) return isPair(x) || over.some((axis) => walkOver(x, axis)) ? x : undefined
    return over.includes(stream) && (isPair(x) || walkOver(x, stream)) ? undefined : x
  }
  /** A further source of keys: an axis of open length that one token axis meets, such as slots of a memory. */
  const walkOver = (x: Expr, axis: string): Walk | undefined => {
    const [row, ...more] = tokensOf(bodyAxes(x))
    const isSource = !tokenAxes.includes(axis) && isOpen(axis) && row !== undefined && more.length === 0
    return isSource ? { row, stream: axis } : undefined
  }

  /** The walk that a fold over tokens, or over a further source of keys, asks for. */
  const walkFor = (e: Expr): Walk | undefined => {
    if (e.kind !== 'reduce') return undefined
    const [axis] = e.over
    if (axis === undefined || e.over.length > 1) return undefined
    return tokenAxes.includes(axis) ? (isPair(e) ? walkOf(otherToken(axis)) : undefined) : walkOver(e, axis)
  }
  return { cutAt, walkFor }
}
