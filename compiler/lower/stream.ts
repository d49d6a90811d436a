/**
 * A stream plan as kernels: row tiles stay, the tiles of the streamed axis pass by once per pass, and the state of each pass is the
 * carried values of its loop. Results are stored by the block that owns their rows. With splits, each split stores its state, and a
 * second kernel merges them and finishes.
 */
import { type Expr, unionAxes, withoutAxes } from '../ir.ts'
import {
  type Buffer,
  type Carried,
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelCall,
  kernelConst,
  type Statement,
  type TileLoop,
  type Value,
  valueRef,
} from '../kernel.ts'
import type { Classify } from '../masks/classify.ts'
import type { Accumulator, Pass, Reference, StreamPlan } from '../plan/plan.ts'
import {
  createLowering,
  factorsOf,
  foldWith,
  identityFor,
  type Lowering,
  type LoweringContext,
  multiply,
  NotLowered,
} from './lowering.ts'
import {
  differenceFrom,
  type Move,
  mergeReferences,
  moveTo,
  nameOf,
  type State,
  stepReference,
  transform,
} from './transform.ts'

export interface StreamOptions {
  readonly context: LoweringContext
  readonly tile: Readonly<Record<string, number>>
  readonly classify: Classify
  readonly name: string
  readonly splits: number // of the streamed axis; 1: none
}
export interface LoweredStream {
  readonly kernels: readonly Kernel[]
  readonly buffers: readonly Buffer[]
}

/** The axis of partial states. No source can declare it: it is a reserved word. */
export const splitAxis = 'split'

