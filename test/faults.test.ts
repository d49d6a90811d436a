import { globSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { randomNumbers } from '../runtime/draw.ts'
import { showSizes } from '../runtime/verify/verify.ts'
import { faults } from './faults/all.ts'
import { equivalents } from './faults/equivalents.ts'
import { attentionOf, plantIn, shapesOf, tryFault, verify } from './faults/trial.ts'
import { wasmFaults } from './faults/wasm-faults.ts'

// The checker checked: faults of every kind are planted in plans, kernels and generated code, and what `attnc verify` runs has to
// call them wrong; and it has to call right code right, whatever the seed. Each fault is planted in one of its examples here;
// `npm run faults` plants all of them, and prints which probe finds them and by how much.

const all = Object.values(faults).flat()

describe.each(Object.entries(faults))('verify finds, of faults of the %s:', (_layer, planted) => {
  test.each(planted.map((fault, n) => ({ ...fault, example: fault.examples[n % fault.examples.length]!, fault })))(
    '$name, in $example',
    { timeout: 120_000 },
    async ({ fault, example }) => {
      const { found } = await tryFault(fault, example)
      expect(found, fault.what).toBeDefined()
    },
  )
})

describe('verify finds, in WebAssembly:', () => {
  /** Of those of plans and kernels some, in kernels that are lowered to WebAssembly, but for what lies in digits that f32 does not have. */
  const large = [...faults.plan, ...faults.kernel, ...faults.merge].filter(
    ({ name }) => !/1e-6|sigmoid by tanh/.test(name),
  )
  const some = large.filter((_, n) => n % 7 === 3)
  test.each(
    [...wasmFaults, ...some].map((fault, n) => ({
      ...fault,
      fault,
      example: fault.examples[n % fault.examples.length]!,
    })),
  )('$name, in $example', { timeout: 120_000 }, async ({ fault, example }) => {
    const { found } = await tryFault(fault, example, { simd: 'wasm' })
    expect(found, fault.what).toBeDefined()
  })
})

test('faults are many, unlike, and in unlike examples', () => {
  expect(all.length).toBeGreaterThanOrEqual(120)
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  expect(new Set(all.flatMap(({ examples }) => examples)).size).toBeGreaterThan(40)
})

describe('verify finds nothing in what changes no result:', () => {
  test.each(equivalents)('$name, since $because', { timeout: 120_000 }, async (equivalent) => {
    const { found } = await tryFault(equivalent, equivalent.examples[0]!)
    expect(found).toBeUndefined()
  })
})

describe('verify calls right code right', () => {
  const root = resolve(import.meta.dirname, '..')
  const examples = globSync('examples/*.attn', { cwd: root })
    .sort()
    .map((path) => basename(path, '.attn'))
  const seeds = Number(process.env.VERIFY_SEEDS ?? 200)
  const chunk = 20

  /** One of an example's shapes, with all schedules and probes; both go by the seed. */
  async function alarmOf(seed: number): Promise<readonly string[]> {
    const pick = randomNumbers(seed, 'false alarms')
    const choose = <T>(of: readonly T[]): T => of[Math.floor(pick.uniform() * of.length)]!
    const example = choose(examples)
    const attention = attentionOf(example)
    const shape = choose(shapesOf(attention, seed))
    const { build } = plantIn(attention, { name: 'nothing', what: '' })
    const { failures } = await verify(attention, shape, seed, build)
    return failures.map(
      ({ at, deviation }) =>
        `seed ${seed}: ${example}, ${at.probe}, ${showSizes(shape.sizes)}: ${JSON.stringify(deviation)}`,
    )
  }

  test.each(Array.from({ length: Math.ceil(seeds / chunk) }, (_, n) => n * chunk))(
    'for the seeds from %i',
    { timeout: 600_000 },
    async (from) => {
      for (let seed = from; seed < Math.min(from + chunk, seeds); seed++) expect(await alarmOf(seed)).toEqual([])
    },
  )
})
