import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { storageRounding } from '../compiler/arithmetic.ts'
import { interpret, type Tensor } from '../compiler/interpret.ts'
import { verdict } from '../compiler/verdict.ts'
import type { CompileOptions } from '../index.ts'
import { importJavaScript } from '../runtime/load-ts.ts'
import { runners } from '../runtime/runners.ts'
import { attentionOf, compiled, createNormal, run, type Tensors, tensor } from './run-source.ts'

// Laws that hold for kernels whatever they compute, so that no reference is needed: how keys are cut into tiles and parts, in
// which order they stand, what masked keys and other rows hold. Some laws follow from the algebra of a program; each of these is
// shown to fail for a program that lacks it.

const head = `input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], seen[b, j]: bool
  param shift = 0.0
  score = dot(q, k) / sqrt(size(d)) + shift`
const program = (body: string, mask = 'seen'): string => `attention a {\n  ${head}\n  mask = ${mask}\n  ${body}\n}`

const softmax = 'normalize = softmax[j](score)  output lse = logsumexp[j](score)'
const keyed = {
  softmax: program(softmax),
  sink: program('normalize = exp(score) / (sum[j](exp(score)) + exp(0.75))'),
  sigmoid: program('normalize = sigmoid(score - 1)'),
  'z-score': program('normalize = z_score[j](score, 0.001)'),
  power: program('normalize = score ^ 15 / (sum[j](abs(score) ^ 15) + 0.001)'),
  entropy: program(
    'normalize = softmax[j](score)  output entropy = -sum[j](if weight > 0 then weight * log(weight) else 0)',
  ),
  clipped: program('normalize = clamp(1.1 * softmax[j](score) - 0.03, 0, 1)'),
  mixture: program('normalize = 0.75 * softmax[j](score) + 0.25 * softmax[j](score / 4)'),
}
const position = 'i + size(j) - size(i)'
const all = {
  ...keyed,
  causal: program(softmax, `j <= ${position} and seen`),
  window: program(softmax, `j <= ${position} and j > ${position} - 4 and seen`),
}
type Name = keyof typeof keyed
const [keyedPrograms, programs] = [Object.entries(keyed), Object.entries(all)]

const [d, e, h] = [4, 3, 2]
interface Case {
  readonly seed: number
  readonly i: number
  readonly j: number
  readonly amplitude: number
}
const anyCase: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(1e6),
  i: fc.constantFrom(1, 2, 5, 9),
  j: fc.constantFrom(0, 1, 3, 8, 9, 19, 70),
  amplitude: fc.constantFrom(1, 4, 30),
})
const usual: Case = { seed: 7, i: 5, j: 19, amplitude: 2 }

function inputsOf({ seed, i, j, amplitude }: Case, isSeen = (_: number): boolean => true): Tensors {
  const normal = createNormal(seed)
  return {
    q: tensor([1, h, i, d], () => normal() * amplitude),
    k: tensor([1, h, j, d], normal),
    v: tensor([1, h, j, e], normal),
    seen: { shape: [1, j], data: Uint8Array.from({ length: j }, (_, n) => (isSeen(n) ? 1 : 0)) },
  }
}

/** The same with the keys at these places, in this order. */
function pickKeys(inputs: Tensors, places: readonly number[]): Tensors {
  const pick = ({ data, shape }: Tensor, axis: number): Tensor => {
    const [length, width] = [shape[axis]!, shape.slice(axis + 1).reduce((a, b) => a * b, 1)]
    const rows = shape.slice(0, axis).reduce((a, b) => a * b, 1)
    const numbers = Array.from({ length: rows }, (_, row) =>
      places.flatMap((place) =>
        Array.from(data)
          .slice((row * length + place) * width)
          .slice(0, width),
      ),
    )
    const flat = numbers.flat()
    return {
      shape: shape.with(axis, places.length),
      data: data instanceof Uint8Array ? Uint8Array.from(flat) : Float32Array.from(flat),
    }
  }
  return { ...inputs, k: pick(inputs.k!, 2), v: pick(inputs.v!, 2), seen: pick(inputs.seen!, 1) }
}

