/** The space of an attention on a target, for the lengths of a call. */
import type { Attention } from '../compiler/attention.ts'
import type { Program } from '../compiler/kernel.ts'
import { splitAxis } from '../compiler/lower/split.ts'
import { type Result, succeed } from '../grammar/diagnostic.ts'
import { type CompileOptions, type Study, study, targets } from '../index.ts'
import type { SourceOnDisk } from '../node.ts'
import { attempt } from '../runtime/attempt.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import { rowsOf } from '../runtime/runners.ts'
import type { Choices, Device, Target } from '../targets/target.ts'
import { expectedCost } from './model.ts'
import { optionsOf, uses, withChoice } from './options.ts'
import { bytesOf, kernelsOf, tiledAxes, tilesOf } from './resources.ts'
import { makeSpace, type Parameter, type Point, type Space, type Value } from './space.ts'

/** What is tuned. */
export interface Subject {
  readonly source: SourceOnDisk
  readonly attention: Attention
  readonly target: string
  readonly options: Omit<CompileOptions, 'target' | 'tile' | 'splits' | 'rows' | 'group'> // compile-time lengths, dtype
  readonly tile: Readonly<Record<string, number>> // asked for: pins, as `tile` of the source does
  readonly sizes: Readonly<Record<string, number>> // of every axis
  readonly cores: number
}

/** Values that the user left of a parameter, by name. */
export type Narrowing = ReadonlyMap<string, readonly Value[]>

/** Points stand in the order in which a model expects them to be quick. */
export async function declareSpace(subject: Subject, narrowing: Narrowing = new Map()): Promise<Outcome<Space>> {
  const load = targets[subject.target]
  if (!load) return failed(problem('ATTN0301', `there is no target ${subject.target}`))
  const tuned = await load()
  const { choices } = tuned
  const usual = await lower(subject, {})
  if (!usual.ok) return usual
  const all = await parametersOf(subject, usual.value, tuned)
  const narrowed = narrow(all, narrowing)
  if (!narrowed.ok) return narrowed
  const programs = new Map<string, Program>()
  const refused = new Map<string, string>()
  for (const point of blockPoints(narrowed.value)) {
    const program = await lower(subject, point)
    const refusal = program.ok ? undefined : refusalIn(program.findings)
    if (program.ok) programs.set(blockKey(point), program.value)
    else if (refusal === undefined) return program
    else refused.set(blockKey(point), refusal)
  }
  const usualKey = blockKey(Object.fromEntries(narrowed.value.map(({ name, usual: value }) => [name, value])))
  const space = makeSpace(narrowed.value, (point) => {
    const refusal = refused.get(blockKey(point))
    if (refusal !== undefined) return refusal
    const program = programs.get(blockKey(point)) ?? usual.value
    return blockKey(point) === usualKey ? tooFew(point, program, subject) : rejection(point, program, subject, tuned)
  })
  if (space.points.length === 0) return failed(nothingLegal(space))
  const programOf = (point: Point): Program => programs.get(blockKey(point)) ?? usual.value
  const { near } = choices
  const expected = space.points.map((point) => ({
    point,
    cost: expectedCost(point, programOf(point), space.parameters, subject.sizes, near.bytes),
  }))
  return done({ ...space, points: expected.sort((a, b) => a.cost - b.cost).map(({ point }) => point) })
}

/** What a device does not have for tiles that are asked for: then they are no choice. */
const refusalIn = (findings: readonly Finding[]): string | undefined =>
  findings.find(({ code }) => code === 'ATTN0328')?.message.replace(/: ask for .*$/, '')

/** Checked and planned once, however many points there are. */
function studyOf(source: SourceOnDisk): Result<Study> {
  const studied = studies.get(source) ?? study(source.file, source.readImport)
  studies.set(source, studied)
  return studied
}
const studies = new WeakMap<SourceOnDisk, Result<Study>>()

/** The tile program of a point. */
export async function lower(
  { source, attention, target, options, tile }: Subject,
  point: Point,
): Promise<Outcome<Program>> {
  const asked = withChoice({ ...options, target, tile }, optionsOf(point))
  const prepared = await attempt(async () => {
    const studied = studyOf(source)
    return studied.ok ? succeed(studied.value.prepare(await targets[target]!(), asked), studied.warnings) : studied
  })
  if (!prepared.ok) return prepared
  const program = prepared.value.programs.find(({ name }) => name === attention.name)
  if (!program) throw new Error(`no program for ${attention.name}`)
  return done(program)
}

/** Tiles that nobody pinned, then what the plan and the target leave open. */
async function parametersOf(subject: Subject, usual: Program, tuned: Target): Promise<readonly Parameter[]> {
  const { attention, target, sizes, cores, options } = subject
  const { choices } = tuned
  const [rows = ''] = tiledAxes(usual)
  const tiles = new Map(kernelsOf(usual.steps).flatMap((kernel) => [...tilesOf(kernel)]))
  const free = tiledAxes(usual).filter(
    (axis) => attention.tile[axis] === undefined && subject.tile[axis] === undefined && axis !== splitAxis,
  )
  const parameters: Parameter[] = free.map((axis) => {
    const own = tiles.get(axis) ?? 1
    return { name: `tile.${axis}`, values: inOrder([...choices.tiles, own]), usual: own, ordersSums: axis !== rows }
  })
  const splits = await lower(subject, { splits: 2 })
  const isFew = rowsOf(target, sizes) === 'few'
  if (isFew) parameters.push({ name: 'rows', values: ['many', 'few'], usual: 'few', ordersSums: true })
  if (splits.ok && choices.splits.length > 1 && hasParts(splits.value))
    parameters.push({
      name: 'splits',
      values: isFew ? ['by length', ...choices.splits] : choices.splits,
      usual: isFew ? 'by length' : 1,
      ordersSums: true,
    })
  const group = tuned.groupOf?.(usual, deviceOf(subject))
  if (group !== undefined && choices.groups)
    parameters.push({ name: 'group', values: inOrder([...choices.groups, group]), usual: group, ordersSums: false })
  for (const feature of choices.features ?? [])
    if (options.features?.includes(feature))
      parameters.push({ name: feature, values: uses, usual: 'yes', ordersSums: true })
  const threads = powersUpTo(cores)
  if (choices.threads && threads.length > 1)
    parameters.push({ name: 'threads', values: threads, usual: cores, ordersSums: false })
  return parameters
}

