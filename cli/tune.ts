/** `attnc tune`: finds the quickest choices for an attention on this machine. */
import { basename } from 'node:path'
import { compileTimeSizes } from '../index.ts'
import { analyze, chooseAttention } from '../node.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import { allThreads } from '../runtime/threads.ts'
import { showChoice } from '../runtime/tuned/choice.ts'
import { tunedPath } from '../runtime/tuned/tuned-file.ts'
import { completeSizes } from '../runtime/verify/shapes.ts'
import { declareSpace, type Narrowing, type Subject } from '../tune/declare.ts'
import { effortNames, efforts } from '../tune/effort.ts'
import { countFailures } from '../tune/search.ts'
import { numericsClass, type Space, type Value } from '../tune/space.ts'
import { type StrategyName, strategyNames } from '../tune/strategies/index.ts'
import { isTimed } from '../tune/trial.ts'
import { tune as runTuning, type Tuning, type TuningResult } from '../tune/tune.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, checkAxes, compileOptions, optional, parseChoices } from './compile-options.ts'
import { untilInterrupted } from './interrupt.ts'
import type { Io } from './io.ts'
import { all, parseAssignments, parseChoice, parseDuration, parseInteger, parseLengths } from './options.ts'
import { paramsOf } from './params.ts'
import type { Options } from './program.ts'
import { readOneSource, type Source } from './sources.ts'
import { count, shortNumber, table } from './table.ts'
import { tuneSimulate } from './tune-simulate.ts'
import { whereOf } from './tune-where.ts'

export async function tune(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const [first = '', ...rest] = args
  if (first === 'report') return (await import('./tune-report.ts')).tuneReport(rest, options)
  if (options.simulate !== undefined) return tuneSimulate(options.simulate, options)
  if (first === '' || rest.length > 0)
    return refuse([problem('ATTN0300', `tune takes one source, not ${rest.length > 0 ? args.length : 'none'}`)])
  if (first === '-') return refuse([problem('ATTN0300', 'what is tuned is written beside the source: it needs a file')])
  const source = await readOneSource(first, options.stdinName, io)
  if (!source.ok) return refuse(source.findings)
  const warnings: Finding[] = []
  const asked = await prepareTuning(source.value, options, warnings)
  if (!asked.ok) return refuse([...warnings, ...asked.findings])
  return options.showSpace ? showSpace(asked.value, warnings) : search(source.value, asked.value, options, warnings, io)
}

type Asked = Omit<Tuning, 'isStopped' | 'onTrial' | 'now'>

async function prepareTuning(source: Source, options: Options, warnings: Finding[]): Promise<Outcome<Asked>> {
  const parsed = all<
    [
      Choices,
      Narrowing,
      Subject['sizes'],
      ReadonlyMap<string, string>,
      StrategyName | undefined,
      Tuning['effort'] | undefined,
      Tuning['numerics'] | undefined,
      number | undefined,
      number | undefined,
      number | undefined,
    ]
  >(
    await parseChoices(options),
    parseSpace(options.space ?? []),
    parseLengths('--shape', options.shape),
    parseAssignments('--param', options.param),
    optional(options.strategy, (value) => parseChoice('--strategy', value, strategyNames)),
    optional(options.effort, (value) => parseChoice('--effort', value, effortNames)),
    optional(options.numerics, (value) => parseChoice('--numerics', value, ['same', 'any'] as const)),
    optional(options.maxEvals, (value) => parseInteger('--max-evals', value, 1, 1_000_000)),
    optional(options.time, (value) => parseDuration('--time', value)),
    optional(options.seed, (value) => parseInteger('--seed', value, 0, 2 ** 32 - 1)),
  )
  if (!parsed.ok) return parsed
  const [choices, narrowing, shape, given, strategy, effort = 'normal', numerics = 'same', evals, time, seed = 0] =
    parsed.value
  const module = analyze(source.file, source.readImport)
  if (!module.ok) return failed(...module.diagnostics)
  warnings.push(...module.warnings)
  const attention = chooseAttention(module.value.attentions, options.attention, (name) => `--attention ${name}`)
  if (!attention.ok) return attention
  const where = options.showSpace ? done(undefined) : await whereOf(choices.target, options.arch)
  if (!where.ok) return where
  const checked = all<[unknown, Tuning['params']]>(
    checkAxes([attention.value], shape, choices.sizes, choices.tile),
    paramsOf(attention.value, given),
  )
  if (!checked.ok) return checked
  const wanted = { ...usualLengths, ...compileTimeSizes(attention.value, choices.sizes), ...choices.sizes, ...shape }
  const sizes = completeSizes(attention.value, wanted, seed, checked.value[1])
  if (!sizes.ok) return sizes
  const fixed = Object.fromEntries(
    attention.value.axes.filter(({ time: when }) => when === 'compile').map(({ name }) => [name, sizes.value[name]!]),
  )
  const { target, tile: _tile, ...rest } = compileOptions({ ...choices, sizes: fixed, rows: undefined, threads: false })
  const subject: Subject = {
    ...{ source, attention: attention.value, target, options: rest, tile: choices.tile },
    ...{ sizes: sizes.value, cores: allThreads() },
  }
  const path = source.file.path
  return done({
    ...{ subject, params: checked.value[1], narrowing, numerics, strategy, effort, seed },
    ...{ evaluations: evals, milliseconds: time, cache: options.cache !== false, modelled: where.value },
    paths: { log: options.log ?? `${path}.tuning.jsonl`, tuned: tunedPath(path) },
  })
}

