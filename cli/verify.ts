import type { Attention } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { analyze } from '../index.ts'
import type { Keeping } from '../node.ts'
import { done, type Finding as Fault, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type Runner, runners, type Scalars } from '../runtime/runners.ts'
import { completeSizes, coveringShapes, type Shape } from '../runtime/verify/shapes.ts'
import { type Verification, verifyAttention } from '../runtime/verify/verify.ts'
import { type Answer, refuse } from './answer.ts'
import { checkAxes, type Dtype, optional, parseDtype, parseTargets, tileLengths } from './compile-options.ts'
import { uninterrupted } from './interrupt.ts'
import type { Io } from './io.ts'
import { keeping } from './keeping.ts'
import { all, parseAssignments, parseInteger, parseLengths } from './options.ts'
import { paramsOf } from './params.ts'
import type { Options } from './program.ts'
import { readSources, type Source } from './sources.ts'
import { builder } from './verify-build.ts'
import { type Row, renderRows } from './verify-report.ts'

interface Asked {
  readonly targets: readonly string[]
  readonly dtype: Dtype | undefined
  readonly shape: Sizes
  readonly tile: Sizes
  readonly seed: number
  readonly params: ReadonlyMap<string, string>
  readonly probes: boolean
}

export async function verify(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const asked = await parseAsked(options)
  if (!asked.ok) return refuse(asked.findings)
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const rows: Row[] = []
  const findings: Fault[] = []
  const kept = keeping(options, findings)
  for (const source of sources.value) {
    const module = analyze(source.file, source.readImport)
    findings.push(...(module.ok ? module.warnings : module.diagnostics))
    if (!module.ok) continue
    for (const attention of module.value.attentions) {
      const tried = await uninterrupted(() => verifyOne(source, attention, asked.value, kept, io))
      if (tried.ok) rows.push(...tried.value)
      else findings.push(...tried.findings)
    }
  }
  return answer(rows, findings, sources.value.length)
}

function answer(rows: readonly Row[], findings: readonly Fault[], files: number): Answer {
  const json = { results: rows }
  if (findings.some(({ severity }) => severity === 'error'))
    return { ...refuse(findings, json), out: rows.length > 0 ? renderRows(rows, files > 1) : '' }
  const bad = rows.some(({ verdict }) => verdict === 'wrong' || verdict === 'more than rounding')
  return { exit: bad ? 1 : 0, findings, out: renderRows(rows, files > 1), json }
}

async function parseAsked(options: Options): Promise<Outcome<Asked>> {
  const runnable = async (): Promise<readonly string[]> => {
    const missing = await Promise.all(Object.values(runners).map((runner) => runner.missing()))
    return Object.keys(runners).filter((_name, n) => missing[n] === undefined)
  }
  const parsed = all<
    [readonly string[], Dtype | undefined, Sizes, Sizes, number | undefined, ReadonlyMap<string, string>]
  >(
    options.target ? parseTargets(options.target) : done(await runnable()),
    optional(options.dtype, parseDtype),
    parseLengths('--shape', options.shape),
    parseLengths('--tile', options.tile, tileLengths),
    optional(options.seed, (value) => parseInteger('--seed', value, 0, 2 ** 32 - 1)),
    parseAssignments('--param', options.param),
  )
  if (!parsed.ok) return parsed
  const [named, dtype, shape, tile, seed = 0, params] = parsed.value
  const targets = named.includes('auto')
    ? [...new Set([...named.filter((name) => name !== 'auto'), ...(await runnable())])]
    : named
  return done({ targets, dtype, shape, tile, seed, params, probes: options.probes })
}

async function verifyOne(
  source: Source,
  attention: Attention,
  asked: Asked,
  kept: Keeping,
  io: Io,
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
      onCase: (what) => io.progress?.(`${target} ${what}`),
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
    shapes.push({ sizes: complete.value, dtype: dtype ?? 'f32', tiles })
  }
  const unmet = Object.entries(shape).find(([axis, length]) => shapes.some(({ sizes }) => sizes[axis] !== length))
  if (unmet)
    return failed(
      problem('ATTN0324', `size(${unmet[0]}) follows from other lengths, and is ${shapes[0]?.sizes[unmet[0]]}`),
    )
  return done(shapes)
}
