/** The search: asks a strategy for points, builds and times them against the best so far, and counts nothing that was not verified. */
import type { Stream } from '../runtime/draw.ts'
import { type Measurement, measure, type Precision } from './measure.ts'
import type { Failure, Rig, Tried } from './rig.ts'
import { keyOf, type Point, type Space } from './space.ts'
import type { Strategy } from './strategies/strategy.ts'
import { isTimed, type Timed, type Trial } from './trial.ts'

export interface Budget {
  readonly evaluations: number // at most, those of earlier runs included
  readonly milliseconds: number // of this run
}

export interface SearchOptions {
  readonly space: Space
  readonly strategy: Strategy
  readonly rig: Rig
  readonly budget: Budget
  readonly precision: Precision
  readonly random: Stream
  readonly batch: number
  readonly known: readonly Trial[] // of earlier runs
  readonly sameBits: boolean // whether a candidate with other bits than the usual choice is out
  readonly now: () => number // ms
  readonly isStopped: () => boolean
  /** Called once for each new trial, before the next begins: it is kept by then. */
  readonly onTrial: (trial: Trial, state: State) => void
}

export interface State {
  readonly tried: number
  readonly best: Timed
  readonly usual: Timed
}

export interface Searched extends State {
  readonly trials: readonly Trial[] // known ones included
  readonly why: 'all' | 'evaluations' | 'time' | 'stopped' | 'lost' // it ended; lost: what ran before does not run any more
  readonly lost: string | undefined // what the best said then
  readonly spent: { readonly total: number; readonly building: number; readonly running: number } // ms
  readonly unsteady: number // trials whose interval stayed wide
}

/** A failure: not even the usual choice works. */
export async function search(options: SearchOptions): Promise<Tried<Searched>> {
  const run = new Run(options)
  const usual = await run.begin()
  if (!usual.ok) return usual
  return { ok: true, value: await run.follow() }
}

/** Strategies that ask for nothing new this often have seen it all. */
const idle = 200

class Run {
  private readonly options: SearchOptions
  private readonly trials = new Map<string, Trial>()
  private readonly spent = { building: 0, running: 0 }
  private readonly start: number
  private usual: Timed | undefined
  private best: Timed | undefined
  private unsteady = 0
  private lost: string | undefined

  constructor(options: SearchOptions) {
    this.options = options
    this.start = options.now()
    for (const trial of options.known) this.trials.set(keyOf(trial.point), trial)
  }

  /** The usual choice is the first: everything is relative to it. */
  async begin(): Promise<Tried<undefined>> {
    const { space, known } = this.options
    const old = this.trials.get(keyOf(space.usual))
    if (old && isTimed(old) && old.verified) {
      this.usual = old
      this.best = old
      for (const trial of known) if (isTimed(trial) && trial.verified && this.isBetter(trial)) this.best = trial
      return { ok: true, value: undefined }
    }
    const trial = await this.tryFirst(space.usual)
    if (!trial.ok) return trial
    this.usual = trial.value
    this.best = trial.value
    this.keep(trial.value)
    return { ok: true, value: undefined }
  }

  async follow(): Promise<Searched> {
    const { space, strategy, random, batch } = this.options
    const asking = strategy({ space, random, ranked: space.points, batch })
    let told: readonly number[] | undefined
    for (let same = 0; same < idle; ) {
      const next = told ? asking.next(told) : asking.next()
      if (next.done) break
      const fresh = next.value.filter((point) => !this.trials.has(keyOf(point)))
      same = fresh.length === 0 ? same + 1 : 0
      const why = fresh.length > 0 ? await this.tryAll(fresh) : undefined
      if (why) return this.result(why)
      told = next.value.map((point) => this.costOf(point))
    }
    return this.result('all')
  }

  private costOf(point: Point): number {
    const trial = this.trials.get(keyOf(point))
    return trial && isTimed(trial) && this.fitsClass(trial) ? trial.cost : Infinity
  }

  private fitsClass({ bits }: Timed): boolean {
    return !this.options.sameBits || bits === this.usual?.bits
  }

  /** Built side by side, then timed one after the other. */
  private async tryAll(points: readonly Point[]): Promise<Searched['why'] | undefined> {
    const { budget } = this.options
    const left = points.slice(0, Math.max(0, budget.evaluations - this.trials.size))
    if (left.length === 0) return 'evaluations'
    const early = this.whyStop()
    if (early) return early
    const built = await this.timed('building', () => this.options.rig.build(left))
    for (const [n, point] of left.entries()) {
      const why = this.whyStop()
      if (why) return why
      const ready = built[n]!
      const trial = ready.ok ? await this.tryOne(point) : { point, failure: ready.failure }
      if (!isTimed(trial) && this.options.isStopped()) return 'stopped' // what stopped this may have ended that
      if (!isTimed(trial) && !(await this.bestRuns(trial.failure))) return 'lost' // and this trial says nothing of its choice
      this.keep(trial)
    }
    return left.length < points.length ? 'evaluations' : undefined
  }

