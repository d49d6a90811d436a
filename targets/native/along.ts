/** What takes a function of a feature, and is the same for all rows, is worked out once for a block and read from an array. */
import type { KernelExpr } from '../../compiler/kernel.ts'
import { atom, type Code } from '../expression.ts'
import { costOf, costOfFunction } from './diagonal.ts'
import { isSame } from './hoist.ts'
import { mostLanes, print, type Spot } from './sheet.ts'
import { widen } from './words.ts'

/** The element of such an array; undefined: write it out. */
export function alongFeature(e: KernelExpr, spot: Spot): Code | undefined {
  const { sheet, axes, oneLane } = spot
  const row = sheet.lane
  if (row === undefined || oneLane || spot.alongDiagonal || axes.get(row)?.inner === undefined || e.type !== 'f32')
    return undefined
  const named = axesOf(e, spot)
  const [axis] = named
  const length = axis === undefined ? undefined : sheet.program.sizes[axis]
  const inner = axis === undefined ? undefined : axes.get(axis)?.inner
  if (axis === undefined || named.size > 1 || axis === row || length === undefined || inner === undefined)
    return undefined
  if (length % mostLanes !== 0 || costOf(e, spot) < costOfFunction) return undefined
  const there = spot.outside.find((at) => at.axes.get(row)?.inner === undefined && at.axes.get(axis) === undefined)
  return there && isKnownAt(e, axis, spot, there)
    ? atom(`scratch.${fill(e, axis, length, there)}[${inner.text}]`)
    : undefined
}

/** The axes that elements of an expression have places along. */
function axesOf(e: KernelExpr, spot: Spot): ReadonlySet<string> {
  if (e.kind === 'index') return new Set(e.of === 'element' && !spot.axes.get(e.axis)?.single ? [e.axis] : [])
  if (e.kind === 'value') return new Set(spot.sheet.facts.values.get(e.name)?.axes.map(({ axis }) => axis))
  return new Set(e.kind === 'call' ? e.args.flatMap((arg) => [...axesOf(arg, spot)]) : [])
}

/** Values with places are left alone: only formulas of the index are worked out elsewhere. */
function isKnownAt(e: KernelExpr, axis: string, here: Spot, there: Spot): boolean {
  if (e.kind === 'index' && e.axis === axis) return true
  if (e.kind === 'call') return e.args.every((arg) => isKnownAt(arg, axis, here, there))
  return (e.kind !== 'value' || here.sheet.facts.values.get(e.name)?.axes.length === 0) && isSame(e, here, there)
}

function fill(e: KernelExpr, axis: string, length: number, there: Spot): string {
  const { sheet, block } = there
  const known = sheet.hoisted.get(block) ?? new Map<string, Code>()
  sheet.hoisted.set(block, known)
  const key = `along ${axis}: ${JSON.stringify(e)}`
  const found = known.get(key)
  if (found) return found.text
  const array = sheet.names.fresh('along')
  sheet.diagonals.set(array, { type: e.type, length })
  known.set(key, atom(array))
  const name = sheet.names.reuse(axis)
  block.braces(`for (int32_t ${name} = 0; ${name} < ${length}; ${name} += vec::lanes)`, (inner) => {
    const at = { single: false, first: atom('0'), count: atom(String(length)), inner: atom(name) }
    const spot: Spot = {
      ...there,
      sheet: { ...sheet, lane: axis },
      block: inner,
      axes: new Map(there.axes).set(axis, at),
      path: [...there.path, {}],
      outside: [...there.outside, there],
      alongDiagonal: true,
    }
    inner.line(`vec::store(&scratch.${array}[${name}], ${widen(print(e, spot), e.type).text});`)
  })
  return array
}
