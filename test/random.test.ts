import fc from 'fast-check'
import { expect, test } from 'vitest'
import { interpret } from '../compiler/interpret.ts'
import { verdict } from '../compiler/verdict.ts'
import { runners } from '../runtime/runners.ts'
import { inputsFor, storage } from './fuzz/random-inputs.ts'
import { type RandomProgram, randomProgram } from './fuzz/random-programs.ts'
import { attentionOf, run } from './run-source.ts'

/** What is wrong with a program's generated TypeScript; undefined if nothing is. */
export async function fault(program: RandomProgram, plan: 'auto' | 'materialised'): Promise<string | undefined> {
  const attention = attentionOf(program.source)
  const inputs = inputsFor(program, attention)
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
