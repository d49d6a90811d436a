/**
 * Heads that share keys and values, packed: a tile holds the rows of all heads of a group, so that a key is read once for all of
 * them. With few rows to a head (one, where a token is decoded) tiles would be nearly empty otherwise.
 *
 * A program becomes another one of the same meaning. A block has a head g of keys in place of a head h of queries; its rows are
 * numbered through the group: row r is row r mod I of head g * group + r div I. What is one number in a block and differs between
 * heads becomes one for each row.
 */
import type { Axis } from '../attention.ts'
import { call, size } from '../ir.ts'
import {
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelCall,
  kernelConst,
  type Program,
  type Statement,
  type Step,
  sizeRef,
  type Value,
  type ValueAxis,
} from '../kernel.ts'

interface Packing {
  readonly head: string
  readonly group: string // the axis of heads of keys
  readonly row: string
  readonly packed: string // the axis of rows of a group
}

/** Kernels that cannot be packed stay as they are. */
export function packHeads(program: Program): Program {
  const packed = nameAside('rows', program)
  let axis: Axis | undefined
  const packStep = (step: Step): Step => {
    if (step.kind === 'rounds') return { ...step, steps: step.steps.map(packStep) }
    for (const { name: group, length, span } of program.axes) {
      if (length.kind !== 'divides') continue
      const row = step.grid.findLast(({ tile }) => tile !== undefined)?.axis
      if (row === undefined) continue
      const kernel = packKernel(step, { head: length.of, group, row, packed })
      if (!kernel) continue
      const rows = call('mul', [call('idiv', [size(length.of), size(group)]), size(row)])
      axis = { name: packed, length: { kind: 'fixed', value: rows }, time: 'run', span }
      return kernel
    }
    return step
  }
  const steps = program.steps.map(packStep)
  return axis ? { ...program, axes: [...program.axes, axis], steps } : program
}

const nameAside = (base: string, program: Program): string =>
  program.axes.some(({ name }) => name === base) ? nameAside(`${base}_`, program) : base

function packKernel(kernel: Kernel, packing: Packing): Kernel | undefined {
  const { head, group, row, packed } = packing
  const isSingle = (axis: string): boolean => kernel.grid.some((one) => one.axis === axis && one.tile === undefined)
  if (!isSingle(head) || kernel.grid.some(({ axis }) => axis === group)) return undefined
  const exprs = kernel.body.flatMap(exprsOf)
  if (!exprs.some((e) => mentions(e, (part) => isGroupOf(part, packing)))) return undefined
  const varying = findVarying(kernel.body, packing)
  if (!canPack(kernel.body, varying, packing)) return undefined
  return {
    ...kernel,
    grid: kernel.grid.map((one) =>
      one.axis === head ? { ...one, axis: group } : one.axis === row ? { ...one, axis: packed } : one,
    ),
    body: kernel.body.map((statement) => packStatement(statement, varying, packing)),
  }
}

/** h div (H div G), which is the head of keys that a head of queries reads. */
function isGroupOf(e: KernelExpr, { head, group }: Packing): boolean {
  if (e.kind !== 'call' || e.op !== 'idiv') return false
  const [of, by] = e.args
  if (of?.kind !== 'index' || of.axis !== head || by?.kind !== 'call' || by.op !== 'idiv') return false
  const [heads, groups] = by.args
  return heads?.kind === 'size' && heads.axis === head && groups?.kind === 'size' && groups.axis === group
}

const mentions = (e: KernelExpr, is: (part: KernelExpr) => boolean): boolean =>
  is(e) || (e.kind === 'call' && e.args.some((arg) => mentions(arg, is)))

/** Whether an expression differs between the heads of a group. */
const varies = (e: KernelExpr, varying: ReadonlySet<string>, packing: Packing): boolean => {
  if (isGroupOf(e, packing)) return false
  if (e.kind === 'index') return e.axis === packing.head
  if (e.kind === 'value') return varying.has(e.name)
  return e.kind === 'call' && e.args.some((arg) => varies(arg, varying, packing))
}

/** What statements say: expressions, those of inner ones included. */
function exprsOf(s: Statement): readonly KernelExpr[] {
  switch (s.kind) {
    case 'load':
      return Object.values(s.index)
    case 'map':
    case 'mask':
      return [s.expr]
    case 'reduce':
      return [s.of]
    case 'store':
      return [s.value, ...Object.values(s.index)]
    case 'loop':
      return [...s.carried.map(({ initial }) => initial), ...boundsOf(s), ...innerOf(s).flatMap(exprsOf)]
    default:
      return []
  }
}

type LoopStatement = Extract<Statement, { kind: 'loop' }>
const boundsOf = ({ over }: LoopStatement): readonly KernelExpr[] =>
  over.kind === 'rounds'
    ? [over.count]
    : over.kind === 'tiles'
      ? [over.from, over.to].filter((e) => e !== undefined)
      : []
const innerOf = ({ over, body }: LoopStatement): readonly Statement[] =>
  over.kind === 'tiles' ? [...over.head, ...body] : body

const flat = (body: readonly Statement[]): readonly Statement[] =>
  body.flatMap((s) => (s.kind === 'loop' ? [s, ...flat(innerOf(s))] : [s]))

