import { expect, test } from 'vitest'
import type { Program, Step } from '../compiler/kernel.ts'
import { attentionInputs, compiled, createNormal, define, distance, run, tensor } from './run-source.ts'

// What a program has beside its source's tensors needs names: buffers between kernels, tables, partial states, kernels. A source may
// use any of them for a result, a parameter, an input or an axis.

const plain = (more: string): string => `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], doc[j]: i32 in [0, 3]
  ${more}
  score     = dot(q, k)
  mask      = doc == doc[j = i else 0]
  normalize = softmax[j](score) * max[i](score)
  output    sparse = sum[j](sparsemax[j](score) * v)
  output    read = sum[j](cumsum[j](v)[j = 2] + sinkhorn[i, j](cumsum[j](score), 2))
}`
const inputs = {
  ...attentionInputs(4),
  doc: { shape: [37], data: Int32Array.from({ length: 37 }, (_, j) => Math.floor(j / 10)) },
}
const sizes = { d: 5, e: 3 }

const kernels = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => (step.kind === 'kernel' ? [step.name] : kernels(step.steps)))
/** Names that are not the source's. */
function namesMade(program: Program): readonly string[] {
  const buffers = program.buffers.filter(({ role }) => role === 'workspace')
  const all = [...buffers, ...program.axes].map(({ name }) => name)
  const given = ['b', 'h', 'i', 'j', 'd', 'e', 'split', 'out', 'sparse', 'read', 'score', 'weight']
  return [...new Set([...all, ...kernels(program.steps), 'next', 'block'])].filter((name) => !given.includes(name))
}

const declared: Readonly<Record<string, (name: string) => string>> = {
  results: (name) => `output ${name} = sum[j](weight)`,
  params: (name) => `param ${name} = 2.0  output r_${name} = sum[j](weight) * ${name}`,
  inputs: (name) => `input ${name}[h]: f32  output r_${name} = sum[j](weight) * ${name}`,
  axes: (name) =>
    `axis ${name}  input t_${name}[${name}]: f32  output r_${name} = sum[j](weight) * sum[${name}](t_${name})`,
}
const options = {
  tiles: { tile: { i: 4, j: 8 } },
  splits: { splits: 2 },
  threads: { threads: true },
  materialised: { plan: 'materialised' },
} as const
const cases = Object.keys(options).flatMap((how) => Object.keys(declared).map((what) => [how, what] as const))

test.each(cases)('%s: names of %s may be any that the compiler makes', async (how, what) => {
  const own = { sizes, ...options[how as keyof typeof options] }
  const [program] = (await compiled(plain(''), own)).programs
  const made = namesMade(program as Program)
  expect(made.length).toBeGreaterThan(8)
  const source = plain(made.map(declared[what] as (name: string) => string).join('\n'))
  const more = (prefix: string, length: number) =>
    made.map((n) => [prefix + n, tensor([length], createNormal(n.length))])
  const all = {
    ...inputs,
    ...Object.fromEntries(what === 'inputs' ? more('', 2) : what === 'axes' ? more('t_', 3) : []),
  }
  const [got, want] = [await run(source, all, own), define(source, all)]
  for (const [name, expected] of Object.entries(want)) expect(distance(got[name], expected), name).toBeLessThan(1e-6)
})
