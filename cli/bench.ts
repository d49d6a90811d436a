/** `attnc bench`: what a call takes, beside what it computes and moves, and beside an earlier result. */
import { compileTimeSizes } from '../index.ts'
import { analyze, chooseAttention } from '../node.ts'
import { done, type Finding, failed, type Outcome, problem, warning } from '../runtime/problem.ts'
import { writeFiles } from '../runtime/write.ts'
import { type Benched, baselineOf, compare, printBaseline, readBaseline } from '../tune/baseline.ts'
import { plot } from '../tune/svg.ts'
import { type Answer, refuse } from './answer.ts'
import { benchOne, type Measured } from './bench-one.ts'
import { type Choices, checkAxes, optional, parseChoices } from './compile-options.ts'
import type { Io } from './io.ts'
import {
  all,
  parseAssignments,
  parseDuration,
  parseInteger,
  parseLengths,
  parsePercent,
  parseThreads,
} from './options.ts'
import { paramsOf } from './params.ts'
import type { Options } from './program.ts'
import { readOneSource, type Source } from './sources.ts'
import { parseSweep, type Sweep } from './sweep.ts'
import { shortNumber, table } from './table.ts'

export interface Asked {
  readonly choices: Choices
  readonly shape: Readonly<Record<string, number>>
  readonly params: ReadonlyMap<string, string>
  readonly seed: number
  readonly threads: number | undefined
  readonly milliseconds: number | undefined
  readonly tolerance: number
  readonly sweep: Sweep | undefined
  readonly baseline: readonly Benched[] | undefined
}

/** Lengths where none are given. */
const usualLengths = { b: 1, h: 8, i: 1024, j: 1024 }

export async function bench(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const asked = await parseAsked(options)
  if (!asked.ok) return refuse(asked.findings)
  const source = await readOneSource(args[0] ?? '', options.stdinName, io)
  if (!source.ok) return refuse(source.findings)
  const warnings: Finding[] = []
  const measured = await benchAll(source.value, asked.value, options, warnings, io)
  if (!measured.ok) return refuse([...warnings, ...measured.findings])
  return answer(measured.value, asked.value, options, warnings)
}

async function parseAsked(options: Options): Promise<Outcome<Asked>> {
  type Params = ReadonlyMap<string, string>
  const parsed = all<
    [
      Choices,
      Asked['shape'],
      Params,
      number | undefined,
      number | undefined,
      number | undefined,
      number | undefined,
      Sweep | undefined,
      readonly Benched[] | undefined,
    ]
  >(
    await parseChoices({ ...options, threads: undefined as never }),
    parseLengths('--shape', options.shape),
    parseAssignments('--param', options.param),
    optional(options.seed, (value) => parseInteger('--seed', value, 0, 2 ** 32 - 1)),
    parseThreads(options.threads),
    optional(options.time, (value) => parseDuration('--time', value)),
    optional(options.failOver, (value) => parsePercent('--fail-over', value)),
    optional(options.sweep, parseSweep),
    optional(options.baseline, readBaseline),
  )
  if (!parsed.ok) return parsed
  const [choices, shape, params, seed = 0, threads, milliseconds, tolerance = 0.05, sweep, baseline] = parsed.value
  if (options.failOver !== undefined && !baseline)
    return failed(
      problem('ATTN0300', '--fail-over says how much slower than --baseline is too slow', '--baseline old.json'),
    )
  return done({ choices, shape, params, seed, threads, milliseconds, tolerance, sweep, baseline })
}

/** Each attention of the source, or the one that was named, at each length of the sweep. */
async function benchAll(
  source: Source,
  asked: Asked,
  options: Options,
  warnings: Finding[],
  io: Io,
): Promise<Outcome<readonly Measured[]>> {
  const module = analyze(source.file, source.readImport)
  if (!module.ok) return failed(...module.diagnostics)
  warnings.push(...module.warnings)
  const chosen =
    options.attention === undefined && module.value.attentions.length > 0
      ? done(module.value.attentions)
      : named(module.value.attentions, options.attention)
  if (!chosen.ok) return chosen
  const results: Measured[] = []
  for (const attention of chosen.value) {
    const { shape, choices, sweep } = asked
    const checked = all<[unknown, Measured['params']]>(
      checkAxes([attention], shape, choices.sizes, choices.tile, sweep ? { [sweep.axis]: 1 } : {}),
      paramsOf(attention, asked.params),
    )
    if (!checked.ok) return checked
    for (const length of sweep ? sweep.lengths : [undefined]) {
      const swept = sweep && length !== undefined ? { [sweep.axis]: length } : {}
      const fixed = compileTimeSizes(attention, { ...choices.sizes, ...shape, ...swept })
      const wanted = { ...usualLengths, ...fixed, ...choices.sizes, ...shape, ...swept }
      io.progress?.(`measuring ${attention.name} ${Object.entries(swept).map(([axis, n]) => `${axis}=${n}`)}`)
      const one = await benchOne(source, attention, { ...asked, wanted, params: checked.value[1] }, options, warnings)
      if (!one.ok) return one
      results.push(one.value)
    }
  }
  return done(results)
}

type Attentions = Parameters<typeof chooseAttention>[0]
function named(attentions: Attentions, name: string | undefined): Outcome<Attentions> {
  const one = chooseAttention(attentions, name, (other) => `--attention ${other}`)
  return one.ok ? done([one.value]) : one
}