export function lowerStream(plan: StreamPlan, options: StreamOptions): LoweredStream {
  const splits = plan.passes.length === 1 ? options.splits : 1
  const roots = [...plan.results.map((r) => r.finish), ...plan.passes.flatMap(rootsOf)]
  const singles = unionAxes(...plan.results.map((r) => r.result.axes)).filter((axis) => isGridAxis(axis, plan, options))
  const start = (own: readonly string[]): Lowering =>
    createLowering(
      options.context,
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
  if (splits > 1) return lowerSplit(plan, options, splits, singles, start, kernel)

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

const tileOf = (options: StreamOptions, axis: string): number => options.tile[axis] ?? 32
const rootsOf = (pass: Pass): readonly Expr[] => [
  ...(pass.domain ? [pass.domain] : []),
  ...pass.references.map((r) => r.of),
  ...pass.accumulators.flatMap((a) => factorsOf(a.body)),
]
const docOf = (plan: StreamPlan): string => {
  const results = plan.results.map((r) => r.result.name).join(', ')
  return `${results}: tiles of ${plan.row} stay, tiles of ${plan.stream} pass by${plan.passes.length > 1 ? ` ${plan.passes.length} times` : ''}`
}

/** Axes of results that are neither streamed nor held whole: one index a block. */
const isGridAxis = (axis: string, plan: StreamPlan, options: StreamOptions): boolean =>
  axis !== plan.row &&
  axis !== plan.stream &&
  (axis === 'b' || axis === 'h' || options.context.sizes[axis] === undefined)

// One pass

function lowerPass(
  pass: Pass,
  plan: StreamPlan,
  options: StreamOptions,
  lowering: Lowering,
  final: readonly Reference[],
  splits: number | undefined,
): readonly Carried[] {
  const { stream, row } = plan
  const classes = pass.domain && options.classify(pass.domain, { row, column: stream, fresh: lowering.fresh })
  for (const statement of classes?.before ?? []) lowering.emit(statement)
  const head: Statement[] = [...(classes?.inside ?? [])]
  const skip = nameFlag('empty', classes?.empty, head, lowering)
  const full = nameFlag('full', classes?.full, head, lowering)
  const { scope, value: carried } = lowering.nested(new Map([[stream, 'tile']]), () => {
    for (const r of final) bindFinished(r, lowering)
    return stepOf(pass, plan, lowering, full)
  })
  const tile = tileOf(options, stream)
  const bounds =
    splits === undefined
      ? { from: classes?.from, to: classes?.to }
      : splitBounds(stream, splits, tile, classes?.from, classes?.to, lowering)
  const over: TileLoop = { kind: 'tiles', axis: stream, tile, ...bounds, head, skip }
  lowering.emit({ kind: 'loop', over, carried, body: scope.statements })
  return carried
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
function stepOf(pass: Pass, plan: StreamPlan, lowering: Lowering, full: string | undefined): readonly Carried[] {
  const where = pass.domain && emitMask(pass.domain, full, lowering)
  const held = holdState(pass, plan, lowering)
  const state = stateOf(pass, (id) => valueRef(held.get(id) as Value))
  const moves = new Map<string, Move>()
  const next = new Map<string, string>()
  for (const r of pass.references) {
    const place = { stream: plan.stream, where, axes: rowAxes(r.of, pass, plan), pairAxes: r.of.axes, lowering }
    const step = stepReference(r, valueRef(lowering.lowerToValue(r.of, 'score')), state.value(r.id), state, place)
    moves.set(r.id, step)
    next.set(r.id, step.next.name)
    lowering.current().names.set(r.differenceId, () => step.difference)
  }
  for (const a of pass.accumulators) {
    const axes = rowAxes(a.body, pass, plan)
    const tile = contribution(a, plan, where, axes, lowering)
    next.set(a.id, addTo(a, transform(a, state, moves), tile, axes, lowering).name)
  }
  return carry(pass, held, next)
}

const rowAxes = (e: Expr, pass: Pass, plan: StreamPlan): readonly string[] =>
  withoutAxes(unionAxes(e.axes, pass.domain?.axes ?? []), [plan.stream])
const stateOf = (pass: Pass, value: (id: string) => KernelExpr): State => ({
  value,
  number: (id) =>
    pass.accumulators.find((a) => a.id === id)?.op === 'count' ? kernelCall('float', value(id)) : value(id),
})
function holdState(pass: Pass, plan: StreamPlan, lowering: Lowering, prefix = ''): ReadonlyMap<string, Value> {
  const hold = (base: string, type: Value['type'], e: Expr): Value =>
    lowering.define(lowering.newValue(prefix + base, type, rowAxes(e, pass, plan), e))
  return new Map([
    ...pass.references.map((r) => [r.id, hold(`row_${nameOf(r)}`, 'f32', r.of)] as const),
    ...pass.accumulators.map((a) => [a.id, hold(accumulatorName(a), typeOf(a), a.body)] as const),
  ])
}
function addTo(
  a: Accumulator,
  before: KernelExpr,
  more: KernelExpr,
  axes: readonly string[],
  lowering: Lowering,
): Value {
  const to = lowering.define(lowering.newValue('next', typeOf(a), axes))
  lowering.emit({
    kind: 'map',
    to,
    expr: a.op === 'count' ? kernelCall('add', before, more) : foldWith(a.op, before, more),
  })
  return to
}
const carry = (pass: Pass, held: ReadonlyMap<string, Value>, next: ReadonlyMap<string, string>): readonly Carried[] =>
  [...held].map(([id, value]) => ({ value, initial: initialOf(id, pass, value), next: next.get(id) as string }))

const typeOf = (a: Accumulator): Value['type'] =>
  a.op === 'any' || a.op === 'all' ? 'bool' : a.op === 'count' ? 'i32' : a.body.type === 'bool' ? 'i32' : a.body.type
const accumulatorName = (a: Accumulator): string =>
  a.op === 'sum' ? (a.body.axes.some((axis) => axis === 'e' || axis === 'd') ? 'acc' : 'total') : a.op
function initialOf(id: string, pass: Pass, value: Value): KernelExpr {
  const r = pass.references.find((x) => x.id === id)
  if (r) return kernelConst(r.kind === 'max' ? -Infinity : r.kind === 'min' ? Infinity : 0, 'f32')
  return identityFor(pass.accumulators.find((x) => x.id === id)?.op ?? 'sum', value.type)
}

function emitMask(domain: Expr, full: string | undefined, lowering: Lowering): string {
  const expr = lowering.lower(domain)
  const to = lowering.define(lowering.newValue('admitted', 'bool', domain.axes))
  lowering.emit({ kind: 'mask', to, expr, full })
  return to.name
}

/** What a tile adds: a contraction where the body is a weight per pair times a value per feature, else a fold of the elements. */
function contribution(
  a: Accumulator,
  plan: StreamPlan,
  where: string | undefined,
  axes: readonly string[],
  lowering: Lowering,
): KernelExpr {
  const { stream, row } = plan
  const features =
    a.op === 'sum'
      ? a.body.axes.filter((axis) => axis !== row && axis !== stream && lowering.valueAxes([axis]).length > 0)
      : []
  if (features.length === 0) {
    const of = lowering.lower(a.body)
    const to = lowering.define(lowering.newValue(`tile_${a.op}`, typeOf(a), axes))
    lowering.emit({ kind: 'reduce', to, of, over: stream, op: a.op, where })
    return valueRef(to)
  }
  const factors = factorsOf(a.body)
  const hasFeature = (f: Expr): boolean => features.some((x) => f.axes.includes(x))
  const after = factors.filter((f) => !f.axes.includes(stream))
  const values = factors.filter((f) => f.axes.includes(stream) && hasFeature(f))
  const weights = factors.filter((f) => f.axes.includes(stream) && !hasFeature(f))
  if (values.length === 0 || values.some((f) => f.axes.includes(row)))
    throw new NotLowered('a value that varies over rows, keys and features at once', a.body)
  const left = lowering.lowerToValue(pairOf(multiply(weights), axes, plan), 'weight')
  const right = lowering.lowerToValue(multiply(values), 'values')
  const to = lowering.define(lowering.newValue('product', 'f32', axes))
  lowering.emit({ kind: 'contract', to, left: left.name, right: right.name, over: stream, where })
  return after.length > 0 ? kernelCall('mul', valueRef(to), lowering.lower(multiply(after))) : valueRef(to)
}
/** A weight of a contraction varies over both of its token axes, whatever its expression. */
function pairOf(weight: Expr, axes: readonly string[], { row, stream }: StreamPlan): Expr {
  const all = unionAxes(weight.axes, [stream], axes.includes(row) ? [row] : [])
  return all.length === weight.axes.length
    ? weight
    : { kind: 'spread', of: weight, type: weight.type, axes: all, span: weight.span }
}

/** After its loop, the final values of a pass are values of the block. */
function nameFinals(pass: Pass, values: readonly KernelExpr[], lowering: Lowering): void {
  const ids = [...pass.references.map((r) => r.id), ...pass.accumulators.map((a) => a.id)]
  for (const [k, id] of ids.entries()) lowering.current().names.set(id, () => values[k] as KernelExpr)
}

/** In a later pass, an element relative to a reference of an earlier one is taken from its final value. */
function bindFinished(r: Reference, lowering: Lowering): void {
  lowering.current().names.set(r.differenceId, () => {
    const final = lowering.lower({ kind: 'bound', id: r.id, type: 'f32', axes: [], span: undefined })
    return differenceFrom(r, lowering.lower(r.of), final)
  })
}

function storeResults(plan: StreamPlan, lowering: Lowering): void {
  for (const { result, finish } of plan.results) store(result.name, result.axes, lowering.lower(finish), lowering)
}
function store(buffer: string, axes: readonly string[], value: KernelExpr, lowering: Lowering): void {
  lowering.emit({ kind: 'store', buffer, index: indexOf(axes), value, axes: lowering.valueAxes(axes) })
}
const indexOf = (axes: readonly string[]): Record<string, KernelExpr> =>
  Object.fromEntries(axes.map((axis) => [axis, indexRef(axis)]))

// Splits

function lowerSplit(
  plan: StreamPlan,
  options: StreamOptions,
  splits: number,
  singles: readonly string[],
  start: (own: readonly string[]) => Lowering,
  kernel: (lowering: Lowering, doc: string, suffix: string, own: readonly string[]) => Kernel,
): LoweredStream {
  const pass = plan.passes[0] as Pass
  const first = start([splitAxis])
  const carried = lowerPass(pass, plan, options, first, [], splits)
  const buffers = carried.map(
    ({ value }): Buffer => ({
      name: `${options.name}_${value.name}`,
      axes: [...singles, splitAxis, ...value.axes.map((a) => a.axis)],
      storage: value.type === 'f32' ? 'f32' : value.type,
      role: 'workspace',
    }),
  )
  for (const [k, buffer] of buffers.entries())
    store(buffer.name, buffer.axes, valueRef((carried[k] as Carried).value), first)

  const second = start([])
  const { scope, value: merged } = second.nested(new Map([[splitAxis, 'single']]), () =>
    mergeOf(pass, plan, buffers, second),
  )
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
      kernel(first, `the state of ${names} over each part of ${plan.stream}`, '_parts', [splitAxis]),
      kernel(second, `${names} from the merged states`, '', []),
    ],
    buffers,
  }
}

/** A split holds whole tiles: ceil(size / (splits * tile)) of them. */
function splitBounds(
  stream: string,
  splits: number,
  tile: number,
  from: KernelExpr | undefined,
  to: KernelExpr | undefined,
  lowering: Lowering,
) {
  const int = (n: number): KernelExpr => kernelConst(n, 'i32')
  const tiles = kernelCall(
    'idiv',
    kernelCall('add', lowering.sizeOf(stream), int(splits * tile - 1)),
    int(splits * tile),
  )
  const begin = kernelCall('mul', indexRef(splitAxis), kernelCall('mul', tiles, int(tile)))
  const end = kernelCall('mul', kernelCall('add', indexRef(splitAxis), int(1)), kernelCall('mul', tiles, int(tile)))
  return { from: from ? kernelCall('max', from, begin) : begin, to: to ? kernelCall('min', to, end) : end }
}

/** One more partial state: both sides move to a common reference, then add. The identity on either side changes nothing. */
function mergeOf(pass: Pass, plan: StreamPlan, buffers: readonly Buffer[], lowering: Lowering): readonly Carried[] {
  const held = holdState(pass, plan, lowering)
  const part = holdState(pass, plan, lowering, 'part_')
  for (const [k, to] of [...part.values()].entries()) {
    const { name, axes } = buffers[k] as Buffer
    lowering.emit({ kind: 'load', to, buffer: name, index: indexOf(axes), outside: 'never' })
  }
  const left = stateOf(pass, (id) => valueRef(held.get(id) as Value))
  const right = stateOf(pass, (id) => valueRef(part.get(id) as Value))
  const [leftMoves, rightMoves] = [new Map<string, Move>(), new Map<string, Move>()]
  const next = new Map<string, string>()
  for (const r of pass.references) {
    const axes = rowAxes(r.of, pass, plan)
    const place = { stream: plan.stream, where: undefined, axes, pairAxes: axes, lowering }
    const to = lowering.define(lowering.newValue(`new_${nameOf(r)}`, 'f32', axes))
    lowering.emit({ kind: 'map', to, expr: mergeReferences(r, left.value(r.id), right.value(r.id), left) })
    leftMoves.set(r.id, moveTo(r, left.value(r.id), valueRef(to), place))
    rightMoves.set(r.id, moveTo(r, right.value(r.id), valueRef(to), place))
    next.set(r.id, to.name)
  }
  for (const a of pass.accumulators)
    next.set(
      a.id,
      addTo(a, transform(a, left, leftMoves), transform(a, right, rightMoves), rowAxes(a.body, pass, plan), lowering)
        .name,
    )
  return carry(pass, held, next)
}