/** Lengths to be tuned for where none are given. */
const usualLengths = { b: 1, h: 8, i: 1024, j: 1024 }

/** `tile.i=16:32:64`, several separated by commas. */
function parseSpace(texts: readonly string[]): Outcome<Narrowing> {
  const narrowing = new Map<string, readonly Value[]>()
  for (const text of texts.flatMap((one) => one.split(','))) {
    const [name = '', values = '', ...others] = text.split('=')
    const list = values.split(':').map((value): Value => (/^\d{1,6}$/.test(value) ? Number(value) : value))
    if (name === '' || values === '' || others.length > 0 || list.some((value) => value === '' || value === 0))
      return failed(
        problem('ATTN0302', `--space takes values of a parameter, not '${text}'`, '--space tile.i=16:32,threads=1'),
      )
    narrowing.set(name, [...new Set(list)])
  }
  return done(narrowing)
}

async function showSpace({ subject, narrowing, numerics }: Asked, warnings: readonly Finding[]): Promise<Answer> {
  const declared = await declareSpace(subject, narrowing)
  if (!declared.ok) return refuse([...warnings, ...declared.findings])
  const space = declared.value
  const own = numerics === 'any' ? space : numericsClass(space, space.usual)
  const { parameters, points, rejected, usual } = space
  const { attention, target, sizes } = subject
  const json = { attention: attention.name, target, sizes, parameters, usual, points, rejected }
  return { exit: 0, findings: warnings, out: spaceText(space, own.points.length), json }
}

function spaceText({ parameters, points, rejected, usual }: Space, inClass: number): string {
  const rows = parameters.map(({ name, values, usual: value, ordersSums }) => [
    ...[name, values.join(' '), String(value), ordersSums ? 'order of sums' : 'none'],
  ])
  const reasons = [...Map.groupBy(rejected, ({ reason }) => reason)].sort((a, b) => b[1].length - a[1].length)
  const lines = reasons.map(([reason, all]) => [`${all.length}`, reason, showChoice(all[0]!.point)])
  return [
    table([['parameter', 'values', 'usual', 'changes in results'], ...rows]),
    `\n${count(points.length, 'choice')}, ${inClass} of them with the bits of the usual one (${showChoice(usual)})\n`,
    lines.length > 0 ? `${rejected.length} left out:\n${table([['', 'why', 'for example'], ...lines], [0])}` : '',
  ].join('')
}

async function search(
  source: Source,
  asked: Asked,
  options: Options,
  warnings: readonly Finding[],
  io: Io,
): Promise<Answer> {
  const say = progressOf(asked, io)
  const found = await untilInterrupted((isStopped) =>
    runTuning({ ...asked, now: () => performance.now(), isStopped, onTrial: say }),
  )
  if (!found.ok) return refuse([...warnings, ...found.findings])
  return answer(found.value, asked, source, options, warnings)
}

const silence = 30_000 // ms, at most, where no line is written over

