/** What was tuned for a call: this is the one place where it is looked up. */
import type { Attention } from '../../compiler/attention.ts'
import type { StageOptions } from '../../compiler/options.ts'
import { done, type Finding, type Outcome } from '../problem.ts'
import { type Choice, optionsOf, showChoice, threadsOf, withoutPinned } from './choice.ts'
import { type Device, deviceOf } from './device.ts'
import { placeOf, readTuned, type Tuned, tunedPath } from './tuned-file.ts'

export interface Wanted {
  readonly attention: Attention
  readonly target: string
  readonly options: StageOptions & DeviceAsked // what was asked for: wins over what was tuned
  readonly sizes: Readonly<Record<string, number>> // lengths that are known
  readonly architectures?: readonly string[] | undefined // that were asked for: of GPUs, for code that runs elsewhere
}

/** What the device is said to have. */
interface DeviceAsked {
  readonly features?: readonly string[]
  readonly limits?: Readonly<Record<string, number>>
}

/** How well an entry fits. `device`: this device and shape; `architecture`: a similar device; `shape`: the nearest other lengths. */
export type Fit = 'device' | 'architecture' | 'shape'

export interface Picked {
  readonly options: ReturnType<typeof optionsOf> // for the compiler
  readonly threads: number | undefined // of a call
  readonly about: string // what, and from where, for people
  readonly fit: Fit
  readonly entry: Tuned
}

/** @param source  the path of the source; nothing that was tuned: undefined. A failure says what is wrong with the file. */
export async function pickTuned(source: string, wanted: Wanted): Promise<Outcome<Picked | undefined>> {
  const path = tunedPath(source)
  const entries = readTuned(path)
  if (!entries.ok) return entries
  const { attention, target, options } = wanted
  const own = entries.value.filter((one) => one.attention === attention.name && one.target === target)
  const found = own.length > 0 ? choose(own, wanted, await deviceOf(target)) : undefined
  if (!found) return done(undefined)
  const { choice: all, device, architecture, shape, modelled } = found.entry
  const choice = withoutPinned(found.fit === 'shape' ? tilesAndThreads(all) : all, attention, options)
  if (Object.keys(choice).length === 0) return done(undefined)
  const where = modelled ? `, modelled for ${architecture}` : found.fit === 'architecture' ? ` on ${device}` : ''
  const nearest = found.fit === 'shape' ? ', the nearest' : ''
  const rivals = found.rivals.length > 0 ? `, taken before ${found.rivals.join(' and ')} as the newest` : ''
  const about = `tuned: ${showChoice(choice)}, from ${path} (for ${showShape(shape)}${nearest}${where}${rivals})`
  return done({ options: optionsOf(choice), threads: threadsOf(choice), about, ...found })
}

/** Parts of keys, and rows that are computed together, belong to the very lengths that they were chosen for. */
const tilesAndThreads = ({ rows: _, splits: __, ...others }: Choice): Choice => others

const showShape = (shape: Tuned['shape']): string =>
  Object.entries(shape)
    .map(([axis, length]) => `${axis}=${length}`)
    .join(' ')

/** Lengths for which one choice is taken to be as good as another: those that are not in generated code, to the next power of two. */
export function shapeClass(attention: Attention, sizes: Readonly<Record<string, number>>): Tuned['shape'] {
  const known = attention.axes.filter(({ name }) => sizes[name] !== undefined)
  return Object.fromEntries(
    known.map(({ name, time }) => [name, time === 'compile' ? sizes[name]! : powerAbove(sizes[name]!)]),
  )
}
const powerAbove = (length: number): number => (length <= 1 ? length : 2 ** Math.ceil(Math.log2(length)))

export interface Found {
  readonly entry: Tuned
  readonly fit: Fit
  readonly rivals: readonly string[] // architectures for which there is as good an entry
}

