/**
 * A stream plan as kernels: row tiles stay, the tiles of the streamed axis pass by once per pass, and the state of each pass is the
 * carried values of its loop. Results are stored by the block that owns their rows. With splits, each split stores its state, and a
 * second kernel merges them and finishes.
 */
import { type Expr, nodesOf, unionAxes } from '../ir.ts'
import {
  type Buffer,
  type Carried,
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelCall,
  type Statement,
  type TileLoop,
  type Value,
  valueRef,
} from '../kernel.ts'
import type { Classify } from '../masks/classify.ts'
import type { Pass, Reference, StreamPlan } from '../plan/plan.ts'
import { addTo, carry, holdState, rowAxes, stateOf } from './carried.ts'
import { contribution, emitMask } from './contribution.ts'
import { factorsOf } from './forms.ts'
import { createLowering, type Lowering, type LoweringContext } from './lowering.ts'
import { residentAxes } from './resident.ts'
import { stepRunning } from './running.ts'
import { lowerSplit, type Splits, splitBounds } from './split.ts'
import { differenceFrom, type Move, stepReference, transform, usable } from './transform.ts'

export interface StreamOptions {
  readonly context: LoweringContext
  readonly tile: Readonly<Record<string, number>>
  readonly classify: Classify
  readonly name: string // of the kernel
  readonly newName: (base: string) => string // for buffers
  readonly splits: Splits // of the streamed axis; 1: none
}
export interface LoweredStream {
  readonly kernels: readonly Kernel[]
  readonly buffers: readonly Buffer[]
}

export function lowerStream(plan: StreamPlan, options: StreamOptions): LoweredStream {
  const splits = canSplit(plan) ? options.splits : 1
  const roots = [...plan.results.map((r) => r.finish), ...plan.passes.flatMap(rootsOf)]
  const batch = unionAxes(...plan.results.map((r) => r.result.axes)).filter((axis) => isGridAxis(axis, plan, options))
  const resident = residentAxes(roots, plan.row, streamsOf(plan), batch, options.context.sizes)
  const singles = batch.filter((axis) => !resident.has(axis))
  const start = (own: readonly string[]): Lowering =>
    createLowering(
      { ...options.context, resident },
      roots,
      new Map([...[...singles, ...own].map((axis) => [axis, 'single'] as const), [plan.row, 'tile'] as const]),
    )
  const kernel = (lowering: Lowering, doc: string, suffix: string, own: readonly string[]): Kernel => ({
    kind: 'kernel',
    name: options.name + suffix,
    doc,
    grid: [
      ...[...singles, ...own].map((axis) => ({ axis, tile: undefined })),
      { axis: plan.row, tile: tileOf(options, plan.row) },
    ],
    body: lowering.scopes[0]?.statements ?? [],
  })
  if (splits !== 1) return lowerSplit(plan, options, splits, singles, start, kernel)

  const lowering = start([])
  const final: Reference[] = [] // of earlier passes
  for (const pass of plan.passes) {
    const carried = lowerPass(pass, plan, options, lowering, final, undefined)
    nameFinals(
      pass,
      carried.map((c) => valueRef(c.value)),
      lowering,
    )
    final.push(...pass.references)
  }
  storeResults(plan, lowering)
  return { kernels: [kernel(lowering, docOf(plan), '', [])], buffers: [] }
}

/** Whether states of parts can be merged. */
export const canSplit = ({ passes }: StreamPlan): boolean => passes.length === 1 && passes[0]?.merges === true

const tileOf = (options: StreamOptions, axis: string): number => options.tile[axis] ?? 32
const rootsOf = (pass: Pass): readonly Expr[] => [
  ...(pass.domain ? [pass.domain] : []),
  ...pass.references.map((r) => r.of),
  ...pass.running.map((r) => r.of),
  ...pass.accumulators.flatMap((a) => factorsOf(a.body)),
]
const docOf = (plan: StreamPlan): string => {
  const results = plan.results.map((r) => r.result.name).join(', ')
  const times = (n: number): string => (n > 1 ? ` ${n} times` : '')
  const walked = streamsOf(plan).map((axis) => {
    const passes = plan.passes.filter((pass) => pass.stream === axis).length
    return `tiles of ${axis} pass by${times(passes)}`
  })
  return `${results}: tiles of ${plan.row} stay, ${walked.join(', ')}`
}

const streamsOf = ({ passes }: StreamPlan): readonly string[] => [...new Set(passes.map((pass) => pass.stream))]

/** Axes of results that are neither streamed nor held whole: one index a block. */
const isGridAxis = (axis: string, plan: StreamPlan, options: StreamOptions): boolean =>
  axis !== plan.row &&
  !streamsOf(plan).includes(axis) &&
  (axis === 'b' || axis === 'h' || options.context.sizes[axis] === undefined)

// One pass

