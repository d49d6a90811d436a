/** Plants a fault in what is generated for an example, and asks `verify` what it thinks of it. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Attention } from '../../compiler/attention.ts'
import type { Program } from '../../compiler/kernel.ts'
import { lowerProgram } from '../../compiler/lower/program.ts'
import { makePlan } from '../../compiler/plan/make-plan.ts'
import { printProgram } from '../../compiler/print-kernel.ts'
import { verifyProgram } from '../../compiler/verify-kernel.ts'
import { analyze, compileTimeSizes } from '../../index.ts'
import { done, type Outcome } from '../../runtime/problem.ts'
import { runners } from '../../runtime/runners.ts'
import { badness, storageOf } from '../../runtime/verify/judge.ts'
import { type Schedule, type Shape, shapesFor } from '../../runtime/verify/shapes.ts'
import { type Finding, type Ready, type Verification, verifyAttention } from '../../runtime/verify/verify.ts'
import { ts } from '../../targets/ts/target.ts'
import type { Fault } from './fault.ts'
import { rewriteWasm } from './rewrite-wasm.ts'

export interface Trial {
  readonly found: Finding | undefined // the worst of the first shape that shows it
  readonly by: readonly string[] // the probes that do so
}

const root = resolve(import.meta.dirname, '../..')
const folders = ['examples', 'test/golden/sources', 'test/fixtures/faults']
const runner = runners.ts!

export function attentionOf(name: string): Attention {
  const paths = folders.map((folder) => resolve(root, folder, `${name}.attn`))
  const path = paths.find((one) => existsSync(one)) ?? name
  const module = analyze({ path, text: readFileSync(path, 'utf8') })
  const [attention] = module.ok ? module.value.attentions : []
  if (!attention) throw new Error(`${path} has no attention`)
  return attention
}

/** The form of the code that faults are planted in. */
type Form = 'none' | 'wasm'

/** Shape by shape as `attnc verify` takes them, until one shows the fault; with `all`, to the end. */
export async function tryFault(
  fault: Fault,
  example: string,
  { seed = 0, all = false, simd = 'none' as Form } = {},
): Promise<Trial> {
  const attention = attentionOf(example)
  const garden = plantIn(attention, fault, simd)
  const parts = fault.splits ?? 1
  const by = new Set<string>()
  let found: Finding | undefined
  for (const shape of shapesOf(attention, seed, fault.dtype)) {
    const schedules = shape.schedules.filter(({ splits }) => splits === parts)
    if (schedules.length === 0) continue
    const report = await verify(attention, { ...shape, schedules }, seed, garden.build)
    for (const { at } of report.failures) by.add(at.probe)
    found ??= report.failures.toSorted((x, y) => badness(y.deviation) - badness(x.deviation))[0]
    if (found && !all) break
  }
  if (!garden.hasChanged()) throw new Error(`${fault.name} changes nothing in ${example}`)
  return { found, by: [...by] }
}

export function shapesOf(attention: Attention, seed: number, dtype?: Shape['dtype']): readonly Shape[] {
  const shapes = shapesFor(attention, { sizes: {}, tile: {}, seed, params: {}, dtype })
  if (!shapes.ok) throw new Error(shapes.findings[0]?.message)
  return shapes.value
}

type Build = (shape: Shape, schedule: Schedule) => Promise<Outcome<Ready>>

export async function verify(attention: Attention, shape: Shape, seed: number, build: Build): Promise<Verification> {
  const report = await verifyAttention(attention, { shapes: [shape], seed, probes: true, params: {}, build })
  if (!report.ok) throw new Error(report.findings[0]?.message)
  return report.value
}

/** Builds with the fault, each once; and whether it was in any of them. */
export function plantIn(attention: Attention, fault: Omit<Fault, 'examples'>, simd: Form = 'none') {
  const built = new Map<string, Promise<Ready>>()
  let isChanged = false
  const make = async (shape: Shape, schedule: Schedule): Promise<Ready> => {
    const planted = await plant(attention, shape, schedule, fault, simd)
    isChanged ||= planted.isChanged
    const loaded = await runner.load(
      { read: () => Buffer.from(planted.code), path: () => '' },
      { cache: undefined, warn: () => {} },
      [],
    )
    if (!loaded.ok) throw new Error('what was generated cannot be loaded')
    return {
      arithmetic: {
        ...runner.arithmeticOf!(shape.dtype, attention.precision ?? 'accurate', simd),
        storage: storageOf(attention, shape.dtype),
      },
      prices: [],
      call: (inputs, params) => loaded.value.call(planted.program, inputs, params),
    }
  }
  const build: Build = async (shape, schedule) => {
    const key = JSON.stringify([compileTimeSizes(attention, shape.sizes), shape.dtype, schedule])
    const ready = built.get(key) ?? make(shape, schedule)
    built.set(key, ready)
    return done(await ready)
  }
  return { build, hasChanged: () => isChanged }
}

async function plant(
  attention: Attention,
  shape: Shape,
  { tile, splits }: Schedule,
  fault: Omit<Fault, 'examples'>,
  simd: Form,
) {
  const { dtype } = shape
  const sizes = compileTimeSizes(attention, shape.sizes)
  const [machine = ts.machine] = ts.machinesFor!(dtype, simd, { features: [], limits: {} })
  const options = { machine, dtype, sizes, tile: tile ?? {}, splits }
  const plan = makePlan(attention, { sizes })
  const right = lowerProgram(plan, options).program
  const planned = fault.plan ? lowerProgram(fault.plan(plan), options).program : right
  const program = fault.kernel ? fault.kernel(planned) : planned
  const [malformed] = verifyProgram(program)
  if (malformed) throw new Error(`${fault.name} is no program: ${malformed}`)
  const text = await codeOf(program, dtype, simd)
  const changed = fault.code ? fault.code(text) : text
  const code = fault.wasm ? await rewriteWasm(changed, fault.wasm) : changed
  return { program, code, isChanged: code !== text || printProgram(program) !== printProgram(right) }
}

async function codeOf(program: Program, dtype: Shape['dtype'], simd: Form): Promise<string> {
  const files = await ts.emit({ name: program.name, programs: [program], dtype, version: '0', simd })
  return files.find(({ path }) => path.endsWith('.js'))?.text ?? ''
}