function answer(results: readonly Measured[], asked: Asked, options: Options, warnings: readonly Finding[]): Answer {
  const { baseline, tolerance, sweep } = asked
  const compared = results.map((one) => {
    const old = baseline && baselineOf(baseline, one)
    return { ...one, compared: old ? { ...compare(old.times, one.times, tolerance), device: old.device } : null }
  })
  const findings = [
    ...warnings,
    ...doubts(compared, baseline !== undefined),
    ...regressions(compared, tolerance, options),
  ]
  const file = options.out === undefined ? [] : [{ path: options.out, content: contentOf(options.out, results, sweep) }]
  const written = writeFiles(file)
  if (!written.ok) return refuse([...findings, ...written.findings])
  const isBad = findings.some(({ severity }) => severity === 'error')
  const notes = [...new Set(results.flatMap(({ tuned }) => tuned ?? []))]
  return {
    exit: isBad ? 1 : 0,
    findings,
    out: textOf(compared, sweep),
    ...(notes.length > 0 ? { note: notes.join('\n') } : {}),
    json: { results: compared },
  }
}

const contentOf = (path: string, results: readonly Measured[], sweep: Sweep | undefined): string =>
  path.endsWith('.svg') && sweep
    ? `${growthPlot(results, sweep)}\n`
    : printBaseline(
        results.map(({ attention, target, device, dtype, shape, times }) => ({
          attention,
          target,
          device,
          dtype,
          shape,
          times,
        })),
      )

/** How a call's time grows with a length. */
const growthPlot = (results: readonly Measured[], { axis }: Sweep): string =>
  plot({
    ...{ title: `Growth of cost with ${axis}`, x: `size(${axis})`, y: 'ms of a call', logX: true, logY: true },
    series: [...Map.groupBy(results, ({ attention }) => attention)].map(([name, all]) => ({
      name,
      form: 'line',
      points: all.map(({ shape, milliseconds }) => ({ x: shape[axis] ?? 0, y: milliseconds })),
    })),
  })

type Compared = Measured & { readonly compared: (ReturnType<typeof compare> & { readonly device: string }) | null }

function textOf(results: readonly Compared[], sweep: Sweep | undefined): string {
  const hasBaseline = results.some(({ compared }) => compared)
  const head = [
    'attention',
    'target',
    'shape',
    'ms',
    'MAD',
    '95 %',
    'GFLOP/s',
    'GB/s',
    'of limit',
    ...(sweep ? ['growth'] : []),
    ...(hasBaseline ? ['to baseline'] : []),
  ]
  const rows = results.map((one, n) => {
    const before = n > 0 && results[n - 1]?.attention === one.attention ? results[n - 1] : undefined
    return [
      ...[one.attention, one.target, showShape(one.shape)],
      ...[
        shortNumber(one.milliseconds),
        shortNumber(one.deviation),
        `${shortNumber(one.low)} to ${shortNumber(one.high)}`,
      ],
      ...[
        one.gflops === null ? '' : one.gflops.toFixed(1),
        one.gbytes.toFixed(1),
        one.share === null ? '' : `${(100 * one.share).toFixed(0)} %`,
      ],
      ...(sweep ? [before ? growth(before, one, sweep.axis) : ''] : []),
      ...(hasBaseline
        ? [one.compared ? `${(100 * (one.compared.ratio - 1)).toFixed(1)} % ${one.compared.verdict}` : 'new']
        : []),
    ]
  })
  return table([head, ...rows], [3, 4, 6, 7, 8, 9])
}

/** The exponent with which time grows from one length to the next. */
function growth(before: Measured, now: Measured, axis: string): string {
  const ratio = Math.log((now.shape[axis] ?? 1) / (before.shape[axis] ?? 1))
  return ratio === 0 ? '' : `n^${(Math.log(now.milliseconds / before.milliseconds) / ratio).toFixed(2)}`
}

const showShape = (shape: Measured['shape']): string =>
  Object.entries(shape)
    .map(([axis, length]) => `${axis}=${length}`)
    .join(' ')

function doubts(results: readonly Compared[], hasBaseline: boolean): readonly Finding[] {
  const unsteady = results.filter(({ isNarrow, drift }) => !isNarrow || Math.abs(drift) > 0.05)
  const elsewhere = results.find(({ compared, device }) => compared && compared.device !== device)
  return [
    ...(unsteady.length > 0
      ? [
          warning(
            'ATTN0375',
            `${unsteady.length} of ${results.length} times are uncertain: something else is running, or the clock rate changes`,
            'measure where nothing else runs, or longer: --time 30s',
          ),
        ]
      : []),
    ...(elsewhere
      ? [warning('ATTN0375', `the baseline was measured on ${elsewhere.compared?.device}, this is ${elsewhere.device}`)]
      : []),
    ...(hasBaseline && results.every(({ compared }) => !compared)
      ? [warning('ATTN0375', 'the baseline has nothing of these attentions and lengths')]
      : []),
  ]
}

/** Slower for sure, and by more than is allowed. Without --fail-over it is said, and no failure. */
const regressions = (results: readonly Compared[], tolerance: number, { failOver }: Options): readonly Finding[] =>
  results.flatMap(({ attention, shape, compared }) => {
    if (compared?.verdict !== 'slower') return []
    const text = `${attention} at ${showShape(shape)} takes ${compared.ratio.toFixed(2)} times as long as in the baseline, and ${(100 * tolerance).toFixed(0)} % more is allowed`
    return [(failOver === undefined ? warning : problem)('ATTN0376', text)]
  })
