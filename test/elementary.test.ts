import { describe, expect, test } from 'vitest'
import {
  elementary,
  erf,
  floorMod,
  philoxWords,
  power,
  realPower,
  roundHalfEven,
  sigmoid,
  toInteger,
} from '../compiler/elementary.ts'

test('erf', () => {
  // mpmath 1.3, 20 digits
  const known = [
    [0, 0],
    [1e-10, 1.1283791670955126e-10],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [1.99, 0.995111413199617],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [6.5, 1],
  ] as const
  for (const [x, y] of known) {
    expect(Math.abs(erf(x) - y)).toBeLessThanOrEqual(4e-16 * Math.abs(y))
    expect(erf(-x)).toBeCloseTo(-y, 15)
  }
  expect(erf(Number.NaN)).toBeNaN()
  expect([erf(Infinity), erf(-Infinity)]).toEqual([1, -1])
})

test('rounding, remainders, powers', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6].map((x) => roundHalfEven(x) + 0)).toEqual([0, 2, 2, 0, -2, 2, -3])
  expect([floorMod(5, 3), floorMod(-5, 3), floorMod(5, -3), floorMod(-6, 3) + 0]).toEqual([2, 1, -1, 0])
  expect([power(-2, 3), power(0, 0), power(-2, -2), power(Number.NaN, 0)]).toEqual([-8, 1, 0.25, 1])
  expect([realPower(2, 0.5), realPower(0, 2), realPower(0, 0), realPower(-1, 2)]).toEqual([
    Math.SQRT2,
    0,
    Number.NaN,
    Number.NaN,
  ])
  expect([toInteger(-2.9), toInteger(3e9), toInteger(Number.NaN)]).toEqual([-2, 2 ** 31 - 1, 0])
  expect(sigmoid(-745)).toBeGreaterThan(0)
})

describe('i32', () => {
  const on = (op: Parameters<typeof elementary>[0], x: number, y = 0) => elementary(op, ['i32', 'i32'])(x, y, 0)
  test('wraps', () => {
    expect([
      on('add', 2 ** 31 - 1, 1),
      on('sub', -(2 ** 31), 1),
      on('mul', 65537, 65537),
      on('neg', -(2 ** 31)),
      on('abs', -(2 ** 31)),
    ]).toEqual([-(2 ** 31), 2 ** 31 - 1, 131073, -(2 ** 31), -(2 ** 31)])
  })
  test('division rounds down, by zero gives 0', () => {
    expect([
      on('idiv', -7, 2),
      on('mod', -7, 2),
      on('idiv', 7, -2),
      on('mod', 7, -2),
      on('idiv', 5, 0),
      on('mod', 5, 0),
    ]).toEqual([-4, 1, -4, -1, 0, 0])
  })
})

test('Philox 4x32-10 gives the known answers of Random123', () => {
  expect(philoxWords([0, 0], [0, 0, 0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  const ones = 0xffffffff
  expect(philoxWords([ones, ones], [ones, ones, ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd])
  expect(philoxWords([0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344])).toEqual([
    0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
  ])
})