/** A line over itself where that can be seen; else a line for each new best, and for each half a minute. */
function progressOf({ subject, milliseconds, effort, modelled }: Asked, io: Io): Tuning['onTrial'] {
  let best = Infinity
  let said = performance.now()
  let ended = 0
  const failures = new Map<string, number>()
  const start = performance.now()
  const budget = milliseconds ?? efforts[effort].milliseconds
  const { name } = subject.attention
  io.progress?.(`${name}: building, verifying and timing the usual choice`)
  return (trial, { tried, best: now, usual }, total) => {
    ended += 1
    if (!isTimed(trial)) failures.set(trial.failure.reason, (failures.get(trial.failure.reason) ?? 0) + 1)
    const failed = [...failures].map(([reason, n]) => `, ${n} ${reason}`).join('')
    const unit = modelled === undefined ? 'ms' : `ms modelled for ${modelled}`
    const gain = `${shortNumber(now.milliseconds)} ${unit}, ${(usual.milliseconds / now.milliseconds).toFixed(2)} times as quick`
    const spent = performance.now() - start
    const left = showTime(Math.max(0, Math.min(budget - spent, (spent / ended) * (total - tried))))
    const line = `${name}: tried ${tried} of ${total}${failed}, ${left} left; best ${gain}: ${showChoice(now.point)}`
    if (io.progress) io.progress(line)
    else if (now.cost < best || performance.now() - said >= silence) {
      io.err(`${line}\n`)
      said = performance.now()
    }
    best = Math.min(best, now.cost)
  }
}

const showTime = (milliseconds: number): string =>
  milliseconds < 90_000 ? `${Math.round(milliseconds / 1000)} s` : `${Math.round(milliseconds / 60_000)} min`

/** The command again, with what decides about what is tuned. */
function commandOf({ file }: Source, options: Options): string {
  const lists = { param: options.param, size: options.size, tile: options.tile, shape: options.shape }
  const given: Readonly<Record<string, string | readonly string[] | undefined>> = {
    ...{ target: options.target, arch: options.arch, attention: options.attention, dtype: options.dtype },
    ...{ precision: options.precision, ...lists, features: options.features, limits: options.limits },
    ...{ space: options.space, numerics: options.numerics, effort: options.effort, strategy: options.strategy },
    ...{ 'max-evals': options.maxEvals, seed: options.seed, log: options.log },
  }
  const words = Object.entries(given).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((one) => [`--${name}`, one]),
  )
  return ['attnc', 'tune', file.path, ...words].map(quoted).join(' ')
}

/** As a shell takes it for one word. */
const quoted = (word: string): string => (/^[\w=.,:/\\+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

function answer(
  result: TuningResult,
  { subject, paths }: Asked,
  source: Source,
  options: Options,
  warnings: readonly Finding[],
): Answer {
  const { best, beyond, searched, total, space, device, modelled, resumed } = result
  const { usual, tried, why, spent } = searched
  const failures = Object.fromEntries(countFailures(searched.trials))
  const gain = usual.milliseconds / best.milliseconds
  const rows = [
    ['', modelled === undefined ? 'ms' : 'modelled ms', 'gain', 'choice'],
    ['usual', shortNumber(usual.milliseconds), '1.00', showChoice(usual.point)],
    ['best', shortNumber(best.milliseconds), gain.toFixed(2), showChoice(best.point)],
  ]
  const further = beyond
    ? `with other bits of results (--numerics any): ${(usual.cost / beyond.cost).toFixed(2)} times as quick with ${showChoice(beyond.point)}\n`
    : ''
  const failed = Object.entries(failures).map(([reason, n]) => `${n} ${reason}`)
  const about = `${tried} tried (${total} of ${space.points.length} in the numerics class), ${failed.length > 0 ? `failed: ${failed.join(', ')}` : 'none failed'}\n`
  const json = {
    ...{ attention: subject.attention.name, target: subject.target, device, modelled: modelled ?? null },
    ...{
      sizes: subject.sizes,
      usual,
      best,
      beyond: beyond ?? null,
      tried,
      total,
      points: space.points.length,
      failures,
      resumed,
      why,
      spent,
    },
    paths,
  }
  const isStopped = why === 'stopped'
  const goOn = `go on with: ${commandOf(source, options)}`
  return {
    exit: isStopped ? 130 : why === 'lost' ? 3 : 0,
    findings: [...warnings, ...result.warnings],
    out: `${modelled === undefined ? '' : `modelled for ${device.replace(', modelled', '')}, ${modelled}: nothing was timed\n`}${table(rows, [1, 2])}${further}${about}`,
    note: `written to ${basename(paths.tuned)}${isStopped || why === 'time' || why === 'lost' ? `; ${goOn}` : ''}`,
    json,
  }
}
