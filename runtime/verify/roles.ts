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
export function keyAxis({ name, axes }: InputDecl, attention: Attention): string {
  if (axes.includes('j')) return 'j'
  const known = movedBy.get(attention) ?? movedAxes(attention)
  movedBy.set(attention, known)
  return axes.findLast((axis) => known.get(name)?.has(axis)) ?? ''
}

/** Probes ask for every input, and expressions can be long. */
const movedBy = new WeakMap<Attention, ReadonlyMap<string, ReadonlySet<string>>>()

/** The axes of each input that are read at places which j gives and i does not. */
function movedAxes({ results }: Attention): ReadonlyMap<string, ReadonlySet<string>> {
  const moved = new Map<string, Set<string>>()
  for (const { of, places } of nodesOf(...results.map(({ expr }) => expr)).filter((e): e is At => e.kind === 'at')) {
    const axes = places.filter(({ index }) => index.axes.includes('j') && !index.axes.includes('i'))
    for (const e of nodesOf(of)) {
      if (e.kind !== 'input') continue
      const own = moved.get(e.name) ?? new Set()
      moved.set(e.name, own)
      for (const { axis } of axes) own.add(axis)
    }
  }
  return moved
}