const change = ({ data, shape }: Tensor, by: (x: number, n: number) => number): Tensor => ({
  shape,
  data: Float32Array.from(data, by),
})

type Options = Partial<CompileOptions>
const small = { i: 3, j: 3 }
const give = (source: string, inputs: Tensors, options: Options = {}, params: Record<string, number> = {}) =>
  run(source, inputs, { sizes: { d, e }, tile: small, ...options }, params)

type Results = Readonly<Record<string, Tensor>>

/** Results per query, one row each: `out` has e columns, statistics one. */
function rowsOf(results: Results, name: string): readonly (readonly number[])[] {
  const { data, shape } = results[name]!
  const width = shape[3] ?? 1
  return Array.from({ length: data.length / width }, (_, row) => Array.from(data).slice(row * width, (row + 1) * width))
}

/** Of entropies: they are differences of logarithms of size 1. */
const leastScale: Readonly<Record<string, number>> = { entropy: 1 }

/**
 * Where two kernels differ by more than 4 ulp of f32 of the row's largest number; undefined if nowhere. Both sum in f64, so that
 * another order of keys moves a sum by 2^-53 of its terms; then each is rounded to f32 once, by half an ulp. Four ulp leave room
 * for terms that are 2^29 times their sum.
 */
function difference(got: Results, want: Results, which: (row: number) => boolean = () => true): string | undefined {
  for (const name of Object.keys(want)) {
    if (got[name]?.shape.join() !== want[name]?.shape.join()) return `${name} has another shape`
    const wanted = rowsOf(want, name)
    const bad = rowsOf(got, name).flatMap((row, n) => {
      const other = wanted[n]!
      const scale = [...row, ...other].reduce((most, x) => Math.max(most, Number.isFinite(x) ? Math.abs(x) : 0), 0)
      const near = 4 * 2 ** -23 * Math.max(leastScale[name] ?? 0, scale) + 2 ** -149
      const same = row.every((x, c) => x === other[c] || Object.is(x, other[c]) || Math.abs(x - other[c]!) <= near)
      return same || !which(n) ? [] : [`${name} row ${n}: ${row} instead of ${other}`]
    })
    if (bad.length > 0) return bad[0]
  }
  return undefined
}

const arithmetic = {
  ...runners.ts!.arithmetic,
  storage: Object.fromEntries(['out', 'lse', 'entropy'].map((name) => [name, storageRounding.f32])),
}
/** What is wrong by the definition's own allowance. */
function wrong(source: string, inputs: Tensors, got: Results): string | undefined {
  const outcomes = interpret(attentionOf(source), { inputs, arithmetic })
  for (const [name, outcome] of Object.entries(outcomes)) {
    const { status, worst } = verdict(got[name]?.data ?? [], outcome)
    if (status === 'wrong' || status === 'more than rounding') return `${name} is ${status}: ${JSON.stringify(worst)}`
  }
  return undefined
}

const always = (law: (given: Case) => Promise<void>, numRuns = 8): Promise<void> =>
  fc.assert(fc.asyncProperty(anyCase, law), { numRuns })

