/** Running sums and maxima along an axis of a tile: a vector of rows at a time, or along the lanes one by one. */
import type { Running } from '../../nests/item.ts'
import * as codes from './code.ts'
import { add, type Code, code, isWide, setLocal, subtract } from './code.ts'
import { openAxis } from './nodes.ts'
import { countOf, hasLanes, inLoop, keep, type Spot, siteOf, valueAt } from './spot.ts'
import { highest, widen } from './words.ts'

export function printRunning(item: Running, spot: Spot): void {
  const { facts, lane } = spot.sheet
  const outer = item.to.axes.map(({ axis }) => axis).filter((axis) => axis !== item.along)
  outer.sort((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b))
  const start = item.along === lane ? { ...spot, oneLane: 0 } : spot
  const nested = outer.reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, {}, at, inside),
    (inner) => printRow(item, inner),
  )
  nested(start)
}

function printRow(item: Running, spot: Spot): void {
  const { to, along, op, direction, inclusive } = item
  const { block, sheet, oneLane } = spot
  const integer = to.type === 'i32'
  const none = op === 'sum' ? 0 : integer ? -(2 ** 31) : -Infinity
  const first = integer ? codes.integer(none) : codes.float(none)
  const wide = oneLane === undefined && hasLanes(to.name, sheet)
  const running = block.variable(wide ? widen(first, to.type, siteOf(spot)) : first)
  const count = countOf(along, spot)
  block.count('elements', codes.zero, count, 1, (n, body) => {
    const last = block.hoist(subtract(count, codes.one))
    const at = direction === 'up' ? n : body.keep(subtract(last, n))
    const inner = inLoop(spot, {}, along, body, at)
    const now = { ...running, level: body.level }
    const step = (): void => body.line(setLocal(running, stepOf(item, now, inner)))
    if (inclusive) step()
    keep(to.name, now, inner)
    if (!inclusive) step()
  })
}

function stepOf({ of, op, mask, to }: Running, now: Code, spot: Spot): Code {
  const site = siteOf(spot)
  const value = valueAt(of.name, spot)
  const integer = to.type === 'i32'
  const element = spot.block.keep(isWide(now) ? widen(value, to.type, site) : value)
  const next = isWide(now)
    ? code(`${integer ? 'i32x4' : 'f32x4'}.${op === 'sum' ? 'add' : integer ? 'max_s' : 'max'}` as 'f32x4.add', [
        now,
        element,
      ])
    : integer
      ? (op === 'sum' ? add : highest)(now, element)
      : code(op === 'sum' ? 'f32.add' : 'f32.max', [now, element])
  if (!mask) return next
  const where = valueAt(mask.name, spot)
  return isWide(now) ? code('v128.bitselect', [next, now, widen(where, 'bool', site)]) : codes.select(where, next, now)
}
