/** Loops over features of keys, a vector at a time: in all other loops the lanes are rows. */
import type { Nest } from '../nests/nest.ts'
import { mostLanes, type Spot } from './sheet.ts'

/**
 * Where a loop only fills arrays, in which the places of its axis lie next to each other and none belongs to a row, the same place with
 * the lanes along that axis; undefined elsewhere. Lengths that vectors do not divide are left alone: an array has no room for more.
 */
export function alongFeatures(nest: Nest, spot: Spot): Spot | undefined {
  const { sheet } = spot
  const { axis, nodes, folds } = nest
  const length = sheet.facts.extents.get(axis) ?? 1
  if (spot.oneLane || axis === sheet.lane || folds.length > 0 || spot.axes.has(axis) || length % mostLanes !== 0)
    return undefined
  const fills = nodes.every(
    (node) =>
      node.kind === 'line' &&
      node.item.kind === 'define' &&
      node.item.to.type === 'f32' &&
      !node.item.to.axes.some((one) => one.axis === sheet.lane),
  )
  const isInOrder = [...sheet.places].every(([name, { stored = [] }]) => {
    const axes = stored.map((one) => one.axis)
    if (!axes.includes(axis) || (sheet.lane !== undefined && axes.includes(sheet.lane))) return true
    return axes.at(-1) === axis && sheet.facts.values.get(name)?.type === 'f32'
  })
  return fills && isInOrder ? { ...spot, sheet: { ...sheet, lane: axis } } : undefined
}
