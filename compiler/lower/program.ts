/** A plan as a program: buffers for tensors, a kernel for each stream, scalar kernels for what is materialised. */
import type { Attention, Axis, InputDecl, ResultDecl, StorageType } from '../attention.ts'
import { createNames } from '../fresh-names.ts'
import { type Expr, i32, unionAxes } from '../ir.ts'
import type { Buffer, Machine, Program, Statement, Step } from '../kernel.ts'
import { createClassify } from '../masks/classify.ts'
import { createTables, type TileAxis } from '../masks/tables.ts'
import type { Planned } from '../plan/make-plan.ts'
import type { MaterialisedPlan, Part, Plan, RoundsPlan, StreamPlan, VectorPlan } from '../plan/plan.ts'
import { lowerTogether } from './elements.ts'
import { createLowering, type LoweringContext } from './lowering.ts'
import { materialise } from './materialise.ts'
import { packHeads } from './pack.ts'
import { NotLowered } from './scopes.ts'
import { partsOf, type Splits, splitAxis } from './split.ts'
import { canSplit, lowerStream } from './stream.ts'

export interface ProgramOptions {
  readonly machine: Machine
  readonly dtype: 'f32' | 'f16' | 'bf16'
  readonly sizes: Readonly<Record<string, number>>
  readonly tile: Readonly<Record<string, number>>
  readonly splits?: number | undefined
  readonly rows?: 'many' | 'few' | undefined
}
export interface Lowered {
  readonly program: Program
  readonly plan: Plan
}

/**
 * Lowers each part; a stream that does not fit the tile vocabulary falls back to the materialised plan, which the returned plan shows.
 */
export function lowerProgram(planned: Planned, given: ProgramOptions): Lowered {
  const options = { ...given, sizes: withAdded(given.sizes, planned.axes) }
  const context = contextOf(planned, options)
  const buffers: Buffer[] = planned.kept.map(bufferOf)
  const names = namesFor(planned)
  const steps: Step[] = []
  const tileAxes = new Map<string, TileAxis>()
  const lowerPart = (part: Part, into: Step[]): Part => {
    switch (part.kind) {
      case 'rounds':
        return lowerRounds(part, into)
      case 'stream':
        return lowerWalk(part, into)
      case 'vector':
        return addVector(part, into)
      case 'materialised':
        return addElements(part, into)
    }
  }
  const addVector = (part: VectorPlan, into: Step[]): Part => {
    const { together } = options.machine
    const own = withNames(context, buffers)
    const kernels = part.results.map((to) =>
      together === undefined ? undefined : lowerTogether(to, planned.exprs.get(to) as Expr, together, own),
    )
    if (kernels.some((kernel) => kernel === undefined)) return addElements(part, into)
    into.push(...kernels.filter((kernel) => kernel !== undefined))
    return part
  }
  const addElements = <P extends VectorPlan | MaterialisedPlan>(part: P, into: Step[]): P => {
    const exprs = part.results.map((r) => planned.exprs.get(r) as Expr)
    const lowered = materialise(part.results, exprs, withNames(context, buffers), names.buffer)
    into.push(...lowered.steps)
    buffers.push(...lowered.buffers)
    return part
  }
  const lowerWalk = (part: StreamPlan, into: Step[]): Part => {
    const lowered = tryStream(part, planned, options, context, names)
    if (!lowered.ok)
      return addElements(
        { kind: 'materialised', results: part.results.map((r) => r.result), reason: lowered.obstacle },
        into,
      )
    const { stream, tables } = lowered
    into.push(...tables.kernels, ...stream.kernels)
    buffers.push(...tables.buffers, ...stream.buffers)
    for (const axis of tables.axes) tileAxes.set(axis.name, axis)
    return part
  }
  const lowerRounds = (part: RoundsPlan, into: Step[]): Part => {
    const inner: Step[] = []
    const lowered = part.parts.map((p) => lowerPart(p, inner))
    const become = part.become.map(({ to, from }) => ({ to: to.name, from: from.name }))
    const count = createLowering(context, [part.count], new Map()).lower(part.count)
    into.push({ kind: 'rounds', count, steps: inner, become })
    return { ...part, parts: lowered }
  }
  const { attention, needs } = planned
  const parts = planned.parts.map((part) => lowerPart(part, steps))
  const program = assemble(planned, steps, buffers, [...tileAxes.values()], options)
  return {
    program: options.rows === 'few' ? packHeads(program) : program,
    plan: { attention, parts, needs },
  }
}

function tryStream(
  part: StreamPlan,
  planned: Planned,
  options: ProgramOptions,
  context: LoweringContext,
  names: Names,
) {
  const { attention } = planned
  const axes = [...attention.axes, ...planned.axes].map(({ name }) => name)
  const tables = createTables(names.buffer, (column) => nameAside(`${column}_tiles`, axes))
  const classify = createClassify({ attention, sizes: options.sizes }, tables)
  try {
    const stream = lowerStream(part, {
      context,
      tile: { i: options.machine.tile.i, j: options.machine.tile.j, ...attention.tile, ...options.tile },
      classify,
      splits: splitsOf(options),
      newName: names.buffer,
      name: part.results.map((r) => r.result.name).join('_'),
    })
    const read = new Set(stream.kernels.flatMap(({ body }) => buffersRead(body)))
    return { ok: true as const, stream, tables: tables.program((name) => read.has(name), options.sizes) }
  } catch (error) {
    if (error instanceof NotLowered) return { ok: false as const, obstacle: error.obstacle }
    throw error
  }
}

