/** Verifies one source: each of its attentions on each target that was asked for. */
import type { Attention } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { analyze } from '../index.ts'
import { AttncError } from '../runtime/attnc-error.ts'
import { done, type Finding, failed, type Outcome } from '../runtime/problem.ts'
import { type Keeping, type Runner, runners, type Scalars } from '../runtime/runners.ts'
import { shapesFor } from '../runtime/verify/shapes.ts'
import { type Verification, verifyAttention } from '../runtime/verify/verify.ts'
import type { Simd } from '../targets/target.ts'
import { checkAxes, type Dtype } from './compile-options.ts'
import { type DeviceOptions, hasDevices } from './device-options.ts'
import { keeping } from './keeping.ts'
import { all } from './options.ts'
import { paramsOf } from './params.ts'
import type { Source } from './sources.ts'
import { builder } from './verify-build.ts'
import type { Row } from './verify-report.ts'

export interface Asked {
  readonly targets: readonly string[]
  readonly dtype: Dtype | undefined
  readonly shape: Sizes
  readonly tile: Sizes
  readonly seed: number
  readonly params: ReadonlyMap<string, string>
  readonly threads: number | undefined // of each call; undefined: it runs in the thread that verifies
  readonly simd?: Simd | undefined // which form of what has two
  readonly device?: DeviceOptions // what it has
  readonly probes: boolean
  readonly cache: boolean
}

export interface Found {
  readonly rows: readonly Row[]
  readonly findings: readonly Finding[]
}

type Progress = (what: string) => void

export async function verifySource(source: Source, asked: Asked, progress?: Progress): Promise<Found> {
  const module = analyze(source.file, source.readImport)
  if (!module.ok) return { rows: [], findings: module.diagnostics }
  const rows: Row[] = []
  const findings: Finding[] = [...module.warnings]
  const kept = keeping(asked, findings)
  for (const attention of module.value.attentions) {
    const tried = await verifyOne(source, attention, asked, kept, progress)
    if (tried.ok) rows.push(...tried.value)
    else findings.push(...tried.findings)
  }
  return { rows, findings }
}

async function verifyOne(
  source: Source,
  attention: Attention,
  asked: Asked,
  kept: Keeping,
  progress?: Progress,
): Promise<Outcome<readonly Row[]>> {
  const checked = all<[unknown, Scalars]>(
    checkAxes([attention], asked.shape, asked.tile),
    paramsOf(attention, asked.params),
  )
  if (!checked.ok) return checked
  const { dtype, shape: sizes, tile, seed } = asked
  const rows: Row[] = []
  for (const target of asked.targets) {
    const head = { source: source.file.path, attention: attention.name, target }
    const runner: Runner | undefined = runners[target]
    const missing = runner ? await runner.missing() : 'attnc cannot run what it generates for it'
    if (!runner || missing !== undefined) {
      rows.push({ ...head, verdict: 'skipped', reason: missing ?? '', report: null })
      continue
    }
    const isSlow = runner.isSlow ?? false
    const shapes = shapesFor(attention, { dtype, sizes, tile, seed, params: checked.value[1], isSlow })
    if (!shapes.ok) return shapes
    const device = await deviceOf(target, asked)
    const report = await withFaults(() =>
      verifyAttention(attention, {
        shapes: shapes.value,
        seed: asked.seed,
        probes: asked.probes,
        params: checked.value[1],
        build: builder(source, attention, target, { ...asked, device, keeping: kept }),
        onCase: (what) => progress?.(`${target} ${what}`),
      }),
    )
    if (!report.ok) return report
    rows.push({ ...head, verdict: report.value.verdict, reason: whyNot(report.value), report: report.value })
  }
  return done(rows)
}

/** What was said of the device, for a target whose devices differ. */
const deviceOf = async (target: string, { device = {} }: Asked): Promise<DeviceOptions> =>
  (await hasDevices(target)) ? device : {}

/** What a device throws while it computes is a fault of the machine. */
async function withFaults<T>(work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AttncError) return failed(...error.findings)
    throw error
  }
}

const whyNot = ({ rejected }: Verification): string =>
  rejected.length > 0 ? `too close to call: ${rejected.join(', ')}` : ''
