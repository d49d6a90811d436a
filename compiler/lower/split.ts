/**
 * Splits of the streamed axis: a first kernel stores the state of each part, a second merges the states in order and finishes. The
 * merge moves both sides to a common reference and adds; it follows from the same transformations as a step.
 */
import { call, type Expr, i32, size } from '../ir.ts'
import {
  type Buffer,
  type Carried,
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelCall,
  kernelConst,
  sizeRef,
  type Value,
  valueRef,
} from '../kernel.ts'
import type { Pass, StreamPlan } from '../plan/plan.ts'
import { addTo, carry, holdState, rowAxes, stateOf } from './carried.ts'
import type { Lowering } from './lowering.ts'
import {
  indexOf,
  type LoweredStream,
  lowerPass,
  nameFinals,
  type StreamOptions,
  store,
  storeResults,
} from './stream.ts'
import { type Move, mergeReferences, moveTo, nameOf, transform } from './transform.ts'

/** The axis of partial states. No source can declare it: it is a reserved word. */
export const splitAxis = 'split'

/** So many parts, or as many as the lengths of a call make worth while: the same for the same lengths, whatever runs them. */
export type Splits = number | 'by length'

const least = 256 // elements of a part
const usual = 128 // blocks to be shared among threads, where rows alone give fewer

/** The number of parts: `blocks` are the axes along which there are blocks beside the rows, `wanted` is how many there are to be. */
export function partsOf(splits: Splits, stream: string, blocks: readonly string[], wanted = usual): Expr {
  if (splits !== 'by length') return i32(splits)
  const ceil = (of: Expr, by: Expr): Expr => call('idiv', [call('sub', [call('add', [of, by]), i32(1)]), by])
  const others = blocks.map((axis) => size(axis)).reduce<Expr>((a, b) => call('mul', [a, b]), i32(1))
  const enough = ceil(i32(wanted), call('max', [others, i32(1)]))
  return call('max', [call('min', [ceil(size(stream), i32(least)), enough]), i32(1)])
}

export function lowerSplit(
  plan: StreamPlan,
  options: StreamOptions,
  splits: Splits,
  singles: readonly string[],
  start: (own: readonly string[]) => Lowering,
  kernel: (lowering: Lowering, doc: string, suffix: string, own: readonly string[]) => Kernel,
): LoweredStream {
  const pass = plan.passes[0] as Pass
  const first = start([splitAxis])
  const carried = lowerPass(pass, plan, options, first, [], splits)
  const buffers = carried.map(
    ({ value }): Buffer => ({
      name: options.newName(`${options.name}_${value.name}`),
      axes: [...singles, splitAxis, ...value.axes.map((a) => a.axis)],
      storage: value.type === 'f32' ? 'f32' : value.type,
      role: 'workspace',
    }),
  )
  for (const [k, buffer] of buffers.entries())
    store(buffer.name, buffer.axes, valueRef((carried[k] as Carried).value), first)

  const second = start([])
  const { scope, value: merged } = second.nested(new Map([[splitAxis, 'single']]), () => mergeOf(pass, buffers, second))
  second.emit({
    kind: 'loop',
    over: { kind: 'members', axis: splitAxis, direction: 'up' },
    carried: merged,
    body: scope.statements,
  })
  nameFinals(
    pass,
    merged.map((c) => valueRef(c.value)),
    second,
  )
  storeResults(plan, second)
  const names = plan.results.map((r) => r.result.name).join(', ')
  return {
    kernels: [
      kernel(first, `the state of ${names} over each part of ${pass.stream}`, '_parts', [splitAxis]),
      kernel(second, `${names} from the merged states`, '', []),
    ],
    buffers,
  }
}

/** A split holds whole tiles: ceil(size / (splits * tile)) of them. */
export function splitBounds(
  stream: string,
  splits: Splits,
  tile: number,
  from: KernelExpr | undefined,
  to: KernelExpr | undefined,
  lowering: Lowering,
) {
  const int = (n: number): KernelExpr => kernelConst(n, 'i32')
  const whole = splits === 'by length' ? kernelCall('mul', sizeRef(splitAxis), int(tile)) : int(splits * tile)
  const rounding = splits === 'by length' ? kernelCall('sub', whole, int(1)) : int(splits * tile - 1)
  const tiles = kernelCall('idiv', kernelCall('add', lowering.sizeOf(stream), rounding), whole)
  const begin = kernelCall('mul', indexRef(splitAxis), kernelCall('mul', tiles, int(tile)))
  const end = kernelCall('mul', kernelCall('add', indexRef(splitAxis), int(1)), kernelCall('mul', tiles, int(tile)))
  return { from: from ? kernelCall('max', from, begin) : begin, to: to ? kernelCall('min', to, end) : end }
}

/** Elements of one part lie beyond all places of the other: their running sums grow by its own. */
const followRunning = (by: KernelExpr): Move => ({
  factor: ({ rate }) => kernelCall('exp', rate === 1 ? by : kernelCall('mul', kernelConst(rate, 'f32'), by)),
  stays: kernelConst(true, 'bool'),
  distance: kernelConst(0, 'f32'),
})

/** One more partial state: both sides move to a common reference, then add. The identity on either side changes nothing. */
function mergeOf(pass: Pass, buffers: readonly Buffer[], lowering: Lowering): readonly Carried[] {
  const held = holdState(pass, lowering)
  const part = holdState(pass, lowering, 'part_')
  for (const [k, to] of [...part.values()].entries()) {
    const { name, axes } = buffers[k] as Buffer
    lowering.emit({ kind: 'load', to, buffer: name, index: indexOf(axes), outside: 'never' })
  }
  const left = stateOf(pass, (id) => valueRef(held.get(id) as Value))
  const right = stateOf(pass, (id) => valueRef(part.get(id) as Value))
  const [leftMoves, rightMoves] = [new Map<string, Move>(), new Map<string, Move>()]
  const next = new Map<string, string>()
  for (const r of pass.running) {
    const [before, after] = [left.value(r.id), right.value(r.id)]
    const to = lowering.define(lowering.newValue('walked', r.of.type, rowAxes(r.of, pass)))
    lowering.emit({ kind: 'map', to, expr: kernelCall('add', before, after) })
    const follows = pass.direction === 'up' ? rightMoves : leftMoves
    follows.set(r.id, followRunning(pass.direction === 'up' ? before : after))
    next.set(r.id, to.name)
  }
  for (const r of pass.references) {
    const axes = rowAxes(r.of, pass)
    const place = { stream: pass.stream, where: undefined, axes, pairAxes: axes, lowering }
    const to = lowering.define(lowering.newValue(`new_${nameOf(r)}`, 'f32', axes))
    lowering.emit({ kind: 'map', to, expr: mergeReferences(r, left.value(r.id), right.value(r.id), left) })
    leftMoves.set(r.id, moveTo(r, left.value(r.id), valueRef(to), place))
    rightMoves.set(r.id, moveTo(r, right.value(r.id), valueRef(to), place))
    next.set(r.id, to.name)
  }
  for (const a of pass.accumulators)
    next.set(
      a.id,
      addTo(a, transform(a, left, leftMoves), transform(a, right, rightMoves), rowAxes(a.body, pass), lowering).name,
    )
  return carry(pass, held, next)
}
