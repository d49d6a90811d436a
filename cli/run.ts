import { resolve } from 'node:path'
import type { Attention } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { callAttention, checkSource, chooseAttention, loadAttention } from '../load.ts'
import { emptyLaunch, type Launch, type LaunchHints, prepareLaunch } from '../runtime/launch.ts'
import { done, type Finding, failed, type Outcome } from '../runtime/problem.ts'
import { type InputFiles, readInputs } from '../runtime/read-inputs.ts'
import { type Inputs, rowsOf } from '../runtime/runners.ts'
import { type Summary, summarize } from '../runtime/tensor.ts'
import type { TensorPath } from '../runtime/tensors/tensor-path.ts'
import { type TensorsToWrite, writeTensorFiles } from '../runtime/tensors/write-tensors.ts'
import { allThreads } from '../runtime/threads.ts'
import { withTuned } from '../runtime/tuned/pick.ts'
import { unknownNames } from '../runtime/unknown-names.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, checkAxes, compileOptions, optional, parseChoices } from './compile-options.ts'
import { uninterrupted } from './interrupt.ts'
import type { Io } from './io.ts'
import { keeping } from './keeping.ts'
import { all, parseAssignments, parseInteger, parseLengths, parseThreads } from './options.ts'
import { paramsOf } from './params.ts'
import type { Options } from './program.ts'
import { readOneSource } from './sources.ts'
import { shortNumber, table } from './table.ts'
import { parseInputs, parseOutputs, showTensorPath } from './tensor-options.ts'
import { tunedOf } from './tuned.ts'

interface Asked {
  readonly choices: Choices
  readonly inputs: InputFiles
  readonly outputs: ReadonlyMap<string, TensorPath>
  readonly params: ReadonlyMap<string, string>
  readonly shape: Sizes
  readonly seed: number | undefined
  readonly threads: number | undefined
}

export async function run(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const asked = await parseAsked(options)
  if (!asked.ok) return refuse(asked.findings)
  const source = await readOneSource(args[0] ?? '', options.stdinName, io)
  if (!source.ok) return refuse(source.findings)
  const warnings: Finding[] = []
  const kept = keeping(options, warnings)
  const checked = await checkSource(source.value, kept)
  if (!checked.ok) return refuse([...warnings, ...checked.findings])
  warnings.push(...checked.value.warnings)
  const attention = chooseAttention(checked.value.attentions, options.attention, (name) => `--attention ${name}`)
  if (!attention.ok) return refuse([...warnings, ...attention.findings])
  const launch = await launchOf(attention.value, asked.value)
  if (!launch.ok) return refuse([...warnings, ...launch.findings])
  io.progress?.(`building ${attention.value.name}`)
  const { dtype, sizes } = launch.value
  const { choices } = asked.value
  const given = compileOptions({ ...choices, dtype, sizes, threads: (asked.value.threads ?? allThreads()) > 1 })
  const picked = await tunedOf(source.value, { attention: attention.value, options: given, sizes }, options, warnings)
  const ready = await loadAttention(
    source.value,
    attention.value,
    { rows: rowsOf(choices.target, sizes), ...withTuned(given, picked) },
    kept,
  )
  if (!ready.ok) return refuse([...warnings, ...ready.findings])
  io.progress?.(`running ${attention.value.name}`)
  const threads = asked.value.threads ?? picked?.threads ?? allThreads()
  const results = await uninterrupted(() => callAttention(ready.value, launch.value, { threads }))
  if (!results.ok) return refuse([...warnings, ...results.findings])
  const note = picked ? { note: picked.about } : {}
  return { ...finish(results.value, asked.value, attention.value, warnings), ...note }
}