/** Values that differ between the heads of a group; those of rows do, and need nothing more. */
function findVarying(body: readonly Statement[], packing: Packing): ReadonlySet<string> {
  const varying = new Set<string>()
  const all = flat(body)
  for (let before = -1; before !== varying.size; ) {
    before = varying.size
    for (const s of all) {
      const named = 'where' in s && s.where !== undefined ? [s.where] : []
      const operands = s.kind === 'contract' ? [s.left, s.right] : s.kind === 'prefix' ? [s.of] : []
      const differs = [...named, ...operands].some((name) => varying.has(name))
      if ('to' in s && (differs || exprsOf(s).some((e) => varies(e, varying, packing)))) varying.add(s.to.name)
      if (s.kind !== 'loop') continue
      for (const { value, initial, next } of s.carried) {
        if (varies(initial, varying, packing) || varying.has(next) || varying.has(value.name)) {
          varying.add(value.name)
          varying.add(next)
        }
      }
    }
  }
  return varying
}

function canPack(body: readonly Statement[], varying: ReadonlySet<string>, packing: Packing): boolean {
  const { head, group, row } = packing
  const hasRow = (axes: readonly ValueAxis[]): boolean => axes.some(({ axis }) => axis === row)
  const isHeld = (value: Value): boolean =>
    !varying.has(value.name) || hasRow(value.axes) || value.axes.every(({ extent }) => extent === 'tile')
  const isEdge = (e: KernelExpr): boolean => e.kind === 'index' && e.axis === row && e.of !== 'element'
  return flat(body).every((s) => {
    if ('to' in s && !isHeld(s.to)) return false
    switch (s.kind) {
      case 'load': // at a place that a tile of rows determines: a table of tiles
        return !Object.values(s.index).some((e) => mentions(e, isEdge))
      case 'mask':
        return s.full === undefined || !varying.has(s.full)
      case 'reduce':
      case 'contract':
        return s.over !== row
      case 'prefix':
        return s.along !== row
      case 'store':
        return hasRow(s.axes)
      case 'loop':
        return (
          s.carried.every(({ value }) => isHeld(value)) &&
          !boundsOf(s).some((e) => varies(e, varying, packing)) &&
          (s.over.kind === 'rounds' || ![head, group, row].includes(s.over.axis)) &&
          (s.over.kind !== 'tiles' || s.over.skip === undefined || !varying.has(s.over.skip))
        )
      default:
        return true
    }
  })
}

function packStatement(s: Statement, varying: ReadonlySet<string>, packing: Packing): Statement {
  const expr = (e: KernelExpr): KernelExpr => packExpr(e, packing)
  const value = (v: Value): Value => packValue(v, varying, packing)
  const inner = (body: readonly Statement[]): readonly Statement[] =>
    body.map((one) => packStatement(one, varying, packing))
  const indices = (index: Readonly<Record<string, KernelExpr>>): Readonly<Record<string, KernelExpr>> =>
    Object.fromEntries(Object.entries(index).map(([axis, e]) => [axis, expr(e)]))
  switch (s.kind) {
    case 'load':
      return { ...s, to: value(s.to), index: indices(s.index) }
    case 'map':
    case 'mask':
      return { ...s, to: value(s.to), expr: expr(s.expr) }
    case 'reduce':
      return { ...s, to: value(s.to), of: expr(s.of) }
    case 'contract':
    case 'prefix':
      return { ...s, to: value(s.to) }
    case 'store':
      return { ...s, index: indices(s.index), value: expr(s.value), axes: packAxes(s.axes, packing) }
    case 'loop':
      return {
        ...s,
        over:
          s.over.kind === 'rounds'
            ? { ...s.over, count: expr(s.over.count) }
            : s.over.kind === 'members'
              ? s.over
              : {
                  ...s.over,
                  from: s.over.from && expr(s.over.from),
                  to: s.over.to && expr(s.over.to),
                  head: inner(s.over.head),
                },
        carried: s.carried.map((one) => ({ ...one, value: value(one.value), initial: expr(one.initial) })),
        body: inner(s.body),
      }
  }
}

const packAxes = (axes: readonly ValueAxis[], { row, packed }: Packing): readonly ValueAxis[] =>
  axes.map((one) => (one.axis === row ? { ...one, axis: packed } : one))

const packValue = (value: Value, varying: ReadonlySet<string>, packing: Packing): Value => {
  const axes = packAxes(value.axes, packing)
  const gains = varying.has(value.name) && !axes.some(({ axis }) => axis === packing.packed)
  const own: ValueAxis = { axis: packing.packed, extent: 'tile' }
  return { ...value, axes: gains ? [own, ...axes] : axes }
}

/** An expression of a head and its rows as one of a group and its rows. */
function packExpr(e: KernelExpr, packing: Packing): KernelExpr {
  const { head, group, row, packed } = packing
  const rows = sizeRef(row)
  const headOf = (r: KernelExpr): KernelExpr => kernelCall('idiv', r, rows)
  const rowOf = (r: KernelExpr): KernelExpr => kernelCall('mod', r, rows)
  if (isGroupOf(e, packing)) return indexRef(group)
  if (e.kind === 'call') return { ...e, args: e.args.map((arg) => packExpr(arg, packing)) }
  if (e.kind !== 'index') return e
  if (e.axis === head) {
    const first = kernelCall('mul', indexRef(group), kernelCall('idiv', sizeRef(head), sizeRef(group)))
    return kernelCall('add', first, headOf(indexRef(packed)))
  }
  if (e.axis !== row) return e
  if (e.of === 'element') return rowOf(indexRef(packed))
  // Of a tile with rows of several heads, all rows.
  const [first, last] = [indexRef(packed, 'first'), indexRef(packed, 'last')]
  const isOneHead = kernelCall('eq', headOf(first), headOf(last))
  const edge = e.of === 'first' ? kernelConst(0, 'i32') : kernelCall('sub', rows, kernelConst(1, 'i32'))
  return kernelCall('select', isOneHead, rowOf(e.of === 'first' ? first : last), edge)
}
