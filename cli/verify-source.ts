/** Verifies one source: each of its attentions on each target that was asked for. */
import type { Attention } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { analyze } from '../index.ts'
import type { Keeping } from '../node.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type Runner, runners, type Scalars } from '../runtime/runners.ts'
import { checkExtent } from '../runtime/verify/extent.ts'
import { completeSizes, coveringShapes, type Shape } from '../runtime/verify/shapes.ts'
import { type Verification, verifyAttention } from '../runtime/verify/verify.ts'
import { checkAxes, type Dtype } from './compile-options.ts'
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
  const shapes = shapesFor(attention, asked, checked.value[1])
  if (!shapes.ok) return shapes
  const rows: Row[] = []
  for (const target of asked.targets) {
    const head = { source: source.file.path, attention: attention.name, target }
    const runner: Runner | undefined = runners[target]
    const missing = runner ? await runner.missing() : 'attnc cannot run what it generates for it'
    if (!runner || missing !== undefined) {
      rows.push({ ...head, verdict: 'skipped', reason: missing ?? '', report: null })
      continue
    }
    const report = await verifyAttention(attention, {
      shapes: shapes.value,
      seed: asked.seed,
      probes: asked.probes,
      params: checked.value[1],
      build: builder(source, attention, target, kept),
      onCase: (what) => progress?.(`${target} ${what}`),
    })
    if (!report.ok) return report
    rows.push({ ...head, verdict: report.value.verdict, reason: whyNot(report.value), report: report.value })
  }
  return done(rows)
}

const whyNot = ({ rejected }: Verification): string =>
  rejected.length > 0 ? `too close to call: ${rejected.join(', ')}` : ''

/** Asked for, else the source's check lines, each built with the default tile and with a small one, else all edges of a small tile. */
function shapesFor(attention: Attention, asked: Asked, params: Scalars): Outcome<readonly Shape[]> {
  const { dtype, shape, tile, seed } = asked
  const tiles: Shape['tiles'] = Object.keys(tile).length > 0 ? [tile] : [undefined, { i: 8, j: 16 }]
  const wanted = Object.keys(shape).length > 0 ? [shape] : attention.checks.map(({ sizes }) => sizes)
  if (wanted.length === 0)
    return done(
      coveringShapes(attention, 8, dtype ? [dtype] : undefined).map((one) =>
        tiles.length > 1 ? one : { ...one, tiles },
      ),
    )
  const shapes: Shape[] = []
  for (const sizes of wanted) {
    const complete = completeSizes(attention, sizes, seed, params)
    if (!complete.ok) return complete
    const extent = checkExtent(attention, complete.value)
    if (!extent.ok) return extent
    shapes.push({ sizes: complete.value, dtype: dtype ?? 'f32', tiles })
  }
  const unmet = Object.entries(shape).find(([axis, length]) => shapes.some(({ sizes }) => sizes[axis] !== length))
  if (unmet)
    return failed(
      problem('ATTN0324', `size(${unmet[0]}) follows from other lengths, and is ${shapes[0]?.sizes[unmet[0]]}`),
    )
  return done(shapes)
}