async function parseAsked(options: Options): Promise<Outcome<Asked>> {
  type Params = ReadonlyMap<string, string>
  const parsed = all<
    [Choices, InputFiles, ReadonlyMap<string, TensorPath>, Params, Sizes, number | undefined, number | undefined]
  >(
    await parseChoices(options),
    parseInputs(options.input),
    parseOutputs(options.output),
    parseAssignments('--param', options.param),
    parseLengths('--shape', options.shape),
    optional(options.seed, (value) => parseInteger('--seed', value, 0, 2 ** 32 - 1)),
    parseThreads(options.threads),
  )
  if (!parsed.ok) return parsed
  const [choices, inputs, outputs, params, shape, seed, threads] = parsed.value
  return done({ choices, inputs, outputs, params, shape, seed, threads })
}

/** Tensors, lengths and parameters, each checked against what the attention declares. */
async function launchOf(attention: Attention, asked: Asked): Promise<Outcome<Launch>> {
  const { inputs, outputs, choices, shape, seed } = asked
  const findings: readonly Finding[] = [
    ...unknownNames(
      'ATTN0304',
      `input of ${attention.name}`,
      inputs.named.keys(),
      attention.inputs.map(({ name }) => name),
    ),
    ...unknownNames(
      'ATTN0305',
      `result of ${attention.name}`,
      outputs.keys(),
      attention.results.map(({ name }) => name),
    ),
  ]
  const checked = all<[unknown, Launch['params']]>(
    checkAxes([attention], shape, choices.sizes, choices.tile),
    paramsOf(attention, asked.params),
  )
  if (!checked.ok || findings.length > 0) return failed(...findings, ...(checked.ok ? [] : checked.findings))
  const tensors = await readInputs(attention, inputs, choices.dtype)
  if (!tensors.ok) return tensors
  const random = seed !== undefined || Object.keys(shape).length > 0
  const given = { ...emptyLaunch, ...tensors.value, params: checked.value[1] }
  return prepareLaunch(attention, given, { ...choices.sizes, ...shape }, random ? (seed ?? 0) : undefined, hints)
}

const hints: LaunchHints = {
  missing: (input) => `--input ${input}=FILE.npy; or --shape i=128,j=128 for random tensors`,
  param: '--param name=value',
}

function finish(
  results: Inputs,
  { outputs, choices }: Asked,
  attention: Attention,
  warnings: readonly Finding[],
): Answer {
  const rows = attention.results.flatMap(({ name, axes }) => {
    const tensor = results[name]
    const path = outputs.get(name)
    const file = path === undefined ? null : showTensorPath(path)
    return tensor ? [{ name, axes, shape: tensor.shape, storage: tensor.storage, ...summarize(tensor), file }] : []
  })
  const json = { target: choices.target, attention: attention.name, results: rows }
  if (outputs.size === 0) return { exit: 0, findings: warnings, out: summaryTable(rows), json }
  const written = writeTensorFiles(filesOf(outputs, results))
  return written.ok ? { exit: 0, findings: warnings, out: '', json } : refuse([...warnings, ...written.findings], json)
}

/** The results that are asked for, by the files that they go to. */
function filesOf(outputs: Asked['outputs'], results: Inputs): readonly TensorsToWrite[] {
  const asked = [...outputs].flatMap(([result, { path, name = result }]) => {
    const tensor = results[result]
    return tensor ? [{ path, name, tensor }] : []
  })
  const byFile = Map.groupBy(asked, ({ path }) => resolve(path))
  return [...byFile.values()].map((group) => ({
    path: group[0]?.path ?? '',
    tensors: group.map(({ name, tensor }) => [name, tensor]),
  }))
}

interface ResultRow extends Summary {
  readonly name: string
  readonly shape: readonly number[]
}

function summaryTable(rows: readonly ResultRow[]): string {
  const cells = rows.map(({ name, shape, min, mean, max }) => {
    return [name, `[${shape.join(', ')}]`, ...[min, mean, max].map(shortNumber)]
  })
  return table([['result', 'shape', 'min', 'mean', 'max'], ...cells], [2, 3, 4])
}
