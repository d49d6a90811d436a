/** Tuning one attention for one target: space, search, log and tuned file together. It prints nothing. */
import { createHash } from 'node:crypto'
import { printPlan } from '../compiler/plan/print-plan.ts'
import { prepare, version } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { devices } from '../runtime/cuda/model/devices.ts'
import { describeNvcc } from '../runtime/cuda/nvcc.ts'
import { randomNumbers } from '../runtime/draw.ts'
import { done, type Finding, failed, type Outcome, problem, warning } from '../runtime/problem.ts'
import type { Scalars } from '../runtime/runners.ts'
import { type Device, deviceOf } from '../runtime/tuned/device.ts'
import { shapeClass } from '../runtime/tuned/pick.ts'
import { addTuned, readTuned, type Tuned } from '../runtime/tuned/tuned-file.ts'
import { declareSpace, type Narrowing, type Subject } from './declare.ts'
import { isOnGpu, lockOf, timingAlone } from './device-lock.ts'
import { type Effort, efforts } from './effort.ts'
import { appendToLog, type Entry, isSame, type Subject as LogSubject, readLog, trialsOf } from './log.ts'
import { checkModelled, modelRig } from './model-rig.ts'
import { processRig } from './process-rig.ts'
import type { Job } from './protocol.ts'
import type { Rig } from './rig.ts'
import { type Roofline, rooflineOf } from './roofline.ts'
import { type Searched, type State, search } from './search.ts'
import { numericsClass, type Space } from './space.ts'
import { type StrategyName, strategies, usualStrategy } from './strategies/index.ts'
import { bestOf, isTimed, type Timed, type Trial } from './trial.ts'

export interface Tuning {
  readonly subject: Subject
  readonly params: Scalars
  readonly narrowing: Narrowing
  readonly numerics: 'same' | 'any'
  readonly strategy: StrategyName | undefined // undefined: by the size of the space
  readonly effort: Effort
  readonly evaluations: number | undefined
  readonly milliseconds: number | undefined
  readonly seed: number
  readonly cache: boolean
  readonly modelled?: string | undefined // an architecture of which there is no device here: nothing is timed
  readonly paths: { readonly log: string; readonly tuned: string }
  readonly now: () => number
  readonly isStopped: () => boolean
  /** @param total  choices that are tried if there is time */
  readonly onTrial: (trial: Trial, state: State, total: number) => void
  readonly rigOf?: (job: Job) => Rig // tests give their own
}

export interface TuningResult {
  readonly device: string
  readonly modelled: string | undefined // the architecture; undefined: times were measured
  readonly space: Space
  readonly total: number // points of the numerics class that was searched
  readonly searched: Searched
  readonly best: Timed
  readonly beyond: Timed | undefined // a better one in another numerics class
  readonly resumed: number // trials of earlier runs
  readonly warnings: readonly Finding[]
}

export async function tune(tuning: Tuning): Promise<Outcome<TuningResult>> {
  const { subject, paths, numerics } = tuning
  const can = tuning.modelled === undefined ? done(undefined) : await checkModelled(subject, tuning.params)
  if (!can.ok) return can
  const declared = await declareSpace(subject, tuning.narrowing)
  if (!declared.ok) return declared
  const readable = readTuned(paths.tuned) // before anything takes time
  if (!readable.ok) return readable
  const log = readLog(paths.log)
  if (!log.ok) return log
  const { modelled } = tuning
  const { device, architecture = '' } =
    modelled === undefined ? await deviceOf(subject.target) : modelledDevice(modelled)
  const plan = await planOf(tuning)
  if (!plan.ok) return plan
  const about = logSubject(tuning, plan.value, device)
  const known = trialsOf(log.value.entries, about)
  const whole = declared.value
  const space = numerics === 'any' ? whole : numericsClass(whole, whole.usual)
  const keeper = new Keeper(tuning, about, { device, architecture })
  const started = keeper.begin(whole, knownRoofline(log.value.entries, about) ?? (await ownRoofline(tuning)))
  if (!started.ok) return started
  const rig = tuning.rigOf?.(jobOf(tuning)) ?? rigOf(tuning, whole)
  try {
    const own = await searchIn(tuning, space, known, rig, keeper, numerics === 'same')
    if (!own.ok) return own
    const isOver = ['time', 'stopped', 'lost'].includes(own.value.why)
    const wider = isOver || space.points.length === whole.points.length ? undefined : own.value
    const all = wider && (await searchIn(tuning, whole, wider.trials, rig, keeper, false, wider))
    if (all && !all.ok) return all
    const trials = all?.value.trials ?? own.value.trials
    const { usual } = own.value
    const best = (numerics === 'any' ? bestOf(trials) : bestOf(trials, ({ bits }) => bits === usual.bits)) ?? usual
    const beyond = bestOf(trials)
    const written = await keeper.end(best, usual)
    if (!written.ok) return written
    return done({
      ...{ device, modelled, space: whole, total: space.points.length, best, resumed: known.length },
      searched: all ? { ...all.value, best, spent: sum(own.value.spent, all.value.spent) } : own.value,
      beyond: beyond && beyond.cost < best.cost ? beyond : undefined,
      warnings: warningsOf(log.value.damaged, paths.log, all?.value ?? own.value),
    })
  } finally {
    await rig.close()
  }
}

