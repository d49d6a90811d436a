/** A product of tiles: a call of the blocked form where rows lie in the lanes of one operand alone, else loops. */
import { invariant } from '../../compiler/invariant.ts'
import type { Load, Value } from '../../compiler/kernel.ts'
import { addressOf, argument, bufferOf, indicesOf } from '../c-elements.ts'
import { atom, type Code, inside, invoke, join, tightness } from '../expression.ts'
import type { Product } from '../nests/item.ts'
import { openAxis } from './print.ts'
import { countOf, keep, layoutOf, print, type Spot, spotIn, strideIn, valueAt } from './sheet.ts'
import { isWide, widen } from './words.ts'

const has = (value: Value, axis: string): boolean => value.axes.some((a) => a.axis === axis)
const names = (value: Value): readonly string[] => value.axes.map(({ axis }) => axis)

export function printProduct(item: Product, spot: Spot): void {
  const { to, left, right, over, fresh } = item
  const of = (value: Value): string => `${value.name}[${names(value).join(', ')}]`
  spot.block.line(`// ${of(to)} ${fresh ? '=' : '+='} the sum over ${over} of ${of(left)} * ${of(right)}`)
  const form = blockedForm(item, spot)
  if (form) printBlocked(item, form, spot)
  else printLoops(item, spot)
}

/** `a` has rows in its lanes, `b` none; `x` is the axis that b brings into the product. */
interface Form {
  readonly a: Value
  readonly b: Value
  readonly x: string
}

export function blockedForm(
  { to, left, right, over, weighted }: Product,
  { sheet, oneLane }: Pick<Spot, 'sheet' | 'oneLane'>,
): Form | undefined {
  const { lane } = sheet
  if (lane === undefined || oneLane || over === lane || !layoutOf(to.name, sheet).axes.includes(lane)) return undefined
  const orders = weighted
    ? [[left, right]]
    : [
        [left, right],
        [right, left],
      ] // prettier-ignore
  for (const [a, b] of orders as [Value, Value][]) {
    if (!has(a, lane) || has(b, lane) || !has(a, over) || !has(b, over)) continue
    if (!layoutOf(a.name, sheet).axes.includes(lane)) continue
    const x = names(b).find((axis) => has(to, axis) && !has(a, axis))
    if (x !== undefined) return { a, b, x }
  }
  return undefined
}

/** Further axes, such as heads that a block holds all of, are walked outside. */
function printBlocked({ to, over, weighted, fresh, full }: Product, { a, b, x }: Form, spot: Spot): void {
  const outer = names(to).filter((axis) => axis !== x && axis !== spot.sheet.lane)
  const innermost = (at: Spot): void => {
    const { lane } = at.sheet
    const inner = (axis: string): Code =>
      axis === lane || axis === x || axis === over ? atom('0') : (at.axes.get(axis)?.inner ?? atom('0'))
    const stride = (value: Value, axis: string): string => String(strideIn(layoutOf(value.name, at.sheet), axis))
    const left = `{&${spotIn(a.name, at, inner).text}, ${stride(a, over)}}`
    const into = `{&${spotIn(to.name, at, inner).text}, ${stride(to, x)}}`
    const counts = [lane!, x, over].map((axis) => countOf(axis, at).text)
    const source = at.sheet.facts.defines.get(b.name)
    const right =
      at.sheet.facts.inlined.has(b.name) && source?.from.kind === 'load'
        ? inBuffer(source.from, x, over, at)
        : `{&${spotIn(b.name, at, inner).text}, ${stride(b, x)}, ${stride(b, over)}}`
    const known = full === undefined ? 'false' : valueAt(full, at).text
    const extreme = at.sheet.extremes.get(to.name)
    const found = extreme ? [`vec::Extreme<${extreme.op === 'max'}>{scratch.${extreme.array}}`] : []
    const args = [into, left, right, ...counts, ...(weighted ? [known] : found)]
    at.block.line(`vec::${weighted ? 'multiplyMasked' : 'multiplyTiles'}<${fresh}>(${args.join(', ')});`)
  }
  const nested = outer.reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, {}, at, inside),
    innermost,
  )
  nested(spot)
}

/** Elements of a buffer where they lie. */
function inBuffer(load: Load, x: string, over: string, spot: Spot): string {
  const { buffer, text } = bufferOf(load.buffer, spot.sheet)
  const axes = new Map(spot.axes)
  for (const axis of [x, over]) {
    const at = axes.get(axis) ?? { single: false, first: atom('0'), count: countOf(axis, spot), inner: undefined }
    axes.set(axis, { ...at, inner: atom('0') })
  }
  const given = indicesOf(load.index, buffer)
  const at = addressOf(
    buffer,
    given.map((e) => print(e, { ...spot, axes })),
    spot.sheet,
  )
  const strideOf = (axis: string): string => {
    const n = given.findIndex((e) => e.kind === 'index' && e.axis === axis)
    invariant(n >= 0, `${load.buffer} is not read along ${axis}`)
    return argument(spot.sheet.given.strides.get(buffer.name)?.[n], spot.sheet).text
  }
  return `{&${text}[${at.text}], ${strideOf(x)}, ${strideOf(over)}}`
}

/** One element after the other, for tiles that lie in any way. */
function printLoops({ to, left, right, over, weighted, fresh }: Product, spot: Spot): void {
  const name = spot.sheet.names.reuse('sum')
  const start = over === spot.sheet.lane ? { ...spot, oneLane: { at: atom('0') } } : spot
  const innermost = (at: Spot): void => {
    const wide = !at.oneLane && has(to, at.sheet.lane ?? '')
    const sum = atom(name, wide ? 1 : 0)
    at.block.line(wide ? `auto ${name} = ${widen(atom('0.0f'), 'f32').text};` : `float ${name} = 0.0f;`)
    openAxis(over, {}, at, (inner) => {
      const [a, b] = [valueAt(left.name, inner), valueAt(right.name, inner)]
      const product = join('*', tightness.product, a, b)
      const zero = atom('0.0f')
      const test = join('!=', tightness.equality, a, zero)
      const added = !weighted
        ? product
        : isWide(a)
          ? invoke('vec::select', test, widen(product, 'f32'), widen(zero, 'f32'))
          : atom(
              `(${test.text} ? ${product.text} : ${isWide(product) ? widen(zero, 'f32').text : zero.text})`,
              product.level,
            )
      inner.block.line(`${name} += ${added.text};`)
    })
    keep(
      to.name,
      fresh ? sum : join('+', tightness.sum, valueAt(to.name, at), { ...sum, text: inside(sum, tightness.sum) }),
      at,
    )
  }
  const nested = names(to).reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, {}, at, inside),
    innermost,
  )
  nested(start)
}
