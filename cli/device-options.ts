/** `--features` and `--limits`: what the device has that kernels are made for. */
import { readFileSync } from 'node:fs'
import { type CompileOptions, targets } from '../index.ts'
import { cannotRead } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { all } from './options.ts'
import type { Options } from './program.ts'

/** Absent where the command line says nothing. */
export type DeviceOptions = Pick<CompileOptions, 'features' | 'limits'>
type Limits = NonNullable<CompileOptions['limits']>

export function parseDevice({ features = [], limits = [] }: Options): Outcome<DeviceOptions> {
  const parsed = all<readonly Limits[]>(...limits.map(parseLimits))
  if (!parsed.ok) return parsed
  return done({
    ...(features.length > 0 ? { features: features.flatMap((words) => words.split(',')) } : {}),
    ...(limits.length > 0 ? { limits: Object.assign({}, ...parsed.value) as Limits } : {}),
  })
}

/** Whether devices of a target differ in what may be said of them. */
export async function hasDevices(target: string): Promise<boolean> {
  const load = Object.hasOwn(targets, target) ? targets[target] : undefined
  return (await load?.())?.device !== undefined
}

/** What is said of a device is for one of these. */
export async function checkDevice(device: DeviceOptions, names: readonly string[]): Promise<Outcome<undefined>> {
  if (Object.keys(device).length === 0 || (await Promise.all(names.map(hasDevices))).includes(true))
    return done(undefined)
  const option = device.features ? '--features' : '--limits'
  return failed(
    problem(
      'ATTN0302',
      `${option} is of the target wgsl, which is not verified here: ${names.join(', ')}`,
      '--target wgsl',
    ),
  )
}

const example = '--limits maxComputeWorkgroupStorageSize=32768, or a JSON file of such names and numbers'

/** `name=value,name=value`, or the name of a file. */
const parseLimits = (text: string): Outcome<Limits> => (text.includes('=') ? parseList(text) : readLimits(text))

function parseList(text: string): Outcome<Limits> {
  const pairs = text.split(',').map((part) => /^\s*([A-Za-z]+)\s*=\s*(\d{1,15})\s*$/.exec(part))
  if (pairs.includes(null)) return failed(problem('ATTN0302', `--limits takes name=value, not '${text}'`, example))
  return done(Object.fromEntries(pairs.map((pair) => [pair![1]!, Number(pair![2])])))
}

/** As a page writes them down: the limits themselves, or an object that has them as its member `limits`. */
function readLimits(path: string): Outcome<Limits> {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) return failed(cannotRead(path, error))
    return failed(problem('ATTN0302', `--limits ${path} is no JSON: ${error.message}`, example))
  }
  const limits = isRecord(value) && isRecord(value.limits) ? value.limits : value
  if (!isRecord(limits)) return failed(problem('ATTN0302', `--limits ${path} has no object of limits`, example))
  const numbers = Object.entries(limits).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  if (numbers.length > 0) return done(Object.fromEntries(numbers))
  const hint = 'JSON.stringify of adapter.limits gives {}: its members have to be copied, as docs/targets/wgsl.md shows'
  return failed(problem('ATTN0302', `--limits ${path} has no limits`, hint))
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