/** As results name it: nobody can take it for one that is here. */
const modelledDevice = (architecture: string): Device => ({
  device: `${devices[architecture]!.name}, modelled`,
  architecture,
})

/** What times on this machine, or what models another. */
function rigOf(tuning: Tuning, { parameters }: Space): Rig {
  const { subject, params, modelled, seed } = tuning
  const job = jobOf(tuning)
  if (modelled === undefined) return timingAlone(processRig(job, limits), lockOf(subject.target))
  const check = processRig({ ...job, target: 'cuda-emulated', sizes: job.check }, limits)
  return modelRig({ subject, params, architecture: modelled, parameters, seed, check })
}

function knownRoofline(entries: readonly Entry[], about: LogSubject): Roofline | undefined {
  for (const entry of entries) if ('roofline' in entry && isSame(entry.subject, about)) return entry.roofline
  return undefined
}

/** Of the machine, unless it is a test's. */
const ownRoofline = async ({ subject, modelled, cache, rigOf: given }: Tuning): Promise<Roofline | undefined> =>
  given ? undefined : rooflineOf({ subject, architecture: modelled, cache })

const limits = { build: 330_000, call: 30_000 } // ms; a compiler has 300 s by itself

const sum = (a: Searched['spent'], b: Searched['spent']): Searched['spent'] => ({
  total: a.total + b.total,
  building: a.building + b.building,
  running: a.running + b.running,
})

async function searchIn(
  tuning: Tuning,
  space: Space,
  known: readonly Trial[],
  rig: Rig,
  keeper: Keeper,
  sameBits: boolean,
  after?: Searched,
): Promise<Outcome<Searched>> {
  const effort = efforts[tuning.effort]
  const share = Math.max(effort.least, Math.ceil(effort.share * space.points.length))
  const name = tuning.strategy ?? (space.points.length <= share ? 'exhaustive' : usualStrategy)
  const milliseconds = (tuning.milliseconds ?? effort.milliseconds) - (after?.spent.total ?? 0)
  const evaluations = tuning.evaluations ?? (after ? after.tried + Math.ceil(share / 2) : share)
  const total = Math.max(known.length, Math.min(evaluations, space.points.length))
  const found = await search({
    ...{ space, strategy: strategies[name], rig, precision: effort.precision, batch: effort.batch, sameBits },
    budget: { evaluations, milliseconds },
    random: randomNumbers(tuning.seed, 'tune'),
    known,
    now: tuning.now,
    isStopped: () => tuning.isStopped() || keeper.fault !== undefined,
    onTrial: (trial, state) => {
      keeper.keep(trial, sameBits || tuning.numerics === 'any' ? state : undefined)
      tuning.onTrial(trial, state, total)
    },
  })
  if (keeper.fault) return keeper.fault
  if (found.ok) return done(found.value)
  const { reason, text } = found.failure
  return failed(problem('ATTN0373', `the usual choice does not run: ${reason}: ${text}`, 'attnc verify says more'))
}

/** Writes what is found as it is found. A log that cannot be written ends the search: it could not be taken up again. */
class Keeper {
  fault: ReturnType<typeof failed> | undefined
  private readonly tuning: Tuning
  private readonly about: LogSubject
  private readonly device: { readonly device: string; readonly architecture: string }
  private saving: Promise<unknown> = Promise.resolve()

  constructor(tuning: Tuning, about: LogSubject, device: Keeper['device']) {
    this.tuning = tuning
    this.about = about
    this.device = device
  }

  begin({ parameters, usual }: Space, roofline: Roofline | undefined): Outcome<undefined> {
    const about = roofline ? { roofline } : {}
    return appendToLog(this.tuning.paths.log, { log: 1, subject: this.about, parameters, usual, ...about })
  }