/** Names of what a program has beside its source's: none of them is one that the source gave. */
interface Names {
  readonly buffer: (base: string) => string
}
function namesFor({ attention, kept }: Planned): Names {
  const given = [...attention.inputs, ...attention.params, ...attention.results, ...kept]
  return { buffer: createNames(given.map(({ name }) => name)) }
}

const nameAside = (base: string, taken: readonly string[]): string =>
  taken.includes(base) ? nameAside(`${base}_`, taken) : base
const buffersRead = (body: readonly Statement[]): readonly string[] =>
  body.flatMap((s) => {
    if (s.kind === 'load') return [s.buffer]
    if (s.kind !== 'loop') return []
    return buffersRead(s.over.kind === 'tiles' ? [...s.over.head, ...s.body] : s.body)
  })

const contextOf = (planned: Planned, options: ProgramOptions): LoweringContext => ({
  sizes: options.sizes,
  inputs: Object.fromEntries(
    [...planned.attention.inputs.map((i) => inputOf(i, options)), ...planned.kept.map(bufferOf)].map((b) => [
      b.name,
      b,
    ]),
  ),
  kept: new Map(),
  flat: false,
  resident: new Set(),
  hint: (e) => planned.hints.get(e),
})
/** Workspace of an earlier part keeps its names. */
const withNames = (context: LoweringContext, buffers: readonly Buffer[]): LoweringContext => ({
  ...context,
  inputs: {
    ...context.inputs,
    ...Object.fromEntries(buffers.map((b) => [b.name, { axes: b.axes, storage: b.storage }])),
  },
})

const storageOf = (type: string, options: ProgramOptions): StorageType =>
  type === 'f32' ? options.dtype : type === 'i32' ? 'i32' : 'bool'
/** Results per feature are stored as the tensors are; statistics of rows in f32, since f16 would lose what they are for. */
const resultStorage = (r: ResultDecl, options: ProgramOptions): StorageType =>
  r.expr.type !== 'f32'
    ? storageOf(r.expr.type, options)
    : r.axes.some((axis) => axis === 'd' || axis === 'e')
      ? options.dtype
      : 'f32'

const inputOf = (i: InputDecl, options: ProgramOptions): Buffer => ({
  name: i.name,
  axes: i.axes,
  storage: i.storage ?? storageOf(i.type, options),
  role: 'input',
})
const bufferOf = (r: ResultDecl): Buffer => ({
  name: r.name,
  axes: r.axes,
  storage: r.expr.type === 'f32' ? 'f32' : r.expr.type,
  role: 'workspace',
})

/** An axis that only the planner made is as long as the one it is like. */
const withAdded = (sizes: Readonly<Record<string, number>>, added: readonly Axis[]): Readonly<Record<string, number>> =>
  Object.assign(
    Object.create(null),
    sizes,
    ...added.map(({ name, length }) =>
      length.kind === 'like' && sizes[length.of] !== undefined ? { [name]: sizes[length.of] } : {},
    ),
  )
/** Few rows leave threads without work, unless keys are shared among them. */
const splitsOf = ({ splits, rows }: ProgramOptions): Splits => splits ?? (rows === 'few' ? 'by length' : 1)

const withSplits = (sizes: Readonly<Record<string, number>>, parts: Splits): Readonly<Record<string, number>> =>
  parts === 1 || parts === 'by length' ? sizes : Object.assign(Object.create(null), sizes, { [splitAxis]: parts })

/** The axis of parts, if anything is in parts. */
function splitAxes({ attention, parts }: Planned, options: ProgramOptions): readonly Axis[] {
  const splits = splitsOf(options)
  const [plan] = parts.flatMap((part) => (part.kind === 'stream' && canSplit(part) ? [part] : []))
  const stream = plan?.passes[0]?.stream
  if (splits === 1 || (splits === 'by length' && !(plan && stream))) return []
  const axes = unionAxes(...(plan?.results ?? []).map(({ result }) => result.axes))
  const blocks = axes.filter((axis) => axis !== plan?.row && axis !== stream && options.sizes[axis] === undefined)
  const grouped = blocks.map((axis) => (options.rows === 'few' ? groupOf(axis, attention) : axis))
  const value = partsOf(splits, stream ?? '', grouped, options.machine.blocks)
  const time = splits === 'by length' ? 'run' : 'compile'
  return [{ name: splitAxis, length: { kind: 'fixed', value }, time, span: attention.span }]
}

/** Heads that share keys are rows of one block: there are as many blocks as groups of them. */
const groupOf = (head: string, { axes }: Attention): string =>
  axes.find(({ length }) => length.kind === 'divides' && length.of === head)?.name ?? head

const axisOfTiles = ({ name, of, tile }: TileAxis, { span }: Attention): Axis => ({
  name,
  length: { kind: 'part', of, role: 'outer', by: i32(tile) },
  time: 'run',
  span,
})

function assemble(
  planned: Planned,
  steps: readonly Step[],
  scratch: readonly Buffer[],
  tileAxes: readonly TileAxis[],
  options: ProgramOptions,
): Program {
  const { attention } = planned
  const ordered = attention.results.filter((r) => planned.exprs.has(r))
  const inputs = attention.inputs.map((i) => inputOf(i, options))
  const outputs = ordered.map(
    (r): Buffer => ({ name: r.name, axes: r.axes, storage: resultStorage(r, options), role: 'result' }),
  )
  return {
    name: attention.name,
    doc: attention.doc,
    axes: [
      ...attention.axes,
      ...planned.axes,
      ...tileAxes.map((axis) => axisOfTiles(axis, attention)),
      ...splitAxes(planned, options),
    ],
    sizes: withSplits(options.sizes, splitsOf(options)),
    params: attention.params,
    buffers: [...inputs, ...outputs, ...scratch],
    steps,
  }
}