describe.each(programs)('%s does not depend on', (_, source) => {
  test('the size of tiles', async () => {
    await always(async (given) => {
      const inputs = inputsOf(given, (n) => (n * 7 + given.seed) % 5 !== 0)
      const want = await give(source, inputs)
      expect(wrong(source, inputs, want)).toBeUndefined()
      for (const size of [1, 8, 64])
        expect(difference(await give(source, inputs, { tile: { i: size, j: size } }), want), `${size}`).toBeUndefined()
    })
  })

  test('the number of parts', async () => {
    await always(async (given) => {
      const inputs = inputsOf(given, (n) => (n * 7 + given.seed) % 5 !== 0)
      const want = await give(source, inputs)
      for (const splits of [2, 3, 4])
        expect(difference(await give(source, inputs, { splits }), want), `${splits} parts`).toBeUndefined()
    })
  })

  test('other rows: NaN in one query stays there', async () => {
    const inputs = inputsOf(usual)
    const broken = { ...inputs, q: change(inputs.q!, (x, n) => (Math.floor(n / d) === 2 ? Number.NaN : x)) }
    for (const options of [{}, { splits: 2 }, { plan: 'materialised' }] satisfies Options[]) {
      const [want, got] = [await give(source, inputs, options), await give(source, broken, options)]
      const rows = rowsOf(got, 'out')
      expect(rows.flatMap((row, n) => (row.some(Number.isNaN) ? [n] : []))).toEqual([2])
      for (const name of Object.keys(want))
        expect(rowsOf(got, name).toSpliced(2, 1)).toEqual(rowsOf(want, name).toSpliced(2, 1))
    }
  })

  test.each([Number.NaN, Infinity, -Infinity])('what a masked key holds: %d', async (bad) => {
    const isSeen = (n: number): boolean => n % 4 !== 1
    const inputs = inputsOf(usual, isSeen)
    const hide = (x: Tensor, width: number): Tensor =>
      change(x, (y, n) => (isSeen(Math.floor(n / width) % usual.j) ? y : bad))
    const broken = [
      { ...inputs, k: hide(inputs.k!, d) },
      { ...inputs, v: hide(inputs.v!, e) },
    ]
    for (const options of [
      {},
      { tile: { i: 8, j: 64 } },
      { splits: 3 },
      { plan: 'materialised' },
    ] satisfies Options[]) {
      const want = await give(source, inputs, options)
      for (const one of broken) expect(difference(await give(source, one, options), want)).toBeUndefined()
    }
  })
})

describe.each(keyedPrograms)('%s depends on the set of keys alone', (_, source) => {
  test('not on their order', async () => {
    await always(async (given) => {
      const inputs = inputsOf(given, (n) => (n * 7 + given.seed) % 5 !== 0)
      const order = createNormal(given.seed + 1)
      const places = Array.from({ length: given.j }, (_, n) => [order(), n] as const).sort(([a], [b]) => a - b)
      const got = await give(
        source,
        pickKeys(
          inputs,
          places.map(([, n]) => n),
        ),
      )
      expect(difference(got, await give(source, inputs))).toBeUndefined()
    })
  })

  /** Twelve keys in tiles of 3, so that four parts hold one tile each: empty parts stand left and right of full ones. */
  test.each([[[]], [[0]], [[3]], [[1]], [[0, 3]], [[1, 2]]])('not on masked ones: parts %j of four', async (full) => {
    const given = { ...usual, j: 12 }
    const inputs = inputsOf(given, (n) => full.includes(Math.floor(n / 3)))
    const places = Array.from({ length: 12 }, (_, n) => n).filter((n) => inputs.seen!.data[n] === 1)
    const want = await give(source, pickKeys(inputs, places))
    for (const splits of [1, 2, 4]) expect(difference(await give(source, inputs, { splits }), want)).toBeUndefined()
  })
})

describe.each(['softmax', 'sink', 'sigmoid', 'entropy', 'clipped', 'mixture'] as const)('in %s', (name) => {
  /** Whole tiles of them, so that a reference is -inf until the first key that weighs anything, and again in later tiles. */
  test.each([[[0]], [[0, 1, 2]], [[1, 3]], [[2, 3]]])(
    'keys of score -inf weigh nothing: parts %j of four',
    async (at) => {
      const isGone = (n: number): boolean => at.includes(Math.floor(n / 3))
      const given = inputsOf({ ...usual, j: 12 })
      const q = change(given.q!, (x) => Math.abs(x) + 0.25)
      const k = change(given.k!, (x, n) => (isGone(Math.floor(n / d) % 12) ? -Infinity : x))
      const seen = { ...given.seen!, data: Uint8Array.from({ length: 12 }, (_, n) => (isGone(n) ? 0 : 1)) }
      for (const options of [{}, { tile: { i: 1, j: 1 } }, { splits: 2 }, { splits: 4 }]) {
        const want = await give(keyed[name], { ...given, q, seen }, options)
        expect(difference(await give(keyed[name], { ...given, q, k }, options), want)).toBeUndefined()
      }
    },
  )
})

