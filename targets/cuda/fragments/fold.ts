/** Folds of a row's elements, which four lanes have. */
import { inside, tightness } from '../../expression.ts'
import type { Fold } from '../../nests/item.ts'
import { isWhole } from '../../nests/whole.ts'
import { foldStep, identity } from '../print.ts'
import { valueAt } from '../spot.ts'
import { countText, declared, eachElement, eachRow, printCode, type Warp, widthOf } from './warp.ts'

/** A lane folds its own elements of a row; then the four lanes of the row are folded, or at the end of the loop. */
export function printFold(item: Fold, at: Warp): void {
  const { to, op, over } = item
  const { block } = at.spot
  const isCarried = at.round?.sums.has(to.name) === true
  if (!isCarried) {
    block.line(`${declared(to, at)};`)
    const known = knownFold(item, at)
    const first = known ?? identity(op, to.type)
    eachRow(at, (inner, own) => own.line(`${valueAt(to.name, inner.spot).text} = ${first};`))
    if (known !== undefined) return
  }
  const quiet = item.loose && to.type === 'f32' ? (op === 'max' ? '::fmaxf' : '::fminf') : undefined
  eachElement(over, at, (inner, own) => {
    const [name, code] = [valueAt(to.name, inner.spot).text, printCode(item.of, inner)]
    const condition = conditionOf(item, inner)
    const step = quiet ? `${name} = ${quiet}(${name}, ${code.text});` : foldStep(op, name, code, to.type)
    own.line(condition === undefined ? step : `if (${condition}) ${step}`)
  })
  if (isCarried) return
  const all = quiet === undefined ? ofRow[op] : `${op === 'max' ? 'upper' : 'lower'}OfRow`
  eachRow(at, (inner, own) => {
    const name = valueAt(to.name, inner.spot).text
    own.line(`${name} = tiles::${all}(${name});`)
  })
}

const ofRow = {
  sum: 'sumOfRow',
  count: 'sumOfRow',
  max: 'largestOfRow',
  min: 'smallestOfRow',
  any: 'anyOfRow',
  all: 'allOfRow',
} as const

/** Where every place counts: whether there is one, and how many. */
function knownFold({ op, of, over, where }: Fold, at: Warp): string | undefined {
  const isAll = where === undefined || isWhole(where, at.spot)
  if (!isAll || of.kind !== 'const' || of.value !== true) return undefined
  const count = countText(over, at)
  return op === 'any' ? `${count} > 0` : op === 'count' ? count : undefined
}

/** Which of a fragment's elements count; undefined: all. */
function conditionOf({ of, over, op, where }: Fold, at: Warp): string | undefined {
  const isMasked = where !== undefined && !isWhole(where, at.spot)
  const admitted = isMasked ? valueAt(where, at.spot) : undefined
  const isSettled = op === 'sum' && of.kind === 'value' && at.round?.settled.has(of.name)
  const exists = isSettled || (isMasked && isBits(where, at)) ? undefined : existsText(over, at)
  if (exists === undefined || admitted === undefined) return exists ?? admitted?.text
  return `${exists} && ${inside(admitted, tightness.and)}`
}

/** Whether a mask has a bit for each element, which is 0 where there is none. */
export const isBits = (mask: string, { sheet: { layout } }: Warp): boolean =>
  layout.facts.defines.get(mask)?.from.kind === 'mask' && !layout.facts.inlined.has(mask)

/** Whether a fragment's column exists; undefined: all do. */
export function existsText(column: string, at: Warp): string | undefined {
  const width = widthOf(column, at)
  if (width === undefined) return undefined
  const isTiled = at.spot.axes.has(column)
  return isTiled && at.round ? `tiles::stepOf(n, r) < ${at.round.left}` : `tiles::columnOf(n, r) < ${width}`
}
