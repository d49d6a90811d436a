/** What `npm run bench:peers` is made of, without the peers and without times. */
import { describe, expect, test } from 'vitest'
import { median, spread } from '../bench/median.ts'
import { flopsOf, pairsOf, type Shape, shapes } from '../bench/native/shapes.ts'
import { biasOf } from '../bench/peers/bias.ts'
import { largestDifference } from '../bench/peers/contest.ts'
import { callGoals, exampleGoal, type Goal, goalRow, isReached, lastLine, shapeGoals } from '../bench/peers/goals.ts'
import { encodeModel } from '../bench/peers/onnx.ts'
import { swapAxes } from '../bench/peers/peer.ts'

type Field = readonly [number: number, value: bigint | Uint8Array]

/** A message of protocol buffers, by what their documentation says of the wire. */
function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  const take = (length: number): Uint8Array => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const kind = tag & 7
    fields.push([tag >> 3, kind === 0 ? varint() : take(kind === 5 ? 4 : Number(varint()))])
  }
  return fields
}
const inside = (bytes: Uint8Array, number: number): readonly (bigint | Uint8Array)[] =>
  fieldsOf(bytes).flatMap(([n, value]) => (n === number ? [value] : []))
const messages = (bytes: Uint8Array, number: number): readonly Uint8Array[] =>
  inside(bytes, number) as readonly Uint8Array[]
const texts = (bytes: Uint8Array, number: number): readonly string[] =>
  messages(bytes, number).map((one) => Buffer.from(one).toString())

describe('a model of ONNX', () => {
  const model = encodeModel({
    nodes: [
      { op: 'Transpose', inputs: ['k'], outputs: ['kt'], attributes: { perm: [0, 1, 3, 2] } },
      {
        op: 'GroupQueryAttention',
        domain: 'com.microsoft',
        inputs: ['q', '', 'kt'],
        outputs: ['out'],
        attributes: { scale: 0.125, local_window_size: -1 },
        isFloat: ['scale'],
      },
    ],
    inputs: { q: { type: 'float32', shape: [1, 300] }, k: { type: 'int32', shape: [] } },
    constants: { c: { type: 'float32', data: Float32Array.of(1.5), shape: [1] } },
    outputs: ['out'],
  })
  const [graph] = messages(model, 7)

  test('says what versions it needs', () => {
    expect(inside(model, 1)).toEqual([10n])
    expect(messages(model, 8).map((one) => [texts(one, 1), inside(one, 2)])).toEqual([
      [[''], [23n]],
      [['com.microsoft'], [1n]],
    ])
  })
  test('has its operators, inputs that are left out and all kinds of attributes', () => {
    const [transpose, attention] = messages(graph!, 1)
    expect([texts(transpose!, 4), texts(transpose!, 1), texts(transpose!, 2)]).toEqual([['Transpose'], ['k'], ['kt']])
    expect(messages(transpose!, 5).map((one) => [texts(one, 1), inside(one, 8), inside(one, 20)])).toEqual([
      [['perm'], [0n, 1n, 3n, 2n], [7n]],
    ])
    expect([texts(attention!, 1), texts(attention!, 7)]).toEqual([['q', '', 'kt'], ['com.microsoft']])
    const [scale, window] = messages(attention!, 5)
    expect([Buffer.from(messages(scale!, 2)[0]!).readFloatLE(), inside(scale!, 20)]).toEqual([0.125, [1n]])
    expect(inside(window!, 3).map((n) => BigInt.asIntN(64, n as bigint))).toEqual([-1n])
  })
  test('has types and lengths of what it is given', () => {
    const typed = messages(graph!, 11).map((one) => {
      const [tensor] = messages(messages(one, 2)[0]!, 1)
      const dims = messages(tensor!, 2).flatMap((shape) => messages(shape, 1).flatMap((dim) => inside(dim, 1)))
      return [texts(one, 1)[0], inside(tensor!, 1)[0], dims]
    })
    expect(typed).toEqual([
      ['q', 1n, [1n, 300n]],
      ['k', 6n, []],
    ]) // prettier-ignore
    const [constant] = messages(graph!, 5)
    expect(Buffer.from(messages(constant!, 9)[0]!).readFloatLE()).toBe(1.5)
    expect(texts(graph!, 12).length).toBe(1)
  })
})