export function lowerPass(
  pass: Pass,
  plan: StreamPlan,
  options: StreamOptions,
  lowering: Lowering,
  final: readonly Reference[],
  splits: Splits | undefined,
): readonly Carried[] {
  const { row } = plan
  const { stream } = pass
  const whole = [...lowering.resident]
  const place = { row, column: stream, whole, tile: (axis: string) => tileOf(options, axis), fresh: lowering.fresh }
  const classes = pass.domain && options.classify(pass.domain, place)
  for (const statement of classes?.before ?? []) lowering.emit(statement)
  const head: Statement[] = [...(classes?.inside ?? [])]
  const skip = nameFlag('empty', classes?.empty, head, lowering)
  const full = nameFlag('full', classes?.full, head, lowering)
  const { scope, value: carried } = lowering.nested(new Map([[stream, 'tile']]), () =>
    stepOf(pass, plan, lowering, full, final),
  )
  const tile = tileOf(options, stream)
  const bounds =
    splits === undefined
      ? { from: classes?.from, to: classes?.to }
      : splitBounds(stream, splits, tile, classes?.from, classes?.to, lowering)
  const over: TileLoop = { kind: 'tiles', axis: stream, tile, ...bounds, direction: pass.direction, head, skip }
  lowering.emit({ kind: 'loop', over, carried, body: scope.statements })
  return carried
}

/** Whether the reference itself shows: in a result, in what a later pass computes, or in what is picked by being equal to it. */
function isRead({ id }: Reference, pass: Pass, { passes, results }: StreamPlan): boolean {
  const roots = [...results.flatMap(({ finish, empty }) => [finish, empty]), ...passes.flatMap(rootsOf)]
  const isPicked = pass.accumulators.some(({ degrees }) => degrees.some((d) => d.reference === id && d.isAt))
  return isPicked || nodesOf(...roots).some((e) => e.kind === 'bound' && e.id === id)
}

/** A flag as a uniform value of the loop's head; none where it is never true. */
function nameFlag(
  base: string,
  expr: KernelExpr | undefined,
  head: Statement[],
  lowering: Lowering,
): string | undefined {
  if (!expr || (expr.kind === 'const' && expr.value === false)) return undefined
  const to: Value = { name: lowering.fresh(base), type: 'bool', axes: [] }
  head.push({ kind: 'map', to, expr })
  return to.name
}

/** The body of one round; gives the carried values. */
function stepOf(
  pass: Pass,
  plan: StreamPlan,
  lowering: Lowering,
  full: string | undefined,
  final: readonly Reference[],
): readonly Carried[] {
  const where = pass.domain && emitMask(pass.domain, full, lowering)
  const held = holdState(pass, lowering)
  const state = stateOf(pass, (id) => valueRef(held.get(id) as Value))
  const moves = new Map<string, Move>()
  const next = new Map<string, string>()
  for (const r of final) bindFinished(r, lowering)
  for (const r of pass.running) {
    const step = stepRunning(r, valueRef(held.get(r.id) as Value), where, pass, lowering)
    next.set(r.id, step.next.name)
    lowering.current().names.set(r.elementId, () => step.element)
  }
  for (const r of pass.references) {
    const axes = rowAxes(r.of, pass)
    const pairAxes = unionAxes(r.of.axes, axes)
    const place = { stream: pass.stream, where, axes, pairAxes, lowering, isRead: isRead(r, pass, plan) }
    const step = stepReference(r, valueRef(lowering.lowerToValue(r.of, 'score')), state.value(r.id), state, place)
    moves.set(r.id, step)
    next.set(r.id, step.next.name)
    lowering.current().names.set(r.differenceId, () => step.difference)
    lowering.current().names.set(r.isAtId, () => step.isAt)
  }
  for (const a of pass.accumulators) {
    const axes = rowAxes(a.body, pass)
    const tile = contribution(a, plan.row, pass, where, axes, lowering)
    next.set(a.id, addTo(a, transform(a, state, moves), tile, axes, lowering).name)
  }
  return carry(pass, held, next)
}

/** After its loop, the final values of a pass are values of the block. */
export function nameFinals(pass: Pass, values: readonly KernelExpr[], lowering: Lowering): void {
  const all = [...pass.running, ...pass.references, ...pass.accumulators]
  for (const [k, { id }] of all.entries()) {
    const value = values[k] as KernelExpr
    const reference = pass.references.find((r) => r.id === id)
    // A running maximum is finished from as it is, -inf included; a divisor as it was used.
    lowering.current().names.set(id, () => (reference?.kind === 'largest' ? usable(reference, value) : value))
  }
}

/** In a later pass, an element relative to a reference of an earlier one is taken from its final value. */
function bindFinished(r: Reference, lowering: Lowering): void {
  const final = (): KernelExpr => lowering.lower({ kind: 'bound', id: r.id, type: 'f32', axes: [], span: undefined })
  lowering.current().names.set(r.differenceId, () => differenceFrom(r, lowering.lower(r.of), final()))
  lowering.current().names.set(r.isAtId, () => kernelCall('eq', lowering.lower(r.of), final()))
}

export function storeResults(plan: StreamPlan, lowering: Lowering): void {
  for (const { result, finish } of plan.results) store(result.name, result.axes, lowering.lower(finish), lowering)
}
export function store(buffer: string, axes: readonly string[], value: KernelExpr, lowering: Lowering): void {
  lowering.emit({ kind: 'store', buffer, index: indexOf(axes), value, axes: lowering.valueAxes(axes) })
}
export const indexOf = (axes: readonly string[]): Record<string, KernelExpr> =>
  Object.fromEntries(axes.map((axis) => [axis, indexRef(axis)]))