const inOrder = (values: readonly number[]): readonly number[] => [...new Set(values)].sort((a, b) => a - b)

/** What the device is said to have. */
const deviceOf = ({ options: { features = [], limits = {} } }: Subject): Device => ({ features, limits })

const hasParts = ({ buffers }: Program): boolean => buffers.some(({ axes }) => axes.includes(splitAxis))

function powersUpTo(most: number): readonly number[] {
  const powers = Array.from({ length: Math.floor(Math.log2(Math.max(1, most))) + 1 }, (_, n) => 2 ** n)
  return [...new Set([...powers, most])]
}

/** A parameter with the values that were asked for; they need not be among the usual ones. */
function narrow(parameters: readonly Parameter[], narrowing: Narrowing): Outcome<readonly Parameter[]> {
  const known = parameters.map(({ name }) => name)
  const unknown = [...narrowing.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined)
    return failed(
      problem(
        'ATTN0302',
        `--space knows no '${unknown}' here`,
        known.length > 0 ? `there is ${known.join(', ')}` : 'everything is pinned',
      ),
    )
  const wrong = parameters.find(({ name, usual }) =>
    narrowing.get(name)?.some((value) => typeof value !== typeof usual && name !== 'splits'),
  )
  if (wrong) return failed(problem('ATTN0302', `--space gives ${wrong.name} a value that it cannot have`))
  return done(
    parameters.map((parameter) => {
      const values = narrowing.get(parameter.name)
      if (!values) return parameter
      return { ...parameter, values, usual: values.includes(parameter.usual) ? parameter.usual : values[0]! }
    }),
  )
}

/** Parts of a choice that decide what a block takes of a device. */
const isOfBlock = (name: string): boolean => name.startsWith('tile.') || name === 'group'

const blockKey = (point: Point): string =>
  Object.entries(point)
    .flatMap(([name, value]) => (isOfBlock(name) ? `${name}=${value}` : []))
    .join(' ')

const blockPoints = (parameters: readonly Parameter[]): readonly Point[] =>
  makeSpace(
    parameters.filter(({ name }) => isOfBlock(name)),
    () => undefined,
  ).points

/** Why a point is not worth compiling. */
function rejection(point: Point, program: Program, subject: Subject, target: Target): string | undefined {
  const { choices } = target
  const { bytes, what } = choices.near
  const needed = bytesOf(program)
  if (needed > bytes && !target.weighs?.(program)) return `its tiles need ${kib(needed)}, and ${what} has ${kib(bytes)}`
  return tooLong(point, subject, choices) ?? idle(point, program, subject, target) ?? tooFew(point, program, subject)
}

/** A group that a tile has not enough work for is as large as a smaller one that was asked for. */
function idle({ group }: Point, program: Program, subject: Subject, { groupOf }: Target): string | undefined {
  const own = group === undefined ? undefined : groupOf?.(program, deviceOf(subject))
  return own === undefined || own === group ? undefined : `these tiles give work to a group of ${own}`
}

const kib = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`

/** A tile beyond the end of its axis computes what the shortest one that holds the axis does. */
function tooLong(point: Point, { sizes }: Subject, { tiles }: Choices): string | undefined {
  if (point.rows === 'few') return undefined // rows of several heads share a tile
  for (const [name, value] of Object.entries(point)) {
    const length = name.startsWith('tile.') ? sizes[name.slice(5)] : undefined
    if (length === undefined) continue
    const enough = tiles.find((tile) => tile >= length)
    if (enough !== undefined && Number(value) > enough) return `${name}=${enough} holds all ${length} already`
  }
  return undefined
}

/** More parts than tiles leave some of them empty; heads that are computed together are split by themselves. */
function tooFew(point: Point, program: Program, { sizes }: Subject): string | undefined {
  if (point.rows === 'many' && point.splits === 'by length') return 'splits by length go with few rows'
  const { splits = 1 } = point
  if (splits === 1 || splits === 'by length') return undefined
  const stream = tiledAxes(program).find((axis) => axis !== splitAxis && !isRow(axis, program))
  const tile = kernelsOf(program.steps)
    .map((kernel) => tilesOf(kernel).get(stream ?? ''))
    .find((n) => n !== undefined)
  const tiles = Math.ceil((sizes[stream ?? ''] ?? 1) / (tile ?? 1))
  return Number(splits) > tiles ? `${splits} parts of ${tiles} tiles` : undefined
}

const isRow = (axis: string, { steps }: Program): boolean =>
  kernelsOf(steps).some(({ grid }) => grid.some((one) => one.axis === axis && one.tile !== undefined))

function nothingLegal({ rejected }: Space) {
  const counts = Map.groupBy(rejected, ({ reason }) => reason)
  const [reason] = [...counts].sort((a, b) => b[1].length - a[1].length)[0] ?? ['']
  return problem('ATTN0370', `no choice of tiles is possible; most often, ${reason}`, '--show-space lists all of them')
}
