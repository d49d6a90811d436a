/** Every operation as a program of one kernel, and operands that matter. */
import type { ElementType } from '../compiler/ir.ts'
import { kernelCall, valueRef } from '../compiler/kernel.ts'
import { type Op, ops } from '../compiler/ops.ts'
import { load, tile, value } from './ts-programs.ts'
import { buffer, kernel, program, store } from './ts-shapes.ts'

const kinds: Readonly<Partial<Record<Op, readonly ElementType[][]>>> = {
  not: [['bool']],
  and: [['bool', 'bool']],
  or: [['bool', 'bool']],
  int: [['f32']],
  float: [['i32'], ['bool']],
  pow: [
    ['f32', 'i32'],
    ['f32', 'f32'],
  ],
  select: [
    ['bool', 'f32', 'f32'],
    ['bool', 'i32', 'i32'],
  ],
  random: [['i32', 'i32', 'i32', 'i32', 'i32']],
}
const both: readonly Op[] = [
  'neg',
  'abs',
  'sign',
  'add',
  'sub',
  'mul',
  'idiv',
  'mod',
  'min',
  'max',
  'lt',
  'le',
  'eq',
  'ne',
]
/** Every operation with each kind of operands that it takes. */
export const operations = Object.entries(ops).flatMap(([name, arity]) => {
  const op = name as Op
  const real = Array<ElementType>(arity).fill('f32')
  const types = kinds[op] ?? (both.includes(op) ? [real, real.map((): ElementType => 'i32')] : [real])
  return types.map((operands) => ({ op, operands, name: `${op}_${operands.join('_')}` }))
})
/** A program for each of them: its operands by rows. */
export const operationPrograms = operations.map(({ op, operands, name }) => {
  const values = operands.map((type, n) => value(`x${n}`, tile('i'), type))
  const e = kernelCall(op, ...values.map(valueRef))
  const body = [...values.map((to) => load(to, to.name, ['i'])), store('out', ['i'], tile('i'), e)]
  const buffers = [
    ...values.map(({ name: x, type }) => buffer(x, ['i'], 'input', type)),
    buffer('out', ['i'], 'result', e.type),
  ]
  return program(name, ['i'], {}, buffers, [kernel('all', [['i', 16]], body)])
})
const samples = {
  f32: [
    0,
    -0,
    0.5,
    -0.5,
    1,
    -1,
    1.5,
    2.5,
    -2.5,
    3,
    7.25,
    -6,
    40,
    -40,
    100,
    -100,
    1e-5,
    3e9,
    Infinity,
    -Infinity,
    Number.NaN,
  ],
  i32: [0, 1, -1, 2, -3, 7, -8, 31, 65537, 2147483647, -2147483648],
  bool: [0, 1],
}

/** Pairs of all samples; of three operands and more, every fifth. */
export const operandRows = (operands: readonly ElementType[]): readonly (readonly number[])[] =>
  operands.reduce<readonly (readonly number[])[]>(
    (all, type, n) =>
      all.flatMap((row, k) => samples[type].filter((_, m) => n < 2 || (m + k) % 5 === 0).map((x) => [...row, x])),
    [[]],
  )
