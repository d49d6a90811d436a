/** Compares what a target computes with the definition: random inputs and probes, over several shapes. */
import type { Price } from '../../compiler/allowance.ts'
import type { Arithmetic } from '../../compiler/arithmetic.ts'
import type { Attention } from '../../compiler/attention.ts'
import { interpret, resolveParams, type Sizes } from '../../compiler/interpret.ts'
import type { Status } from '../../compiler/verdict.ts'
import { drawInputs, drawParams } from '../draw.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import type { Inputs, Scalars } from '../runners.ts'
import { type Define, type Expected, isolated } from './isolation.ts'
import { badness, combine, type Deviation, isFailure, type Judgement, judge, nothingJudged } from './judge.ts'
import { probes as allProbes, type Probe, type ProbeContext } from './probes.ts'
import type { Schedule, Shape } from './shapes.ts'

/** One attention, built for one shape's compile-time lengths, type and tile. */
export interface Ready {
  readonly arithmetic: Arithmetic
  readonly prices: readonly Price[]
  call(inputs: Inputs, params: Scalars): Promise<Inputs> | Inputs
}

export interface VerifyOptions {
  readonly shapes: readonly Shape[]
  readonly seed: number
  readonly probes: boolean
  readonly params: Scalars
  readonly build: (shape: Shape, schedule: Schedule) => Promise<Outcome<Ready>> // what is built alike may be one and the same
  readonly onCase?: (what: string) => void
}

/** One input at one shape. */
export interface Case {
  readonly shape: Shape
  readonly schedule: Schedule
  readonly probe: string // 'random', or the probe's name
}
export interface Finding {
  readonly at: Case
  readonly deviation: Deviation
}

export interface Verification {
  readonly attention: string
  readonly verdict: Status
  readonly shapes: number
  readonly cases: number
  readonly rejected: readonly string[] // probes of which more than 1 % of the elements were too close to call
  readonly elements: number
  readonly notVerified: number // of them; their allowance says nothing
  readonly median: number // over results and cases, of the median of |error| / (6 expected)
  readonly worst: Finding | undefined
  readonly failures: readonly Finding[] // the worst of each case that is not right
}

interface Tally {
  judgement: Judgement
  cases: number
  worst: Finding | undefined
  readonly rejected: Set<string>
  readonly failures: Finding[]
}

/** The definition is evaluated once for each input, however many ways it is built in. */
export async function verifyAttention(attention: Attention, options: VerifyOptions): Promise<Outcome<Verification>> {
  const tally: Tally = { judgement: nothingJudged, cases: 0, worst: undefined, rejected: new Set(), failures: [] }
  for (const shape of options.shapes) {
    const builds: Build[] = []
    for (const schedule of shape.schedules) {
      const ready = await options.build(shape, schedule)
      if (!ready.ok) return ready
      if (builds.every((build) => build.ready !== ready.value)) builds.push({ schedule, ready: ready.value })
    }
    const params = paramsFor(attention, shape.sizes, options)
    if (!params.ok) return params
    await tryShape(attention, shape, params.value, builds, options, tally)
  }
  return done(reportOf(attention, options, tally))
}

interface Build {
  readonly schedule: Schedule
  readonly ready: Ready
}

/** What probes take for a tile of keys where none was asked for: shorter than what targets generate, so that there are several. */
const shortTile = 16

async function tryShape(
  attention: Attention,
  shape: Shape,
  params: Scalars,
  builds: readonly Build[],
  options: VerifyOptions,
  tally: Tally,
): Promise<void> {
  const { sizes, dtype } = shape
  const inputs = drawInputs(attention, sizes, { seed: options.seed, dtype, params })
  const tiles = builds.flatMap(({ schedule }) => schedule.tile?.j ?? [])
  const tile = tiles.length > 0 ? Math.max(...tiles) : shortTile
  for (const probe of [random, ...(options.probes ? allProbes : [])]) {
    const context = { attention, sizes, params, tile, inputs }
    const changed = probe.apply(context)
    if (!changed) continue
    options.onCase?.(`${attention.name}: ${probe.name}, ${showSizes(sizes)}`)
    await tryInputs(context, shape, changed, builds, probe, tally)
  }
}

const random: Probe = { name: 'random', apply: ({ inputs }) => inputs }

export const showSizes = (sizes: Sizes): string =>
  Object.entries(sizes)
    .map(([axis, length]) => `${axis}=${length}`)
    .join(' ')

function paramsFor(attention: Attention, sizes: Sizes, { seed, params }: VerifyOptions): Outcome<Scalars> {
  const resolved = resolveParams(attention, sizes, drawParams(attention, sizes, seed, params))
  return resolved.ok
    ? done(resolved.value)
    : failed(...resolved.problems.map(({ message }) => problem('ATTN0307', message)))
}

async function tryInputs(
  context: ProbeContext,
  shape: Shape,
  inputs: Inputs,
  builds: readonly Build[],
  probe: Probe,
  tally: Tally,
): Promise<void> {
  const { attention, params } = context
  const wanted = new Map<string, Expected>()
  for (const { schedule, ready } of builds) {
    const { arithmetic, prices } = ready
    const key = prices.length > 0 ? JSON.stringify(schedule) : JSON.stringify(arithmetic.storage)
    const define: Define = (of) => interpret(attention, { inputs: of, sizes: shape.sizes, params, arithmetic, prices })
    const want = wanted.get(key) ?? define(inputs)
    wanted.set(key, want)
    const got = await ready.call(inputs, params)
    const judgement = judgeAll(probe.isolation ? isolated(want, got, context, probe, define) : want, got)
    if (probe !== random && judgement.ambiguous > judgement.elements / 100) tally.rejected.add(probe.name)
    else count(judgement, { shape, schedule, probe: probe.name }, tally)
  }
}

function judgeAll(wanted: Expected, got: Inputs): Judgement {
  let judgement = nothingJudged
  for (const [name, want] of Object.entries(wanted)) {
    const tensor = got[name]
    if (!tensor) throw new Error(`the kernel gave no ${name}`)
    checkShape(name, tensor.shape, want.shape)
    judgement = combine(judgement, judge(name, tensor, want))
  }
  return judgement
}

function count(judgement: Judgement, at: Case, tally: Tally): void {
  tally.cases += 1
  tally.judgement = combine(tally.judgement, judgement)
  const { worst } = judgement
  if (!worst) return
  const finding = { at, deviation: worst }
  if (!tally.worst || badness(worst) > badness(tally.worst.deviation)) tally.worst = finding
  if (isFailure(judgement.status)) tally.failures.push(finding)
}

function checkShape(name: string, got: readonly number[], want: readonly number[]): void {
  if (got.join() !== want.join())
    throw new Error(`${name} has the shape [${got.join(', ')}], and should have [${want.join(', ')}]`)
}

function reportOf(attention: Attention, options: VerifyOptions, tally: Tally): Verification {
  const { status, elements, notVerified, medians } = tally.judgement
  return {
    attention: attention.name,
    verdict: status,
    shapes: options.shapes.length,
    cases: tally.cases,
    rejected: [...tally.rejected],
    elements,
    notVerified,
    median: Float64Array.from(medians).sort()[medians.length >> 1] ?? 0,
    worst: tally.worst,
    failures: tally.failures,
  }
}