describe('goals', () => {
  const share: Goal = { about: 'A', wanted: 0.88, got: 0.88, unit: '%' }
  const time: Goal = { about: 'a call', wanted: 2, got: 3, unit: 'µs', isMost: true, note: 'why' }
  test('are reached or missed, and by how much', () => {
    expect(goalRow(share)).toEqual(['A', '≥ 88.0 %', '88.0 %', 'reached', ''])
    expect(goalRow({ ...share, got: 0.8 })[3]).toBe('missed by 8.0 points')
    expect(goalRow({ ...share, unit: '×', wanted: 2, got: 1.5 })).toEqual([
      'A',
      '≥ 2.00×',
      '1.50×',
      'missed by 25 %',
      '',
    ]) // prettier-ignore
    expect(goalRow(time)).toEqual(['a call', '≤ 2 µs', '3 µs', 'missed by 50 %', 'why'])
    expect(isReached({ ...time, got: 2 })).toBe(true)
    expect(isReached({ ...share, got: Number.NaN })).toBe(false)
  })
  test('that nothing measured are not reached', () => {
    const unknown = { ...share, got: undefined }
    expect(goalRow(unknown).slice(1, 4)).toEqual(['≥ 88.0 %', '-', 'not measured'])
    expect(lastLine([share, time, unknown])).toBe('1 of 3 goals reached')
  })
  test('of calls leave out what is no kernel', () => {
    const goals = callGoals({
      'ms of the first load on a machine': { modules: 50, loader: 3000, kernel: 2000 },
      'ms of the first load in a process': { modules: 50, loader: 15, kernel: 20 },
      'µs of a call': { 'in this thread': 1.5 },
    })
    expect(goals.map(({ got }) => got)).toEqual([1.5, 2000, 35])
    expect(goals.map(isReached)).toEqual([true, true, false])
  })
  test('of examples show what a pair takes, which may be the reason that they are missed', () => {
    const goal = (share: number, shareOfAll: number, materialised?: string): Goal =>
      exampleGoal({ name: 'causal', share, shareOfAll, perPair: '128 + 4 + 1 a pair', materialised })
    const row = ['causal of the rate of softmax', '≥ 60.0 %']
    expect(goalRow(goal(0.5, 0.55))).toEqual([...row, '50.0 %', 'missed by 10.0 points', '128 + 4 + 1 a pair'])
    expect(goalRow(goal(0.7, 0.9))).toEqual([...row, '70.0 %', 'reached', '128 + 4 + 1 a pair'])
    const reason = 'of all that it takes, 62 % of the rate of softmax: 128 + 4 + 1 a pair'
    expect(goalRow(goal(0.5, 0.62))).toEqual([...row, '50.0 %', 'has its reason', reason])
    const why = 'materialised: a result for each pair; 128 + 4 + 1 a pair'
    expect(goalRow(goal(0.5, 0.55, 'a result for each pair'))).toEqual([...row, '50.0 %', 'has its reason', why])
    expect([goal(0.5, 0.55), goal(0.7, 0.9), goal(0.5, 0.62)].map(isReached)).toEqual([false, true, true])
  })
  test('there are for every shape', () => {
    expect(Object.keys(shapeGoals)).toEqual(shapes.map(({ name }) => name))
  })
})

describe('shapes', () => {
  const named = (name: string): Shape => shapes.find((shape) => shape.name === name)!
  test('have as many pairs as their masks admit', () => {
    expect(pairsOf(named('A'))).toBe(8 * 1024 * 1024)
    expect(pairsOf(named('B'))).toBe((8 * 1024 * 1025) / 2)
    expect(pairsOf(named('E'))).toBe(8 * 32 * 4096)
    expect(pairsOf(named('F'))).toBe(8 * (4096 * 256 - (256 * 255) / 2))
    const squares = [517, 389, 731, 256, 640, 455, 498, 610].reduce((sum, length) => sum + length * length, 0)
    expect(pairsOf(named('I'))).toBe(8 * squares)
    expect(flopsOf(named('A'))).toBe(4 * 64 * 8 * 1024 * 1024)
  })
  test('give peers their masks and slopes as a bias', () => {
    const short = { heads: 2, queries: 4, keys: 4, seen: (i: number) => [Math.max(0, i - 1), i + 1] as const }
    const bias = biasOf({ ...named('H'), ...short })!
    expect(bias.shape).toEqual([1, 2, 4, 4])
    expect([...bias.data.subarray(4, 12)]).toEqual([
      -(2 ** -4),
      0,
      -Infinity,
      -Infinity,
      -Infinity,
      -(2 ** -4),
      0,
      -Infinity,
    ])
    expect(biasOf(named('A'))).toBeUndefined()
    expect(biasOf({ ...named('F'), ...short })!.shape).toEqual([1, 1, 4, 4])
  })
})

test('axes are swapped', () => {
  const x = Float32Array.from({ length: 12 }, (_, n) => n)
  expect([...swapAxes(x, [1, 2, 3, 2])]).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11])
  expect(swapAxes(swapAxes(x, [2, 3, 1, 2]), [2, 1, 3, 2])).toEqual(x)
})

test('a wrong result is found, and so is one that is no number', () => {
  const shape = { ...shapes[0]!, width: 2 }
  const ours = Float32Array.of(0, 0, 0, 0, 0, 0)
  const apart = (theirs: readonly number[], rows?: { first: number; every: number }): number =>
    largestDifference(shape, ours, { call: () => {}, result: () => Float32Array.from(theirs), ...(rows && { rows }) })
  expect(apart([0, 0, 0, 1, 0, 0])).toBe(1)
  expect(apart([0, 0, 0, Number.NaN, 0, 1])).toBeNaN()
  expect(apart([0, 0])).toBeNaN()
  expect(apart([9, 9, 0, 0.5, 9, 9], { first: 1, every: 2 })).toBe(0.5)
})

test('the median and the median distance from it', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(median([])).toBeNaN()
  expect(spread([1, 2, 9])).toBe(1)
})
