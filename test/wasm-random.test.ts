/** Random programs in WebAssembly: against the definition, and against the plain code that stands beside it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Arithmetic } from '../compiler/arithmetic.ts'
import { interpret, type Outcome } from '../compiler/interpret.ts'
import { verdict } from '../compiler/verdict.ts'
import { importJavaScript } from '../runtime/load-ts.ts'
import { runners } from '../runtime/runners.ts'
import { inputsFor, storage } from './fuzz/random-inputs.ts'
import { type RandomProgram, randomProgram } from './fuzz/random-programs.ts'
import { attentionOf, compiled } from './run-source.ts'

const arithmeticOf = (simd: 'auto' | 'none'): Arithmetic => ({
  ...runners.ts!.arithmeticOf!('f32', 'accurate', simd),
  storage,
})

/** What is wrong with a program in either form, or between them; undefined if nothing is. */
async function fault(program: RandomProgram): Promise<string | undefined> {
  const attention = attentionOf(program.source)
  const inputs = inputsFor(program, attention)
  const { d, e } = program.sizes
  const { files, module } = await compiled(program.source, {
    ...{ sizes: { d, e, h: 2, a: 2 }, tile: program.tile, splits: program.splits, simd: 'auto' },
  })
  const functions = await importJavaScript(files.find(({ path }) => path.endsWith('.js'))!.text)
  const kernel = functions[module.attentions[0]!.name]!
  const results = [kernel(inputs), kernel(inputs, { simd: false })] as const
  const sizes = { b: 1, h: 2, a: 2, ...program.sizes }
  const [fast, plain] = (['auto', 'none'] as const).map((simd, n) => {
    const outcomes = interpret(attention, { inputs, sizes, arithmetic: arithmeticOf(simd) })
    return Object.entries(outcomes).map(([name, outcome]) => ({ name, outcome, got: results[n]![name]!.data }))
  })
  for (const [form, all] of [
    ['WebAssembly', fast!],
    ['plain code', plain!],
  ] as const)
    for (const { name, outcome, got } of all) {
      const judged = verdict(got, outcome)
      if (judged.status === 'wrong' || judged.status === 'more than rounding')
        return `${name} in ${form} is ${judged.status}: ${JSON.stringify(judged.worst)}`
    }
  return fast!
    .flatMap(({ name, outcome, got }, n) => apart(name, got, plain![n]!.got, outcome, plain![n]!.outcome))
    .at(0)
}

/** Places where both forms are further apart than both allowances together. */
function apart(
  name: string,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  ofA: Outcome,
  ofB: Outcome,
): readonly string[] {
  return Array.from(a).flatMap((x, n) => {
    const y = b[n]!
    const bound = (ofA.hard?.[n] ?? 0) + (ofB.hard?.[n] ?? 0)
    const isNear = Object.is(x, y) || x === y || Math.abs(x - y) <= bound || bound === Infinity
    return isNear ? [] : [`${name}[${n}]: ${x} in WebAssembly, ${y} in plain code, which may be ${bound} apart`]
  })
}

const runs = Number(process.env.RANDOM_RUNS ?? 40)
const seed = process.env.RANDOM_SEED === undefined ? undefined : Number(process.env.RANDOM_SEED)

test('random programs agree with the definition in both forms, and both with each other', {
  timeout: 600_000,
}, async () => {
  let judged = 0
  await fc.assert(
    fc.asyncProperty(randomProgram, async (program) => {
      expect(await fault(program), program.source).toBeUndefined()
      judged += 1
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
  expect(judged).toBeGreaterThanOrEqual(runs)
})
