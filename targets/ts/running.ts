/** Running sums and maxima along an axis of a tile. */
import { atom } from '../expression.ts'
import type { Running } from '../nests/item.ts'
import { openAxis } from './print.ts'
import { countOf, elementAt, inLoop, type Spot } from './spot.ts'

export function printRunning(item: Running, spot: Spot): void {
  const outer = item.to.axes.map(({ axis }) => axis).filter((axis) => axis !== item.along)
  const { facts } = spot.sheet
  outer.sort((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b))
  const nested = outer.reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, '', {}, at, inside),
    (inner) => printRow(item, inner),
  )
  nested(spot)
}

function printRow({ to, of, along, op, direction, inclusive, mask }: Running, spot: Spot): void {
  const { names } = spot.sheet
  const running = names.fresh('running')
  spot.block.line(`let ${running} = ${op === 'sum' ? '0' : '-Infinity'}`)
  const name = names.reuse(along)
  const count = spot.block.hoist(countOf(along, spot), `${along}Count`).text
  const head =
    direction === 'up'
      ? `for (let ${name} = 0; ${name} < ${count}; ${name}++)`
      : `for (let ${name} = ${count} - 1; ${name} >= 0; ${name}--)`
  spot.block.loop(along, head, (block) => {
    const inner = inLoop(spot, {}, along, block, atom(name, block.level))
    const at = (value: { readonly name: string }): string => `${elementAt(value.name, inner).text}!`
    const store = `${elementAt(to.name, inner).text} = ${running}`
    const only = mask ? `if (${at(mask)} !== 0) ` : ''
    const step = op === 'sum' ? `${running} += ${at(of)}` : `${running} = Math.max(${running}, ${at(of)})`
    for (const line of inclusive ? [`${only}${step}`, store] : [store, `${only}${step}`]) block.line(line)
  })
}
