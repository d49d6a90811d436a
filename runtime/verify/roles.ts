/** Which inputs are queries, keys and values, read from their axes: nothing goes by names. */
import type { Attention, InputDecl } from '../../compiler/attention.ts'
import { type At, nodesOf } from '../../compiler/ir.ts'

export type Role = (input: InputDecl, attention: Attention) => boolean

/** An input with a declared range means something of its own. */
const isFloat = ({ type, range }: InputDecl): boolean => type === 'f32' && range === undefined

export const isQuery: Role = (input) => isFloat(input) && input.axes.includes('i') && input.axes.includes('d')
export const isKey: Role = (input, attention) => isFloat(input) && input.axes.includes('d') && hasKeys(input, attention)
export const isValue: Role = (input, attention) =>
  isFloat(input) && input.axes.includes('e') && hasKeys(input, attention)

const hasKeys = (input: InputDecl, attention: Attention): boolean =>
  !input.axes.includes('i') && keyAxis(input, attention) !== ''

/** The axis that counts keys: j, or the last that is read at places which j gives and i does not (slots of a page). */
export function keyAxis({ name, axes }: InputDecl, { results }: Attention): string {
  if (axes.includes('j')) return 'j'
  const reads = nodesOf(...results.map(({ expr }) => expr)).filter((e): e is At => e.kind === 'at')
  const moved = reads
    .filter(({ of }) => nodesOf(of).some((e) => e.kind === 'input' && e.name === name))
    .flatMap(({ places }) => places)
    .filter(({ index }) => index.axes.includes('j') && !index.axes.includes('i'))
    .map(({ axis }) => axis)
  return axes.findLast((axis) => moved.includes(axis)) ?? ''
}
