/** `FILE.attn.tuned.json`: what tuning found, beside the source. It is sorted and has no dates, so that differences can be read. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { cannotRead, reasonOf } from '../files.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import { writeFiles } from '../write.ts'
import { type Choice, isChoice } from './choice.ts'
import { exclusively } from './exclusive.ts'

export const tunedVersion = 1

export interface Tuned {
  readonly attention: string
  readonly target: string
  readonly device: string
  readonly architecture: string
  readonly dtype: string
  readonly shape: Readonly<Record<string, number>> // compile-time lengths; others as powers of two that hold them
  readonly plan: string // a hash of what is computed, and how
  readonly choice: Choice
  readonly milliseconds: number // of a call, as it was measured or modelled
  readonly untuned: number // of the usual choice, in the same run
  readonly numerics: 'same' | 'any' // whether results have the bits of the usual choice
  readonly attnc: string
  readonly features?: readonly string[] // that the device was said to have, sorted; without them the choice may not do
  readonly limits?: Readonly<Record<string, number>> // that it was said to allow
  readonly modelled?: true // milliseconds are those of a model of the architecture: nothing was run
}

export const tunedPath = (source: string): string => `${source}.tuned.json`

/** No file: no entries. */
export function readTuned(path: string): Outcome<readonly Tuned[]> {
  if (!existsSync(path)) return done([])
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return failed(cannotRead(path, error))
  }
  return parseTuned(text, path)
}

function parseTuned(text: string, path: string): Outcome<readonly Tuned[]> {
  const again = 'restore it, or delete it and tune again'
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return failed(problem('ATTN0372', `${path} is no JSON`, again))
  }
  const { attncTuned: version, entries } = isRecord(content) ? content : {}
  if (typeof version !== 'number') return failed(problem('ATTN0372', `${path} is no file of attnc tune`, again))
  if (version > tunedVersion)
    return failed(
      problem('ATTN0371', `${path} was written by a newer attnc: version ${version} of the format`, 'update attnc'),
    )
  const list = Array.isArray(entries) ? entries : undefined
  const bad = list?.findIndex((entry) => !isTuned(entry))
  if (version < 1 || !list || bad === undefined || bad >= 0)
    return failed(problem('ATTN0372', `${path}: entry ${bad ?? 0} is not what attnc tune writes`, again))
  return done(list as readonly Tuned[])
}

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === 'object' && x !== null && !Array.isArray(x)

const texts = ['attention', 'target', 'device', 'architecture', 'dtype', 'plan', 'attnc'] as const

const isTuned = (x: unknown): x is Tuned =>
  isRecord(x) &&
  texts.every((name) => typeof x[name] === 'string') &&
  isRecord(x.shape) &&
  Object.values(x.shape).every((length) => typeof length === 'number' && length >= 0) &&
  isChoice(x.choice) &&
  [x.milliseconds, x.untuned].every((time) => typeof time === 'number' && time > 0) &&
  (x.numerics === 'same' || x.numerics === 'any') &&
  (x.features === undefined || (Array.isArray(x.features) && x.features.every((name) => typeof name === 'string'))) &&
  (x.limits === undefined || (isRecord(x.limits) && Object.values(x.limits).every((n) => typeof n === 'number'))) &&
  (x.modelled === undefined || x.modelled === true)

/** What an entry is found by. */
export const placeOf = ({ attention, target, dtype, device, shape, features, limits }: Tuned): string =>
  JSON.stringify([
    ...[attention, target, dtype, device, Object.entries(shape).sort(byName)],
    ...(features || limits ? [features ?? [], Object.entries(limits ?? {}).sort(byName)] : []),
  ])

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0

const patience = 30_000 // ms

/**
 * Puts an entry into a file. Who is at it meanwhile waits its turn; a file that cannot be read is left as it is. Of two that were
 * measured for the same, the one that gains more stays.
 */
export async function addTuned(path: string, entry: Tuned): Promise<Outcome<undefined>> {
  const lock = `${path}.lock`
  try {
    const added = await exclusively(lock, patience, () => add(path, entry))
    return added ?? failed(problem('ATTN0312', `cannot write ${path}: ${lock} is held by another process`))
  } catch (error) {
    return failed(problem('ATTN0312', `cannot write ${path}: ${reasonOf(error)}`))
  }
}

function add(path: string, entry: Tuned): Outcome<undefined> {
  const before = readTuned(path)
  if (!before.ok) return before
  const after = merged(before.value, entry)
  if (after === before.value) return done(undefined)
  removeDrafts(path)
  return writeFiles([{ path, content: printTuned(after) }])
}

/** Of writers that were killed: while the lock is held, nobody is at work on one. */
function removeDrafts(path: string): void {
  const [folder, head] = [dirname(path), `.${basename(path)}.`]
  for (const name of readdirSync(folder))
    if (name.startsWith(head) && name.endsWith('.tmp')) rmSync(join(folder, name), { force: true })
}

export function merged(entries: readonly Tuned[], entry: Tuned): readonly Tuned[] {
  const old = entries.find((one) => placeOf(one) === placeOf(entry))
  const isComparable = old?.plan === entry.plan && old.numerics === entry.numerics
  if (old && isComparable && old.milliseconds / old.untuned <= entry.milliseconds / entry.untuned) return entries
  return [...entries.filter((one) => one !== old), entry]
}

export function printTuned(entries: readonly Tuned[]): string {
  const ordered = [...entries].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)).map(inOrder)
  return `${JSON.stringify({ attncTuned: tunedVersion, entries: ordered }, undefined, 2)}\n`
}

const inOrder = (entry: Tuned): object => ({
  ...{ attention: entry.attention, target: entry.target, dtype: entry.dtype },
  ...{ device: entry.device, architecture: entry.architecture },
  shape: Object.fromEntries(Object.entries(entry.shape).sort(byName)),
  choice: Object.fromEntries(Object.entries(entry.choice).sort(byName)),
  ...{ milliseconds: rounded(entry.milliseconds), untuned: rounded(entry.untuned), numerics: entry.numerics },
  ...{ plan: entry.plan, attnc: entry.attnc },
  ...(entry.features ? { features: entry.features } : {}),
  ...(entry.limits ? { limits: Object.fromEntries(Object.entries(entry.limits).sort(byName)) } : {}),
  ...(entry.modelled ? { modelled: true } : {}),
})
const rounded = (x: number): number => Number(x.toPrecision(4))