  /** @param state  absent where what is tried may not become the choice */
  keep(trial: Trial, state: State | undefined): void {
    const kept = appendToLog(this.tuning.paths.log, { log: 1, subject: this.about, trial })
    if (!kept.ok) this.fault = kept
    if (!state || !isTimed(trial) || state.best !== trial) return
    this.saving = this.saving.then(() => this.save(state.best, state.usual))
  }

  /** After all that is being written. */
  async end(best: Timed, usual: Timed): Promise<Outcome<undefined>> {
    await this.saving
    return this.save(best, usual)
  }

  private async save(best: Timed, usual: Timed): Promise<Outcome<undefined>> {
    const { subject, numerics, paths } = this.tuning
    const { bits } = usual
    const entry: Tuned = {
      attention: subject.attention.name,
      ...{ target: subject.target, dtype: subject.options.dtype ?? 'f32', ...this.device },
      shape: shapeClass(subject.attention, subject.sizes),
      ...{ plan: this.about.plan, choice: best.point, milliseconds: best.milliseconds, untuned: usual.milliseconds },
      numerics: numerics === 'same' || best.bits === bits ? 'same' : 'any',
      attnc: version,
      ...askedOf(subject),
      ...(this.about.modelled ? { modelled: true } : {}),
    }
    return addTuned(paths.tuned, entry)
  }
}

const logSubject = ({ subject, params, modelled }: Tuning, plan: string, device: string): LogSubject => ({
  ...{ attention: subject.attention.name, plan, target: subject.target, device },
  dtype: subject.options.dtype ?? 'f32',
  shape: [...Object.entries(subject.sizes), ...Object.entries(params)]
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' '),
  ...(modelled === undefined ? {} : { modelled: true }),
})

/**
 * A hash of what is computed and how: it does not change with comments, names of files, or other attentions of the source. What is
 * modelled is what this compiler and this nvcc make of it.
 */
async function planOf({ subject, modelled }: Tuning): Promise<Outcome<string>> {
  const { source, attention, target, options } = subject
  const prepared = await attempt(() => prepare(source.file, { ...options, target, readImport: source.readImport }))
  if (!prepared.ok) return prepared
  const plan = prepared.value.plans.find((one) => one.attention.name === attention.name)
  const asked = askedOf(subject)
  const device = Object.keys(asked).length > 0 ? [JSON.stringify(asked)] : []
  const tools = modelled === undefined ? [] : [version, ...describeNvcc()]
  const text = [plan ? printPlan(plan) : '', ...device, ...tools].join('\n')
  return done(createHash('sha256').update(text).digest('hex').slice(0, 16))
}

/** What the device is said to have, where something is said. */
const askedOf = ({ options: { features = [], limits = {} } }: Subject): Pick<Tuned, 'features' | 'limits'> => ({
  ...(features.length > 0 ? { features: [...features].sort() } : {}),
  ...(Object.keys(limits).length > 0
    ? { limits: Object.fromEntries(Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1))) }
    : {}),
})

function jobOf({ subject, params, seed, cache }: Tuning): Job {
  const { source, attention, target, options, tile, sizes, cores } = subject
  const { readImport: _, ...fixed } = options
  return {
    ...{ file: source.file, attention: attention.name, target, options: fixed, tile, sizes, params, seed, cache },
    check: smallest(subject),
    clock: target === 'ts' || (cores === 1 && !isOnGpu(target)) ? 'thread' : 'wall',
  }
}

/** Lengths for verification: of free axes as few as the shortest check line has, since the definition is slow. */
function smallest({ attention, sizes }: Subject): Readonly<Record<string, number>> {
  const [line] = attention.checks
  const free = attention.axes.filter(
    ({ time, length }) => time === 'run' && (length.kind === 'input' || length.kind === 'divides'),
  )
  return {
    ...sizes,
    ...Object.fromEntries(free.map(({ name }) => [name, line?.sizes[name] ?? Math.min(2, sizes[name] ?? 1)])),
  }
}

function warningsOf(damaged: number, path: string, { unsteady, tried, lost }: Searched): readonly Finding[] {
  return [
    ...(lost === undefined
      ? []
      : [problem('ATTN0331', `what ran before does not run any more: ${lost}`, 'attnc doctor')]),
    ...(damaged > 0 ? [warning('ATTN0374', `${damaged} lines of ${path} were cut short, and are passed over`)] : []),
    ...(4 * unsteady > tried
      ? [
          warning(
            'ATTN0375',
            `${unsteady} of ${tried} times stayed uncertain: something else is running, or the clock rate changes`,
            'tune where nothing else runs, or with --effort full',
          ),
        ]
      : []),
  ]
}
