/** What can be measured of an example on any machine with the same outcome: errors of results, and the size of what is generated. */
import { builder } from '../../cli/verify-build.ts'
import { type Attention, analyze, compile, type SourceFile } from '../../index.ts'
import type { Outcome } from '../../runtime/problem.ts'
import type { Deviation } from '../../runtime/verify/judge.ts'
import { completeSizes, inOnePart, type Shape } from '../../runtime/verify/shapes.ts'
import { verifyAttention } from '../../runtime/verify/verify.ts'

export interface Measured {
  readonly errors: readonly MeasuredError[]
  readonly code: readonly GeneratedCode[]
}
/** Of all results at all lengths of the check lines, on random inputs: the element that uses most of its allowance. */
export interface MeasuredError {
  readonly attention: string
  readonly dtype: Shape['dtype']
  readonly verdict: string
  readonly elements: number
  readonly worst: Deviation | undefined
}
export interface GeneratedCode {
  readonly target: string
  readonly file: string
  readonly lines: number
  readonly bytes: number
}

export async function measure(file: SourceFile): Promise<Measured> {
  const module = analyze(file)
  if (!module.ok) throw new Error(`${file.path} has errors`)
  const errors: MeasuredError[] = []
  for (const attention of module.value.attentions)
    for (const dtype of ['f32', 'f16'] as const) errors.push(await measureError(file, attention, dtype))
  const code: GeneratedCode[] = []
  for (const target of ['ts', 'native', 'cuda', 'wgsl']) code.push(await measureCode(file, target))
  return { errors, code }
}

/** Computed by WebAssembly, in f32. */
async function measureError(file: SourceFile, attention: Attention, dtype: Shape['dtype']): Promise<MeasuredError> {
  const shapes = attention.checks.map(({ sizes }): Shape => {
    const complete = unwrapped(completeSizes(attention, sizes, 0))
    return { sizes: complete, dtype, schedules: [inOnePart(undefined)] }
  })
  const source = { file, folder: '', readImport: () => ({ problem: 'an example imports nothing' }) }
  const build = builder(source, attention, 'ts', { simd: 'wasm' })
  const found = unwrapped(await verifyAttention(attention, { shapes, seed: 0, probes: false, params: {}, build }))
  const { verdict, elements, worst } = found
  return { attention: attention.name, dtype, verdict, elements, worst: worst?.deviation }
}

async function measureCode(file: SourceFile, target: string): Promise<GeneratedCode> {
  const compiled = await compile(file, { target })
  const [main] = compiled.ok ? compiled.value.files : []
  if (!main) throw new Error(`${file.path}: nothing is generated for ${target}`)
  const lines = main.text.split('\n').length - 1
  return { target, file: main.path, lines, bytes: Buffer.byteLength(main.text) }
}

function unwrapped<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.findings.map(({ message }) => message).join('; '))
  return outcome.value
}