describe('a constant added to every score', () => {
  const invariant: readonly Name[] = ['softmax', 'z-score', 'entropy', 'clipped']
  const shifted = async (name: Name, shift: number, given: Case): Promise<readonly [Results, Results]> => {
    const inputs = inputsOf(given)
    return [await give(keyed[name], inputs, {}, { shift }), await give(keyed[name], inputs)]
  }
  test.each(invariant)('changes nothing in %s', async (name) => {
    await always(async (given) => {
      for (const shift of [-100, 3, 1000]) {
        const [got, want] = await shifted(name, shift, given)
        const { lse: moved, ...others } = got
        const { lse, ...wanted } = want
        expect(difference(others, wanted), `by ${shift}`).toBeUndefined()
        // Both were rounded to f32, each by half an ulp.
        Array.from(lse?.data ?? []).forEach((x, n) => {
          const y = moved!.data[n]!
          const near = 2 ** -23 * Math.max(Math.abs(x), Math.abs(y))
          if (Number.isFinite(x)) expect(Math.abs(y - x - shift)).toBeLessThanOrEqual(near)
          else expect(y).toBe(x)
        })
      }
    })
  })
  test.each(['sink', 'sigmoid', 'power'] as const)('changes %s', async (name) => {
    expect(difference(...(await shifted(name, 3, usual)))).toBeDefined()
  })
})

describe('equal values', () => {
  const same = async (name: Name, given: Case): Promise<string | undefined> => {
    const inputs = inputsOf(given)
    const values = [0.1, -7, 3]
    const { out } = await give(keyed[name], { ...inputs, v: change(inputs.v!, (_, n) => values[n % e]!) })
    const want = tensor(out!.shape, (n) => (given.j === 0 ? 0 : values[n % e]!))
    return difference({ out: out! }, { out: want })
  }
  test.each(['softmax', 'mixture', 'entropy'] as const)('are what %s gives', async (name) => {
    await always(async (given) => {
      expect(await same(name, given)).toBeUndefined()
    })
  })
  test.each(['sink', 'sigmoid', 'z-score', 'power', 'clipped'] as const)('are not what %s gives', async (name) => {
    expect(await same(name, usual)).toBeDefined()
  })
})

describe('a row without keys', () => {
  const empty = { out: 0, lse: -Infinity, entropy: 0 }
  const check = (got: Results, which: (row: number) => boolean): void => {
    for (const name of Object.keys(got)) {
      const rows = rowsOf(got, name).filter((_, row) => which(row))
      expect(rows.length).toBeGreaterThan(0)
      expect(
        rows.flat().every((x) => x === empty[name as keyof typeof empty]),
        `${name}: ${rows}`,
      ).toBe(true)
    }
  }
  test.each(programs)('%s gives 0, and -inf as logarithm', async (_, source) => {
    for (const options of [{}, { splits: 3 }, { plan: 'materialised' }] satisfies Options[]) {
      check(await give(source, inputsOf({ ...usual, j: 0 }), options), () => true)
      const none = inputsOf(usual, () => false)
      const bad = { ...none, v: change(none.v!, () => Number.NaN) }
      for (const inputs of [none, bad]) check(await give(source, inputs, options), () => true)
    }
  })
  test.each(['causal', 'window'] as const)('%s before the first key', async (name) => {
    const [i, j] = [9, 4]
    const inputs = inputsOf({ ...usual, i, j })
    for (const options of [{}, { splits: 2 }, { tile: { i: 8, j: 64 } }])
      check(await give(all[name], inputs, options), (row) => (row % i) + j - i < 0)
  })
})

type Parallel = (inputs: Tensors, options: { readonly threads: number }) => Promise<Results>

describe('on two threads', () => {
  test.each<readonly [keyof typeof all, number]>([
    ['softmax', 1],
    ['window', 3],
    ['z-score', 2],
    ['clipped', 1],
  ])('%s in %i parts gives the same bits', async (name, splits) => {
    const options = { sizes: { d, e }, tile: small, splits, threads: true }
    const { files } = await compiled(all[name], options)
    const functions = await importJavaScript(files.find(({ path }) => path.endsWith('.js'))!.text)
    const parallel = functions.aParallel as unknown as Parallel
    const inputs = inputsOf({ ...usual, i: 20 })
    const want = await run(all[name], inputs, options)
    const got = await parallel(inputs, { threads: 2 })
    expect(got).toEqual(want)
  })
})
