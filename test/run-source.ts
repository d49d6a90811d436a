import type { Attention } from '../compiler/attention.ts'
import { interpret, type Tensor } from '../compiler/interpret.ts'
import { renderHuman } from '../grammar/diagnostic.ts'
import { analyze, type Compiled, type CompileOptions, compile } from '../index.ts'
import { importJavaScript } from '../runtime/load-ts.ts'

export const fileOf = (text: string) => ({ path: 'test.attn', text })

/** The one attention of a source; its errors fail the test with their text. */
export function attentionOf(text: string): Attention {
  const module = analyze(fileOf(text))
  if (!module.ok) throw new Error(module.diagnostics.map((d) => renderHuman(d)).join('\n'))
  const [attention] = module.value.attentions
  if (!attention) throw new Error('no attention in the source')
  return attention
}

const cache = new Map<string, Promise<Compiled>>()
export function compiled(text: string, options: Partial<CompileOptions> = {}): Promise<Compiled> {
  const key = JSON.stringify([text, options])
  const made = cache.get(key) ?? compileNew(text, options)
  cache.set(key, made)
  return made
}
async function compileNew(text: string, options: Partial<CompileOptions>): Promise<Compiled> {
  const result = await compile(fileOf(text), { target: 'ts', simd: 'none', ...options })
  if (!result.ok) throw new Error(result.diagnostics.map((d) => renderHuman(d)).join('\n'))
  return result.value
}

export type Tensors = Readonly<Record<string, Tensor>>

/** What the generated TypeScript gives. */
export async function run(
  text: string,
  inputs: Tensors,
  options: Partial<CompileOptions> = {},
  params: Record<string, number> = {},
): Promise<Record<string, Tensor>> {
  const { files, module } = await compiled(text, options)
  const functions = await importJavaScript(files.find((file) => file.path.endsWith('.js'))?.text ?? '')
  const kernel = functions[module.attentions[0]?.name ?? '']
  if (!kernel) throw new Error('the generated module lacks its function')
  return { ...kernel(inputs, { params }) }
}

export const define = (text: string, inputs: Tensors, params: Record<string, number> = {}): Record<string, Tensor> => {
  const outcomes = interpret(attentionOf(text), { inputs, params })
  return Object.fromEntries(Object.entries(outcomes).map(([name, { value, shape }]) => [name, { data: value, shape }]))
}

/** Largest difference relative to max(1, largest value); infinite where infinities or NaN differ. */
export function distance(got: Tensor | undefined, want: Tensor | undefined): number {
  if (!got || !want || got.data.length !== want.data.length) return Infinity
  const scale = Math.max(1, ...Array.from(want.data).filter(Number.isFinite).map(Math.abs))
  return Array.from(want.data).reduce((worst, x, k) => {
    const y = got.data[k] ?? Number.NaN
    const same = Object.is(x, y) || x === y || (Number.isNaN(x) && Number.isNaN(y))
    return Math.max(worst, same ? 0 : Number.isFinite(x) && Number.isFinite(y) ? Math.abs(x - y) / scale : Infinity)
  }, 0)
}

/** Reproducible normal numbers, as f32. */
export function createNormal(seed: number): () => number {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  return () => Math.fround(Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()))
}

export const tensor = (shape: readonly number[], fill: (k: number) => number): Tensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => fill(k)),
})

/** q, k, v of one batch; scores are `amplitude` wide, moved by `shift` and rising by `drift` per key where k has a constant channel. */
export function attentionInputs(
  seed: number,
  { i = 7, j = 37, d = 5, e = 3, h = 2, amplitude = 1, shift = 0, drift = 0 } = {},
): Tensors {
  const normal = createNormal(seed)
  const q = tensor([1, h, i, d], (n) => (n % d === d - 1 ? 1 : normal() * amplitude))
  const k = tensor([1, h, j, d], (n) =>
    n % d === d - 1 ? (shift + drift * (Math.floor(n / d) % j)) * Math.sqrt(d) : normal(),
  )
  return { q, k, v: tensor([1, h, j, e], normal) }
}
