/** What all threads of a block work out alike: loops over numbers that are one for a block, and folds over its rows. */
import { invariant } from '../../../compiler/invariant.ts'
import { Block } from '../../block.ts'
import { sizeOf } from '../../c-elements.ts'
import { atom, inside, tightness } from '../../expression.ts'
import { everyItem, type Facts, type Fold, type Item, type Repeat, refs, valuesIn } from '../../nests/item.ts'
import { singleAt } from '../loop.ts'
import { foldStep, identity } from '../print.ts'
import { print, type Spot, sourceAt, valueAt } from '../spot.ts'
import { formOf } from './layout.ts'
import { countText, declared, type Warp } from './warp.ts'

/** Whether a loop makes nothing but numbers that are one for a block. */
export function isScalarLoop({ loop: { over }, head, body }: Repeat, row: string): boolean {
  if (over.kind === 'tiles') return false
  return everyItem([...head, ...body]).every(
    (item) =>
      item.kind === 'repeat' ||
      ((item.kind === 'define' || item.kind === 'update') && formOf(item.to, row) === 'uniform'),
  )
}

/** @param fill  prints the items of a round */
export function printScalarLoop(
  { loop: { over }, body }: Repeat,
  at: Warp,
  fill: (items: readonly Item[], inner: Warp) => void,
): void {
  invariant(over.kind !== 'tiles', 'a loop over tiles is none over numbers')
  const { spot } = at
  const { names } = spot.sheet
  const round = (block: Block, axes = spot.axes): void => fill(body, { ...at, spot: { ...spot, block, axes } })
  if (over.kind === 'rounds') {
    const [name, count] = [names.fresh('round'), names.fresh('rounds')]
    spot.block.line(`const int32_t ${count} = ${print(over.count, spot).text};`)
    return spot.block.braces(`for (int32_t ${name} = 0; ${name} < ${count}; ++${name})`, (block) => round(block))
  }
  const name = names.reuse(over.axis)
  const size = sizeOf(over.axis, spot.sheet).text
  const up = `for (int32_t ${name} = 0; ${name} < ${size}; ++${name})`
  const head = over.direction === 'up' ? up : `for (int32_t ${name} = ${size} - 1; ${name} >= 0; --${name})`
  spot.block.braces(head, (block) => round(block, new Map(spot.axes).set(over.axis, singleAt(atom(name)))))
}

/** Whether a fold over the rows of a block can be made of what is known of each row by itself: tensors, and numbers of the block. */
export function isFoldOfRows({ to, of, over, where }: Fold, row: string, facts: Facts): boolean {
  if (over !== row || formOf(to, row) !== 'uniform') return false
  const stack = [...valuesIn(of), ...(where === undefined ? [] : [where])]
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    const value = facts.values.get(name)
    const form = value && formOf(value, row)
    if (form === 'uniform') continue
    const define = facts.defines.get(name)
    if (form !== 'row' || !define || (define.from.kind === 'load' && facts.stored.has(define.from.buffer))) return false
    stack.push(...refs(define))
  }
  return true
}

/** Each warp folds all rows of the block, each lane its own share of them. */
export function printFoldOfRows({ to, op, of, where }: Fold, at: Warp): void {
  const { spot, sheet } = at
  const { row } = sheet.layout
  const { names } = spot.sheet
  const own = names.reuse(row)
  const first = identity(op, to.type)
  const name = declared(to, at)
  const local = spot.sheet.locals.get(to.name)!.text
  spot.block.line(`${name} = ${first};`)
  const axes = new Map(spot.axes).set(row, { ...spot.axes.get(row)!, inner: atom(own) })
  const inner: Spot = { ...spot, block: new Block(), axes, spelled: rowWrittenOut(row) }
  const step = foldStep(op, local, print(of, inner), to.type)
  const condition = where === undefined ? undefined : inside(valueAt(where, inner), tightness.and)
  spot.block.line(
    `tiles::eachOfWarp(${countText(row, at)}, [&](int32_t ${own}) {`,
    `  ${condition === undefined ? step : `if (${condition}) ${step}`}`,
    '});',
    `${local} = tiles::${ofWarp[op]}(${local});`,
  )
}

/** A value of a row by what it is made of, since no lane has all rows. */
const rowWrittenOut =
  (row: string): NonNullable<Spot['spelled']> =>
  (name, spot) => {
    const { facts } = spot.sheet
    const [value, define] = [facts.values.get(name), facts.defines.get(name)]
    return value && define && formOf(value, row) === 'row' ? sourceAt(define, spot) : undefined
  }

const ofWarp = {
  sum: 'sumOfWarp',
  count: 'sumOfWarp',
  max: 'largestOfWarp',
  min: 'smallestOfWarp',
  any: 'anyOfWarp',
  all: 'allOfWarp',
} as const satisfies Record<Fold['op'], string>
