/**
 * The log of tuning: one JSON object a line, appended as trials end, so that a run that was killed goes on where it was. A line that
 * was cut short is passed over; several tuners may append to one log.
 */
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { cannotRead, reasonOf } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { reasons } from './rig.ts'
import type { Roofline } from './roofline.ts'
import type { Parameter, Point } from './space.ts'
import type { Trial } from './trial.ts'

export const logVersion = 1

/** What trials belong to: they are taken up again only for the same. */
export interface Subject {
  readonly attention: string
  readonly plan: string // a hash of what is computed and how
  readonly target: string
  readonly device: string
  readonly dtype: string
  readonly shape: string // every length
  readonly modelled?: true // times are those of a model, and nothing was run
}

/** One line: the space of a run, or a trial. */
export type Entry =
  | {
      readonly log: number
      readonly subject: Subject
      readonly parameters: readonly Parameter[]
      readonly usual: Point
      readonly roofline?: Roofline
    }
  | { readonly log: number; readonly subject: Subject; readonly trial: Trial }

export interface Log {
  readonly entries: readonly Entry[]
  readonly damaged: number // lines that are none of ours, or were cut short
}

export function readLog(path: string): Outcome<Log> {
  if (!existsSync(path)) return done({ entries: [], damaged: 0 })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return failed(cannotRead(path, error))
  }
  const entries: Entry[] = []
  let damaged = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    const entry = parseLine(line)
    if (entry === undefined) damaged += 1
    else if (entry.log > logVersion)
      return failed(
        problem(
          'ATTN0371',
          `${path} was written by a newer attnc: version ${entry.log} of the log`,
          'update attnc, or name another file with --log',
        ),
      )
    else entries.push(entry)
  }
  return done({ entries, damaged })
}

function parseLine(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return isEntry(entry) ? entry : undefined
  } catch {
    return undefined
  }
}

const isObject = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === 'object' && x !== null && !Array.isArray(x)
function isPoint(x: unknown): x is Point {
  if (!isObject(x)) return false
  for (const name in x) if (typeof x[name] !== 'number' && typeof x[name] !== 'string') return false
  return true
}
const isSubject = ({ attention, plan, target, device, dtype, shape }: Readonly<Record<string, unknown>>): boolean =>
  typeof attention === 'string' &&
  typeof plan === 'string' &&
  typeof target === 'string' &&
  typeof device === 'string' &&
  typeof dtype === 'string' &&
  typeof shape === 'string'

function isEntry(x: unknown): x is Entry {
  if (!isObject(x) || typeof x.log !== 'number') return false
  if (x.log > logVersion) return true
  const { subject } = x
  if (!isObject(subject) || !isSubject(subject)) return false
  return isObject(x.trial) ? isTrial(x.trial) : Array.isArray(x.parameters) && isPoint(x.usual)
}

function isTrial(trial: Readonly<Record<string, unknown>>): boolean {
  if (!isPoint(trial.point)) return false
  if (isObject(trial.failure)) return reasons.some((reason) => reason === (trial.failure as { reason: unknown }).reason)
  const { milliseconds, cost, low, high, rounds, outliers, bits } = trial
  return (
    typeof milliseconds === 'number' &&
    typeof cost === 'number' &&
    typeof low === 'number' &&
    typeof high === 'number' &&
    typeof rounds === 'number' &&
    typeof outliers === 'number' &&
    typeof bits === 'string'
  )
}

/** Written out, as are the checks above: ten thousand trials take a noticeable time otherwise. */
export const isSame = (a: Subject, b: Subject): boolean =>
  a.shape === b.shape &&
  a.plan === b.plan &&
  a.target === b.target &&
  a.attention === b.attention &&
  a.dtype === b.dtype &&
  a.device === b.device

/** Trials of one subject, each point's last one. */
export function trialsOf(entries: readonly Entry[], subject: Subject): readonly Trial[] {
  const trials = new Map<string, Trial>()
  for (const entry of entries)
    if ('trial' in entry && isSame(entry.subject, subject)) trials.set(JSON.stringify(entry.trial.point), entry.trial)
  return [...trials.values()]
}

/** Appends in one write; a line that another process left unfinished is ended first. */
export function appendToLog(path: string, entry: Entry): Outcome<undefined> {
  try {
    appendFileSync(path, `${endsWithLine(path) ? '' : '\n'}${JSON.stringify(entry)}\n`)
    return done(undefined)
  } catch (error) {
    return failed(problem('ATTN0312', `cannot write ${path}: ${reasonOf(error)}`))
  }
}

function endsWithLine(path: string): boolean {
  if (!existsSync(path)) return true
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const last = Buffer.alloc(1)
    return size === 0 || readSync(file, last, 0, 1, size - 1) === 0 || last[0] === 10
  } finally {
    closeSync(file)
  }
}
