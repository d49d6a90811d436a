/**
 * What costs more than an addition and does not change in the loops around it is worked out before them: functions, divisions, and
 * elements of buffers, which a compiler that sees stores between them has to read again.
 */
import type { KernelCall, KernelExpr } from '../../compiler/kernel.ts'
import { atom, type Code } from '../expression.ts'
import { isQuick } from '../nests/inline.ts'
import { type Define, defined, type Item } from '../nests/item.ts'
import type { Node } from '../nests/nest.ts'
import { isWithin, type Path } from '../nests/place.ts'
import { print, type Sheet, type Spot, sourceAt } from './sheet.ts'
import { isWide } from './words.ts'

/** The name of a value that is written out here, if it has one before a loop; undefined: write it out. */
export function hoistValue(source: Define, spot: Spot): Code | undefined {
  const { to, from } = source
  if (from.kind === 'mask' || (from.kind === 'expr' && !isCostly(from.expr, spot.sheet))) return undefined
  const parts = from.kind === 'load' ? Object.values(from.index) : [from.expr]
  const at = outermost(parts, spot)
  return at && nameAt(at, to.name, sourceAt(source, at), to.type === 'bool')
}

/** The same for a part of an expression. */
export function hoistCall(e: KernelCall, spot: Spot): Code | undefined {
  const at = isCostly(e, spot.sheet) ? outermost([e], spot) : undefined
  return at && nameAt(at, 'fixed', print(e, at), e.type === 'bool')
}

function nameAt({ sheet, block }: Spot, base: string, code: Code, isBool: boolean): Code {
  const known = sheet.hoisted.get(block) ?? new Map<string, Code>()
  sheet.hoisted.set(block, known)
  const found = known.get(code.text)
  if (found) return found
  const name = atom(sheet.names.fresh(base), code.level)
  block.line(`const ${isBool && !isWide(code) ? 'bool' : 'auto'} ${name.text} = ${code.text};`)
  known.set(code.text, name)
  return name
}

/** The place before the outermost of the loops around `spot` in none of which any of these changes. */
function outermost(parts: readonly KernelExpr[], spot: Spot): Spot | undefined {
  if (spot.oneLane) return undefined
  const { outside } = spot
  const varies = outside.findLastIndex((at) => !parts.every((e) => isSame(e, spot, at)))
  return outside[varies + 1]
}

/** Whether an expression means at an outer place what it means here. */
export function isSame(e: KernelExpr, here: Spot, there: Spot): boolean {
  switch (e.kind) {
    case 'index': {
      const [a, b] = [here.axes.get(e.axis), there.axes.get(e.axis)]
      if (a?.first.text !== b?.first.text || a?.count.text !== b?.count.text) return false
      return e.of !== 'element' || a?.single === true || (a?.inner !== undefined && a.inner.text === b?.inner?.text)
    }
    case 'value':
      return isSameValue(e.name, here, there)
    case 'call':
      return e.args.every((arg) => isSame(arg, here, there))
    default:
      return true
  }
}

function isSameValue(name: string, here: Spot, there: Spot): boolean {
  const { facts, places, locals } = here.sheet
  const from = facts.inlined.has(name) ? facts.defines.get(name)?.from : undefined
  if (from?.kind === 'mask') return false
  if (from) return (from.kind === 'load' ? Object.values(from.index) : [from.expr]).every((e) => isSame(e, here, there))
  const place = places.get(name)
  if (!place?.stored)
    return place !== undefined && !facts.carried.has(name) && locals.has(name) && isWithin(there.path, place.path)
  const axes = place.stored.map(({ axis }) => axis)
  return axes.every((axis) => isSamePlace(axis, here, there)) && !changesIn(name, here.path.slice(there.path.length))
}

function isSamePlace(axis: string, here: Spot, there: Spot): boolean {
  const inner = there.axes.get(axis)?.inner
  return inner !== undefined && inner.text === here.axes.get(axis)?.inner?.text
}

/** Whether any of these loops writes a value's array. */
const changesIn = (name: string, loops: Path): boolean => loops.some((loop) => writes(loop as Partial<Node>, name))

function writes(node: Partial<Node>, name: string): boolean {
  switch (node.kind) {
    case 'line':
      return node.item !== undefined && isOf(node.item, name)
    case 'nest':
      return [
        ...(node.folds ?? []).map((item) => isOf(item, name)),
        ...(node.nodes ?? []).map((one) => writes(one, name)),
      ].some(Boolean)
    case 'loop':
      return true // also what follows it changes before its next round
    default:
      return false // a loop over columns
  }
}
const isOf = (item: Item, name: string): boolean => (item.kind === 'scale' ? item.to.name : defined(item)) === name

/** Whether anything in an expression is worth a name. */
function isCostly(e: KernelExpr, sheet: Sheet): boolean {
  if (e.kind === 'value') {
    const from = sheet.facts.inlined.has(e.name) ? sheet.facts.defines.get(e.name)?.from : undefined
    return from?.kind === 'load' || (from !== undefined && isCostly(from.expr, sheet))
  }
  return e.kind === 'call' && (!isQuick(e) || e.args.some((arg) => isCostly(arg, sheet)))
}
