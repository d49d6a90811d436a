import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { type Attention, analyze } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { completeSizes, type Shape } from '../runtime/verify/shapes.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { buildF32 } from './run-f32.ts'

// The `ts` target computes in f64, where most of what a plan's rewriting costs cannot be seen. Here the programs of all examples are
// run in f32, with functions off by up to 4 ulp, on every hostile input, and have to lie within what the definition allows.

/**
 * Buckets of these are integers made of floats of integers. The contract asks for a table of them, worked out once in f64; as long as
 * plans have no such table, a function that is off by more than its rounding may put a distance at an edge into the next bucket.
 */
const untabulated: readonly string[] = ['examples/t5.attn', 'examples/paged_cache.attn']
/**
 * Of the difference of two softmaxes little is left, and no plan declares yet what the exponentials of a reference that moves cost:
 * with functions that are off by 4 ulp, that is a little more than is expected.
 */
const unpriced: readonly string[] = ['examples/differential.attn']

const root = resolve(import.meta.dirname, '..')
const examples = globSync('examples/*.attn', { cwd: root }).sort()

function attentionIn(path: string): { readonly file: { path: string; text: string }; readonly attention: Attention } {
  const file = { path, text: readFileSync(resolve(root, path), 'utf8') }
  const module = analyze(file, importReader(file, root))
  const [attention] = module.ok ? module.value.attentions : []
  if (!attention) throw new Error(`${path} has errors`)
  return { file, attention }
}
function smallest(attention: Attention, more: Readonly<Record<string, number>> = {}): Shape {
  const pairs = ({ i = 1, j = 1 }: Readonly<Record<string, number>>): number => i * j
  const [check] = attention.checks.toSorted((a, b) => pairs(a.sizes) - pairs(b.sizes))
  const sizes = completeSizes(attention, { ...check?.sizes, ...more }, 0)
  if (!sizes.ok) throw new Error(`${attention.name}: no sizes`)
  return { sizes: sizes.value, dtype: 'f32', schedules: [{ tile: { i: 8, j: 8 }, splits: 1 }] }
}
async function verify(path: string, more: Readonly<Record<string, number>>, probes: boolean) {
  const { file, attention } = attentionIn(path)
  const integers = attention.params.filter(({ type }) => type === 'i32').map(({ name }) => [name, 5])
  const params = Object.fromEntries(integers)
  const shapes = [smallest(attention, more)]
  const report = await verifyAttention(attention, {
    shapes,
    seed: 1,
    probes,
    params,
    build: buildF32(file, [...untabulated, ...unpriced].includes(path) ? 'rounded' : 'coarse'),
  })
  if (!report.ok) throw new Error(report.findings.map(({ message }) => message).join('\n'))
  const { verdict, failures, median, elements, notVerified } = report.value
  const faults = failures.map(({ at, deviation }) => `${at.probe}: ${JSON.stringify(deviation)}`)
  return { faults, verdict, median, share: notVerified / elements }
}

test.each(examples)('%s in f32 stays within its allowance', { timeout: 120_000 }, async (path) => {
  const { faults, verdict } = await verify(path, {}, true)
  expect({ faults, verdict }).toEqual({ faults: [], verdict: 'right' })
})

// Fourteen tiles of keys: references move often, and differences of moments are taken of many terms.
test.each(['entropy', 'z_score', 'power_softmax', 'integer_reference', 'stick_breaking'])(
  '%s in f32 stays within its allowance over many tiles',
  { timeout: 120_000 },
  async (name) => {
    const { faults, verdict, median } = await verify(`examples/${name}.attn`, { h: 1, i: 2, j: 108 }, true)
    expect({ faults, verdict }).toEqual({ faults: [], verdict: 'right' })
    expect(median).toBeGreaterThan(0.003)
    expect(median).toBeLessThan(0.3)
  },
)
