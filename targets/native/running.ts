/** Running sums and maxima along an axis of a tile: a vector of rows at a time, or along the lanes one by one. */
import { atom, type Code, inside, tightness } from '../expression.ts'
import type { Running } from '../nests/item.ts'
import { cppTypes, openAxis } from './print.ts'
import { countOf, inLoop, keep, type Spot, valueAt } from './sheet.ts'
import { isWide, widen } from './words.ts'

export function printRunning(item: Running, spot: Spot): void {
  const { facts, lane } = spot.sheet
  const outer = item.to.axes.map(({ axis }) => axis).filter((axis) => axis !== item.along)
  outer.sort((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b))
  const start = item.along === lane ? { ...spot, oneLane: { at: atom('0') } } : spot
  const nested = outer.reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, {}, at, inside),
    (inner) => printRow(item, inner),
  )
  nested(start)
}

function printRow(item: Running, spot: Spot): void {
  const { to, along, op, direction, inclusive } = item
  const { names, lane } = spot.sheet
  const running = names.fresh('running')
  const wide = !spot.oneLane && to.axes.some(({ axis }) => axis === lane)
  const first = atom(op === 'sum' ? (to.type === 'i32' ? '0' : '0.0f') : '-INFINITY')
  spot.block.line(
    `${wide ? 'auto' : cppTypes[to.type]} ${running} = ${wide ? widen(first, to.type).text : first.text};`,
  )
  const name = names.reuse(along)
  const count = countOf(along, spot).text
  const head =
    direction === 'up'
      ? `for (int32_t ${name} = 0; ${name} < ${count}; ++${name})`
      : `for (int32_t ${name} = ${count} - 1; ${name} >= 0; --${name})`
  spot.block.braces(head, (block) => {
    const inner = inLoop(spot, {}, along, block, atom(name))
    const now = atom(running, wide ? 1 : 0)
    const step = (): void => block.line(`${running} = ${stepOf(item, now, inner).text};`)
    if (inclusive) step()
    keep(to.name, now, inner)
    if (!inclusive) step()
  })
}

function stepOf({ of, op, mask, to }: Running, now: Code, spot: Spot): Code {
  const value = valueAt(of.name, spot)
  const element = isWide(now) ? widen(value, to.type) : value
  const next =
    op === 'sum'
      ? atom(
          to.type === 'i32'
            ? `vec::add(${now.text}, ${element.text})`
            : `${now.text} + ${inside(element, tightness.product)}`,
        )
      : atom(`vec::largest(${now.text}, ${element.text})`)
  if (!mask) return next
  const where = valueAt(mask.name, spot)
  return isWide(now)
    ? atom(`vec::select(${widen(where, 'bool').text}, ${next.text}, ${now.text})`, 1)
    : atom(`${inside(where, tightness.or)} ? ${next.text} : ${now.text}`)
}
