/** Statements as items: `contract`s that accumulate do so in place, and those with a mask get an operand that is 0 outside of it. */
import { invariant } from '../../compiler/invariant.ts'
import {
  type Carried,
  type Contract,
  type Kernel,
  type KernelExpr,
  kernelCall,
  kernelConst,
  type Loop,
  type Map as MapStatement,
  type Mask,
  type Reduce as ReduceStatement,
  type Statement,
  type Value,
  valueRef,
} from '../../compiler/kernel.ts'
import { everyItem, type Item, valuesIn } from './item.ts'

interface Context {
  readonly values: ReadonlyMap<string, Value>
  readonly masks: ReadonlyMap<string, Mask>
  readonly maps: ReadonlyMap<string, KernelExpr>
  readonly uses: ReadonlyMap<string, number>
}

export interface Normal {
  readonly items: readonly Item[]
  readonly values: ReadonlyMap<string, Value>
}

export function normalize(kernel: Kernel): Normal {
  const values = new Map<string, Value>()
  const maps = new Map<string, KernelExpr>()
  const context = { values, masks: new Map<string, Mask>(), maps, uses: countUses(kernel.body) }
  for (const statement of everyStatement(kernel.body)) {
    if ('to' in statement) values.set(statement.to.name, statement.to)
    if (statement.kind === 'map') maps.set(statement.to.name, statement.expr)
    if (statement.kind === 'mask') context.masks.set(statement.to.name, statement)
    if (statement.kind === 'loop') for (const { value } of statement.carried) values.set(value.name, value)
  }
  const items = once(kernel.body.flatMap((statement) => itemsOf(statement, context)))
  for (const item of everyItem(items)) if ('to' in item) values.set(item.to.name, item.to)
  return { items, values }
}

export const everyStatement = (body: readonly Statement[]): readonly Statement[] =>
  body.flatMap((statement) => {
    if (statement.kind !== 'loop') return [statement]
    const head = statement.over.kind === 'tiles' ? statement.over.head : []
    return [...everyStatement(head), ...everyStatement(statement.body), statement]
  })

