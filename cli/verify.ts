import type { Sizes } from '../compiler/interpret.ts'
import { done, type Finding as Fault, type Outcome } from '../runtime/problem.ts'
import { runners } from '../runtime/runners.ts'
import type { Simd } from '../targets/target.ts'
import { type Answer, refuse } from './answer.ts'
import { type Dtype, optional, parseDtype, parseSimd, parseTargets, tileLengths } from './compile-options.ts'
import { checkDevice, type DeviceOptions, parseDevice } from './device-options.ts'
import { uninterrupted } from './interrupt.ts'
import type { Io } from './io.ts'
import { all, parseAssignments, parseInteger, parseLengths, parseThreads } from './options.ts'
import type { Options } from './program.ts'
import { readSources } from './sources.ts'
import { type Row, renderRows } from './verify-report.ts'
import type { Asked } from './verify-source.ts'
import { verifyAll } from './verify-threads.ts'

export async function verify(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const asked = await parseAsked(options)
  if (!asked.ok) return refuse(asked.findings)
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const found = await uninterrupted(() => verifyAll(sources.value, asked.value, io.progress))
  return answer(
    found.flatMap(({ rows }) => rows),
    found.flatMap(({ findings }) => findings),
    sources.value.length,
  )
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
    const usual = Object.entries(runners).filter(([, { isTest }]) => !isTest)
    const missing = await Promise.all(usual.map(([, runner]) => runner.missing()))
    return usual.flatMap(([name], n) => (missing[n] === undefined ? [name] : []))
  }
  const parsed = all<
    [
      readonly string[],
      Dtype | undefined,
      Sizes,
      Sizes,
      number | undefined,
      Simd | undefined,
      DeviceOptions,
      ReadonlyMap<string, string>,
      number | undefined,
    ]
  >(
    options.target ? parseTargets(options.target) : done(await runnable()),
    optional(options.dtype, parseDtype),
    parseLengths('--shape', options.shape),
    parseLengths('--tile', options.tile, tileLengths),
    optional(options.seed, (value) => parseInteger('--seed', value, 0, 2 ** 32 - 1)),
    optional(options.simd, parseSimd),
    parseDevice(options),
    parseAssignments('--param', options.param),
    parseThreads(options.threads),
  )
  if (!parsed.ok) return parsed
  const [named, dtype, shape, tile, seed = 0, simd, device, params, threads] = parsed.value
  const targets = named.includes('auto')
    ? [...new Set([...named.filter((name) => name !== 'auto'), ...(await runnable())])]
    : named
  const fits = await checkDevice(device, targets)
  if (!fits.ok) return fits
  return done({
    targets,
    dtype,
    shape,
    tile,
    seed,
    simd,
    device,
    params,
    threads,
    probes: options.probes,
    cache: options.cache !== false,
  })
}
