import fc from 'fast-check'
import { expect, test } from 'vitest'
import { storageRounding } from '../compiler/arithmetic.ts'
import { interpret } from '../compiler/interpret.ts'
import { verdict } from '../compiler/verdict.ts'
import { runners } from '../runtime/runners.ts'
import { type RandomProgram, randomProgram } from './fuzz/random-programs.ts'
import { attentionOf, createNormal, run, type Tensors, tensor } from './run-source.ts'

function inputsOf({ sizes, seed, amplitude }: RandomProgram): Tensors {
  const normal = createNormal(seed)
  const { i, j, m, d, e } = sizes
  return {
    q: tensor([1, 2, i, d], () => normal() * amplitude),
    k: tensor([1, 2, j, d], normal),
    v: tensor([1, 2, j, e], normal),
    mk: tensor([1, 2, m, d], normal),
    mv: tensor([1, 2, m, e], normal),
    mix: tensor([2, 2], normal),
    slope: tensor([2], normal),
    kb: tensor([1, j], normal),
    qb: tensor([1, i], normal),
    seen: { shape: [1, j], data: Uint8Array.from({ length: j }, () => (normal() > 0 ? 1 : 0)) },
    doc: { shape: [1, j], data: Int32Array.from({ length: j }, () => Math.abs(Math.round(normal())) % 3) },
  }
}
const storage = {
  out: storageRounding.f32,
  lse: storageRounding.f32,
  most: storageRounding.f32,
  total: storageRounding.f32,
  m2: storageRounding.f32,
  col: storageRounding.f32,
  map: storageRounding.f32,
}

/** What is wrong with a program's generated TypeScript; undefined if nothing is. */
export async function fault(program: RandomProgram, plan: 'auto' | 'materialised'): Promise<string | undefined> {
  const attention = attentionOf(program.source)
  const names = new Set(attention.inputs.map((x) => x.name))
  const inputs = Object.fromEntries(Object.entries(inputsOf(program)).filter(([name]) => names.has(name)))
  const arithmetic = { ...(runners.ts?.arithmetic as NonNullable<typeof runners.ts>['arithmetic']), storage }
  const sizes = { b: 1, h: 2, a: 2, ...program.sizes }
  const outcomes = interpret(attention, { inputs, sizes, arithmetic })
  const { d, e } = program.sizes
  const got = await run(program.source, inputs, {
    sizes: { d, e, h: 2, a: 2 },
    tile: program.tile,
    splits: program.splits,
    plan,
  })
  for (const [name, outcome] of Object.entries(outcomes)) {
    const judged = verdict(got[name]?.data ?? [], outcome)
    if (judged.status === 'wrong' || judged.status === 'more than rounding')
      return `${name} is ${judged.status}: ${JSON.stringify(judged.worst)}`
  }
  return undefined
}

const runs = Number(process.env.RANDOM_RUNS ?? 40)
const seed = process.env.RANDOM_SEED === undefined ? undefined : Number(process.env.RANDOM_SEED)

test.each(['auto', 'materialised'] as const)(
  'random programs agree with the definition, %s plan',
  { timeout: 600_000 },
  async (plan) => {
    await fc.assert(
      fc.asyncProperty(randomProgram, async (program) => {
        expect(await fault(program, plan), program.source).toBeUndefined()
      }),
      { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
    )
  },
)