/** One entry, whatever the order in which a file has them. */
export function choose(
  entries: readonly Tuned[],
  { attention, target, options, sizes, architectures }: Wanted,
  { device, architecture }: Device,
): Found | undefined {
  const dtype = options.dtype ?? 'f32'
  const shape = shapeClass(attention, sizes)
  const isFixed = (axis: string): boolean =>
    attention.axes.some(({ name, time }) => name === axis && time === 'compile')
  const candidates = entries
    .filter((one) => one.attention === attention.name && one.target === target && one.dtype === dtype)
    .filter((one) => (architectures ?? [architecture ?? one.architecture]).includes(one.architecture))
    .filter((one) => isMetBy(one, options))
    .map((entry) => ({ entry, far: distance(entry.shape, shape, isFixed), isHere: entry.device === device }))
    .filter(({ far }) => far <= farthest)
  type Candidate = (typeof candidates)[number]
  const byFit = (a: Candidate, b: Candidate): number =>
    isModelled(a.entry) - isModelled(b.entry) ||
    a.far - b.far ||
    Number(b.isHere) - Number(a.isHere) ||
    countOfAsked(b.entry) - countOfAsked(a.entry) ||
    total(b.entry) - total(a.entry)
  const [best, ...others] = candidates.sort((a, b) => byFit(a, b) || newestFirst(a.entry, b.entry))
  if (!best) return undefined
  const { entry, far, isHere } = best
  const isWhole = attention.axes.every(({ name }) => shape[name] !== undefined)
  const rivals = others.flatMap((one) => (byFit(best, one) === 0 ? one.entry.architecture : []))
  return {
    entry,
    fit: far > 0 || !isWhole ? 'shape' : isHere ? 'device' : 'architecture',
    rivals: [...new Set(rivals)].filter((name) => name !== entry.architecture),
  }
}

/** Of entries that fit alike: the newest architecture, as its number says, then by name. */
function newestFirst(a: Tuned, b: Tuned): number {
  const newer = numberOf(b.architecture) - numberOf(a.architecture)
  return newer || (placeOf(a) < placeOf(b) ? -1 : 1)
}
const numberOf = (architecture: string): number => Number(/^sm_(\d+)/.exec(architecture)?.[1] ?? 0)

/** Whether a device has, as far as it is said, what an entry was tuned with. */
const isMetBy = ({ features = [], limits = {} }: Tuned, asked: DeviceAsked): boolean =>
  features.every((name) => asked.features?.includes(name)) &&
  Object.entries(limits).every(([name, least]) => (asked.limits?.[name] ?? 0) >= least)

/** What makes use of more goes before. */
const countOfAsked = ({ features = [], limits = {} }: Tuned): number => features.length + Object.keys(limits).length

/** What was measured goes before what was modelled. */
const isModelled = ({ modelled }: Tuned): number => (modelled ? 1 : 0)

const farthest = 4 // doublings: what was tuned for other lengths than that says nothing

const total = ({ shape }: Tuned): number =>
  Object.values(shape).reduce((product, length) => product * Math.max(1, length), 1)

const weight = 4 // of lengths in generated code

/** Doublings between two shapes, over the axes that both have a length for. */
function distance(a: Tuned['shape'], b: Tuned['shape'], isFixed: (axis: string) => boolean): number {
  const axes = Object.keys(b).filter((axis) => a[axis] !== undefined)
  return axes.reduce((sum, axis) => {
    const doublings = Math.abs(Math.log2(Math.max(1, a[axis]!) / Math.max(1, b[axis]!)))
    return sum + doublings * (isFixed(axis) ? weight : 1)
  }, 0)
}

/** The options of a call with what was tuned. */
export const withTuned = <Options extends StageOptions>(options: Options, picked: Picked | undefined): Options =>
  picked ? { ...options, ...picked.options, tile: { ...picked.options.tile, ...options.tile } } : options

/** As a warning: a command goes on without what cannot be read. */
export const asWarnings = (findings: readonly Finding[]): readonly Finding[] =>
  findings.map((one) => ({ ...one, severity: 'warning' as const }))

export type { Choice }
