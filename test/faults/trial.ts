/** Plants a fault in what is generated for an example, and asks `verify` what it thinks of it. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Attention } from '../../compiler/attention.ts'
import type { Sizes } from '../../compiler/interpret.ts'
import { lowerProgram } from '../../compiler/lower/program.ts'
import { makePlan } from '../../compiler/plan/make-plan.ts'
import { printProgram } from '../../compiler/print-kernel.ts'
import { verifyProgram } from '../../compiler/verify-kernel.ts'
import { analyze, compileTimeSizes } from '../../index.ts'
import { done } from '../../runtime/problem.ts'
import { runners } from '../../runtime/runners.ts'
import { badness, storageOf } from '../../runtime/verify/judge.ts'
import { type Schedule, type Shape, shapesFor } from '../../runtime/verify/shapes.ts'
import { type Finding, type Ready, type Verification, verifyAttention } from '../../runtime/verify/verify.ts'
import { ts } from '../../targets/ts/target.ts'
import type { Fault } from './fault.ts'

export interface Trial {
  readonly found: Finding | undefined // the first failure
  readonly by: readonly string[] // probes that failed, as far as they were tried
}

const root = resolve(import.meta.dirname, '../..')
const folders = ['examples', 'test/golden/sources', 'test/fixtures/faults']
const runner = runners.ts!

export function attentionOf(example: string): Attention {
  const path =
    folders.map((folder) => `${folder}/${example}.attn`).find((one) => existsSync(resolve(root, one))) ?? example
  const module = analyze({ path, text: readFileSync(resolve(root, path), 'utf8') })
  const [attention] = module.ok ? module.value.attentions : []
  if (!attention) throw new Error(`${path} has no attention`)
  return attention
}

/** As `attnc verify` does, until something is found wrong; with `all`, to the end. */
export async function tryFault(fault: Fault, example: string, { seed = 0, all = false } = {}): Promise<Trial> {
  const attention = attentionOf(example)
  const parts = fault.splits ?? 1
  const by = new Set<string>()
  let found: Finding | undefined
  for (const shape of shapesOf(attention, seed)) {
    const schedules = shape.schedules.filter(({ splits }) => splits === parts)
    const report = await verifyBuild(attention, { ...shape, schedules }, fault, seed)
    for (const { at } of report.failures) by.add(at.probe)
    const [first] = report.failures.toSorted((x, y) => badness(y.deviation) - badness(x.deviation))
    found ??= first
    if (found && !all) break
  }
  return { found, by: [...by] }
}

function shapesOf(attention: Attention, seed: number): readonly Shape[] {
  const shapes = shapesFor(attention, { sizes: {}, tile: {}, seed, params: {} })
  if (!shapes.ok) throw new Error(shapes.findings[0]?.message)
  return shapes.value
}

async function verifyBuild(attention: Attention, shape: Shape, fault: Fault, seed: number): Promise<Verification> {
  const build = async (one: Shape, schedule: Schedule) => done(await buildFaulty(attention, one, schedule, fault))
  const report = await verifyAttention(attention, { shapes: [shape], seed, probes: true, params: {}, build })
  if (!report.ok) throw new Error(report.findings[0]?.message)
  return report.value
}

/** The faulty program, built once for shapes that are generated alike. What does not change anything is no fault. */
async function buildFaulty(attention: Attention, shape: Shape, schedule: Schedule, fault: Fault): Promise<Ready> {
  const sizes = compileTimeSizes(attention, shape.sizes)
  const { program, code } = await plant(attention, sizes, shape.dtype, schedule, fault)
  const loaded = await runner.load({ read: () => Buffer.from(code), path: () => '' })
  if (!loaded.ok) throw new Error('what was generated cannot be loaded')
  return {
    arithmetic: { ...runner.arithmetic, storage: storageOf(attention, shape.dtype) },
    prices: [],
    call: (inputs, params) => loaded.value.call(program, inputs, params),
  }
}

async function plant(
  attention: Attention,
  sizes: Sizes,
  dtype: Shape['dtype'],
  { tile, splits }: Schedule,
  fault: Fault,
) {
  const options = { machine: ts.machine, dtype, sizes, tile: tile ?? {}, splits }
  const right = makePlan(attention, { sizes })
  const { program: good } = lowerProgram(right, options)
  const planned = fault.plan ? lowerProgram(fault.plan(right), options).program : good
  const program = fault.kernel ? fault.kernel(planned) : planned
  const [malformed] = verifyProgram(program)
  if (malformed) throw new Error(`${fault.name} is no program: ${malformed}`)
  const text = await codeOf(attention, program, dtype)
  const code = fault.code ? fault.code(text) : text
  if (code === text && printProgram(program) === printProgram(good)) throw new Error(`${fault.name} changes nothing`)
  return { program, code }
}

async function codeOf(
  attention: Attention,
  program: Parameters<typeof printProgram>[0],
  dtype: Shape['dtype'],
): Promise<string> {
  const files = await ts.emit({ name: attention.name, programs: [program], dtype, version: '0' })
  return files.find(({ path }) => path.endsWith('.js'))?.text ?? ''
}