/** How often each name is read, by whatever reads it. */
function countUses(body: readonly Statement[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>()
  for (const name of everyStatement(body).flatMap(readBy)) uses.set(name, (uses.get(name) ?? 0) + 1)
  return uses
}

function readBy(statement: Statement): readonly string[] {
  const maybe = (name: string | undefined): readonly string[] => (name === undefined ? [] : [name])
  switch (statement.kind) {
    case 'load':
      return Object.values(statement.index).flatMap(valuesIn)
    case 'map':
      return valuesIn(statement.expr)
    case 'mask':
      return [...valuesIn(statement.expr), ...maybe(statement.full)]
    case 'contract':
      return [statement.left, statement.right, ...maybe(statement.where)]
    case 'reduce':
      return [...valuesIn(statement.of), ...maybe(statement.where)]
    case 'prefix':
      return [statement.of, ...maybe(statement.where)]
    case 'store':
      return [...Object.values(statement.index), statement.value].flatMap(valuesIn)
    case 'loop':
      return [
        ...statement.carried.flatMap((c) => [...valuesIn(c.initial), c.next]),
        ...(statement.over.kind === 'tiles' ? maybe(statement.over.skip) : []),
      ]
  }
}

function itemsOf(statement: Statement, context: Context): readonly Item[] {
  switch (statement.kind) {
    case 'load':
    case 'mask':
      return [{ kind: 'define', to: statement.to, from: statement }]
    case 'map':
      return [{ kind: 'define', to: statement.to, from: { kind: 'expr', expr: statement.expr } }]
    case 'contract':
      return contract(statement, statement.to, true, context)
    case 'reduce':
      return reduce(statement, context)
    case 'prefix': {
      const { to, along, op, direction, inclusive, where } = statement
      const mask = where === undefined ? undefined : findValue(where, context.values)
      return [
        { kind: 'running', to, of: findValue(statement.of, context.values), along, op, direction, inclusive, mask },
      ]
    }
    case 'store':
      return [{ kind: 'put', store: statement }]
    case 'loop':
      return loop(statement, context)
  }
}

/** An extreme of `x * c` or `x / c` for a positive constant c is that of x, times or over c: rounding keeps the order. */
function reduce(statement: ReduceStatement, { maps }: Context): readonly Item[] {
  const { to, of, op } = statement
  const found = of.kind === 'value' ? maps.get(of.name) : of
  const scaled = to.type === 'f32' && (op === 'max' || op === 'min') ? scaledByConstant(found) : undefined
  if (!scaled) return [{ ...statement, kind: 'fold' }]
  const unscaled: Value = { ...to, name: `${to.name}_unscaled` }
  const expr = { ...scaled.call, args: [valueRef(unscaled), scaled.by] }
  return [
    { ...statement, kind: 'fold', to: unscaled, of: scaled.of },
    { kind: 'define', to, from: { kind: 'expr', expr } },
  ]
}

function scaledByConstant(e: KernelExpr | undefined) {
  if (e?.kind !== 'call' || (e.op !== 'mul' && e.op !== 'div')) return undefined
  const [of, by] = e.args
  const isPositive = by?.kind === 'const' && typeof by.value === 'number' && by.value > 0 && by.value < Infinity
  return of && isPositive ? { call: e, of, by } : undefined
}

function loop(statement: Loop, context: Context): readonly Item[] {
  const first = statement.carried.map(
    ({ value, initial }): Item => ({ kind: 'update', to: value, from: initial, first: true }),
  )
  const head = statement.over.kind === 'tiles' ? statement.over.head.flatMap((s) => itemsOf(s, context)) : []
  const accumulations = findAccumulations(statement, context)
  const body = statement.body.flatMap((inner): readonly Item[] => {
    const sum = accumulations.find((a) => a.product === inner || a.sum === inner)
    if (!sum) return itemsOf(inner, context)
    return sum.sum === inner ? [...scale(sum, context), ...contract(sum.product, sum.carried, false, context)] : []
  })
  const others = statement.carried.filter((c) => !accumulations.some((a) => a.carried === c.value))
  return [...first, { kind: 'repeat', loop: statement, head, body: once([...body, ...updates(others, context)]) }]
}

/** Two products may have one left operand and one mask: what is made of these is made once. */
function once(items: readonly Item[]): readonly Item[] {
  const made = new Set<string>()
  return items.filter((item) => {
    if (item.kind !== 'define') return true
    if (made.has(item.to.name)) return false
    made.add(item.to.name)
    return true
  })
}

/** The assignments at the end of a round; a value that is carried on as another is copied before it is overwritten. */
function updates(carried: readonly Carried[], context: Context): readonly Item[] {
  const copies: Item[] = []
  const sets = carried.map(({ value, next }): Item => {
    const from = findValue(next, context.values)
    if (!carried.some((other) => other.value.name === next)) {
      return { kind: 'update', to: value, from: valueRef(from), first: false }
    }
    const copy = { ...from, name: `${next}_before` }
    copies.push({ kind: 'define', to: copy, from: { kind: 'expr', expr: valueRef(from) } })
    return { kind: 'update', to: value, from: valueRef(copy), first: false }
  })
  return [...copies, ...sets]
}

/** `next = carried * factor + product`, where nothing else reads the three: the product can be added to the carried tile in its place. */
interface Accumulation {
  readonly carried: Value
  readonly factor: KernelExpr | undefined
  readonly product: Contract
  readonly sum: MapStatement
}

function findAccumulations(loop: Loop, context: Context): readonly Accumulation[] {
  return loop.carried.flatMap(({ value, next }): readonly Accumulation[] => {
    const sum = loop.body.find((s): s is MapStatement => s.kind === 'map' && s.to.name === next)
    if (sum?.expr.kind !== 'call' || sum.expr.op !== 'add' || context.uses.get(next) !== 1) return []
    if (readsInside(value.name, loop) !== 1) return []
    const orders = [sum.expr.args, sum.expr.args.toReversed()]
    const found = orders.map(([kept, added]) => accumulation(value, sum, kept, added, loop, context))
    return found.filter((x) => x !== undefined).slice(0, 1)
  })
}

function accumulation(
  carried: Value,
  sum: MapStatement,
  kept: KernelExpr | undefined,
  added: KernelExpr | undefined,
  loop: Loop,
  { values, uses }: Context,
): Accumulation | undefined {
  if (!kept || added?.kind !== 'value' || uses.get(added.name) !== 1) return undefined
  const product = loop.body.find((s): s is Contract => s.kind === 'contract' && s.to.name === added.name)
  const factor = scaledBy(kept, carried.name)
  if (!product || !factor || product.to.axes.length !== carried.axes.length) return undefined
  return columnsOf(product, values).length > 0 ? { carried, factor: factor.by, product, sum } : undefined
}

const readsInside = (name: string, { over, body }: Loop): number => {
  const head = over.kind === 'tiles' ? over.head : []
  return everyStatement([...head, ...body])
    .flatMap(readBy)
    .filter((read) => read === name).length
}

/** The factor in `carried * factor`. */
function scaledBy(e: KernelExpr, carried: string): { readonly by: KernelExpr | undefined } | undefined {
  const isCarried = (x: KernelExpr | undefined): boolean => x?.kind === 'value' && x.name === carried
  if (isCarried(e)) return { by: undefined }
  if (e.kind !== 'call' || e.op !== 'mul') return undefined
  const [x, y] = e.args
  if (isCarried(x) && y) return { by: y }
  return isCarried(y) && x ? { by: x } : undefined
}

/** The factor is a value, so that it is worked out once for all that it scales. */
function scale({ carried, factor }: Accumulation, { values }: Context): readonly Item[] {
  if (!factor) return []
  if (factor.kind === 'value') return [{ kind: 'scale', to: carried, by: factor }]
  const axes = carried.axes.filter(({ axis }) => valuesIn(factor).some((name) => has(findValue(name, values), axis)))
  const to: Value = { name: `${carried.name}_factor`, type: 'f32', axes }
  return [
    { kind: 'define', to, from: { kind: 'expr', expr: factor } },
    { kind: 'scale', to: carried, by: valueRef(to) },
  ]
}

const has = (value: Value, axis: string): boolean => value.axes.some((a) => a.axis === axis)

function findValue(name: string, values: ReadonlyMap<string, Value>): Value {
  const value = values.get(name)
  invariant(value, `${name} is not defined`)
  return value
}

/** The axes that only the right operand brings into the product. */
function columnsOf({ to, left, right }: Contract, values: ReadonlyMap<string, Value>): Value['axes'] {
  return to.axes.filter(({ axis }) => has(findValue(right, values), axis) && !has(findValue(left, values), axis))
}

/** A product of tiles; a plain sum where the right operand brings no axis of its own. */
function contract(statement: Contract, to: Value, fresh: boolean, { values, masks }: Context): readonly Item[] {
  const { over, where } = statement
  const [left, right] = [findValue(statement.left, values), findValue(statement.right, values)]
  if (fresh && columnsOf(statement, values).length === 0) {
    return [{ kind: 'fold', to, of: kernelCall('mul', valueRef(left), valueRef(right)), over, op: 'sum', where }]
  }
  if (!where) return [{ kind: 'product', to, fresh, left, right, over, weighted: false, full: undefined }]
  const mask = findValue(where, values)
  const within = (value: Value): boolean => mask.axes.every(({ axis }) => has(value, axis))
  const [weighted, other] = within(right) && !within(left) ? [right, left] : [left, right]
  const axes = [...weighted.axes, ...mask.axes.filter(({ axis }) => !has(weighted, axis))]
  const weights: Value = { name: `${weighted.name}_${where}`, type: 'f32', axes }
  const expr = kernelCall('select', valueRef(mask), valueRef(weighted), kernelConst(0, 'f32'))
  const full = masks.get(where)?.full
  return [
    { kind: 'define', to: weights, from: { kind: 'expr', expr } },
    { kind: 'product', to, fresh, left: weights, right: other, over, weighted: true, full },
  ]
}