  /** Whether a failure is the candidate's own: else a device is gone, and with it the best does not run either. */
  private async bestRuns({ reason }: Failure): Promise<boolean> {
    if (reason === 'wrong' || reason === 'bits') return true
    const { rig } = this.options
    const run = (): Promise<Tried<string>> => this.timed('running', () => rig.bits(this.best!.point))
    if ((await run()).ok) return true
    await rig.restart()
    const again = await run()
    if (!again.ok) this.lost = again.failure.text
    return again.ok
  }

  private whyStop(): Searched['why'] | undefined {
    const { isStopped, now, budget } = this.options
    if (isStopped()) return 'stopped'
    return now() - this.start >= budget.milliseconds ? 'time' : undefined
  }

  private async tryOne(point: Point): Promise<Trial> {
    const best = this.best!
    const { rig, precision } = this.options
    const bits = await this.timed('running', () => rig.bits(point))
    if (!bits.ok) return { point, failure: bits.failure }
    if (this.options.sameBits && bits.value !== this.usual!.bits)
      return { point, failure: { reason: 'bits', text: 'its results differ in bits from those of the usual choice' } }
    const took = await this.timed('running', () => measure(rig, point, best.point, precision))
    if (!took.ok) return { point, failure: took.failure }
    const trial = timedOf(point, took.value, best.cost, this.usual!.milliseconds, bits.value)
    if (!trial.isNarrow && trial.low <= best.cost) this.unsteady += 1
    if (!this.isBetter(trial)) return trial
    const right = await this.timed('running', () => rig.verify(point))
    return right.ok ? { ...trial, verified: true } : { point, failure: right.failure }
  }

  private async tryFirst(point: Point): Promise<Tried<Timed>> {
    const { rig, precision } = this.options
    const [built] = await this.timed('building', () => rig.build([point]))
    if (!built?.ok) return built ?? { ok: false, failure: { reason: 'error', text: 'nothing was built' } }
    const bits = await this.timed('running', () => rig.bits(point))
    if (!bits.ok) return bits
    const right = await this.timed('running', () => rig.verify(point))
    if (!right.ok) return right
    const took = await this.timed('running', () => measure(rig, point, undefined, precision))
    if (!took.ok) return took
    return {
      ok: true,
      value: { ...timedOf(point, took.value, 1, took.value.milliseconds, bits.value), verified: true },
    }
  }

  /** Surely: the whole interval lies below. */
  private isBetter(trial: Timed): boolean {
    return this.best !== undefined && trial.high < this.best.cost && this.fitsClass(trial)
  }

  private keep(trial: Trial): void {
    this.trials.set(keyOf(trial.point), trial)
    if (isTimed(trial) && trial.verified && this.isBetter(trial)) this.best = trial
    this.options.onTrial(trial, this.state())
  }

  private state(): State {
    return { tried: this.trials.size, best: this.best!, usual: this.usual! }
  }

  private async timed<T>(what: 'building' | 'running', work: () => Promise<T>): Promise<T> {
    const start = this.options.now()
    const value = await work()
    this.spent[what] += this.options.now() - start
    return value
  }

  private result(why: Searched['why']): Searched {
    const spent = { ...this.spent, total: this.options.now() - this.start }
    return { ...this.state(), trials: [...this.trials.values()], why, lost: this.lost, spent, unsteady: this.unsteady }
  }
}

function timedOf(point: Point, took: Measurement, beside: number, usual: number, bits: string): Timed {
  const { ratio, low, high, rounds, outliers, isNarrow } = took
  const cost = ratio * beside
  return {
    ...{ point, milliseconds: cost * usual, cost, low: low * beside, high: high * beside },
    ...{ rounds, outliers, isNarrow, bits, verified: false },
  }
}

/** How many failed, by reason. */
export function countFailures(trials: readonly Trial[]): ReadonlyMap<Failure['reason'], number> {
  const counts = new Map<Failure['reason'], number>()
  for (const trial of trials)
    if (!isTimed(trial)) counts.set(trial.failure.reason, (counts.get(trial.failure.reason) ?? 0) + 1)
  return counts
}
