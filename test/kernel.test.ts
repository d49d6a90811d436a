import { describe, expect, test } from 'vitest'
import { kernelCall as call, indexRef, type Program, type Statement, valueRef } from '../compiler/kernel.ts'
import { printProgram } from '../compiler/print-kernel.ts'
import { verifyProgram } from '../compiler/verify-kernel.ts'
import { runProgram } from './run-program.ts'
import { draw } from './ts-draw.ts'
import { f, load, map, softmaxProgram, tile, value, whole } from './ts-programs.ts'
import { buffer, columns, gathered, kernel, materialised, program, rounds, store } from './ts-shapes.ts'

const shape = { d: 4, e: 3, ti: 4, tj: 4, causal: true }

describe('print-kernel', () => {
  test('says everything, one statement a line', () => {
    const text = printProgram(softmaxProgram(shape))
    for (const line of [
      'program causal',
      '  axis d: 4',
      '  input q[b, h, i, d]: f32',
      'kernel forward over b, h, tiles(i, 4)',
      '  for tiles(j, 4) in [, last(@i) + 1)',
      '    carry sum: f32[i, e:] from 0.0',
      '    skip if skip',
      '    admitted: bool[i, j] = mask @j <= @i unless full',
      '    tile_highest: f32[i] = max over j of score where admitted',
      '    product: f32[i, e:] = contract weight * v over j where admitted',
      '    next total = next_total',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
  })
  test('is the same each time, and differs where programs do', () => {
    const programs = [
      softmaxProgram(shape),
      softmaxProgram({ ...shape, causal: false }),
      materialised(2),
      rounds(),
      gathered(),
      columns(2),
    ]
    const texts = programs.map(printProgram)
    expect(texts).toEqual(programs.map(printProgram))
    expect(new Set(texts).size).toBe(programs.length)
  })
})

/** A program of one kernel whose body is given, with tensors x[i, d] and y[j, d]. */
function of(body: readonly Statement[], grid: readonly (readonly [string, number?])[] = [['i', 4]]): Program {
  const buffers = [buffer('x', ['i', 'd']), buffer('y', ['j', 'd']), buffer('out', ['i', 'd'], 'result')]
  return program('one', ['i', 'j', 'd'], { d: 3 }, buffers, [kernel('all', grid, body)])
}
const x = value('x', [...tile('i'), ...whole('d')])
const row = value('row', tile('i'))
const loadX = load(x, 'x', ['i', 'd'])
const loop = (body: readonly Statement[], next: string): Statement => ({
  kind: 'loop',
  over: {
    kind: 'tiles',
    direction: 'up',
    axis: 'j',
    tile: 4,
    from: undefined,
    to: undefined,
    head: [],
    skip: undefined,
  },
  carried: [{ value: row, initial: f(0), next }],
  body,
})

describe('verify-kernel', () => {
  test.each(
    [softmaxProgram(shape), materialised(2), rounds(), gathered('bf16'), columns(2)].map(
      (one) => [one.name, one] as const,
    ),
  )('%s is well formed', (_, one) => {
    expect(verifyProgram(one)).toEqual([])
  })
  test.each<readonly [string, Program]>([
    ['x reads nothing, which is no buffer', of([load(x, 'nothing', ['i', 'd'])])],
    ['x is defined twice', of([loadX, loadX])],
    ['row reads x, which varies over d', of([loadX, map(row, valueRef(x))])],
    ['row reads z, which is not defined here', of([map(row, valueRef(value('z')))])],
    ['row is f32, but its expression i32', of([map(row, indexRef('i'))])],
    ['row varies over a tile of i, which is not open', of([map(row, f(1))], [['j', 4]])],
    ['row asks for an index of j, which it does not walk', of([map(row, call('float', indexRef('j')))])],
    [
      'row keeps the axis i that it folds',
      of([{ kind: 'reduce', to: row, of: f(1), over: 'i', op: 'sum', where: undefined }]),
    ],
    [
      'p loses axis d',
      of([loadX, { kind: 'contract', to: value('p', tile('i')), left: 'x', right: 'x', over: 'i', where: undefined }]),
    ],
    [
      'x has no axis j to be contracted',
      of([loadX, { kind: 'contract', to: x, left: 'x', right: 'x', over: 'j', where: undefined }]),
    ],
    ['row is carried on as gone, which the loop does not define', of([loop([], 'gone')])],
    ['row and s, as which it is carried on, differ in axes or type', of([loop([map(value('s'), f(1))], 's')])],
    [
      'a loop over i inside of another',
      of([{ ...loop([], 'row'), over: { kind: 'members', axis: 'i', direction: 'up' } } as Statement]),
    ],
    ['input x is stored to', of([loadX, store('x', ['i', 'd'], x.axes, valueRef(x))])],
    ['out needs an index for each of i,d', of([{ kind: 'store', buffer: 'out', index: {}, value: f(1), axes: [] }])],
    ['add has 1 operands', of([map(row, { kind: 'call', type: 'f32', op: 'add', args: [f(1)] })])],
    ['lt of i32,f32', of([map(value('c', [], 'bool'), call('lt', indexRef('i', 'first'), f(1)))])],
    [
      'out cannot become y',
      { ...of([]), steps: [{ kind: 'rounds', count: indexRef('i'), steps: [], become: [{ to: 'out', from: 'y' }] }] },
    ],
  ])('finds: %s', (fault, one) => {
    expect(verifyProgram(one).join('\n')).toContain(fault)
  })
})

test('the meaning of a softmax program is softmax', () => {
  const sizes = { b: 1, h: 1, i: 5, j: 6, d: 4, e: 3 }
  const inputs = { q: draw('q', 20, 'f32'), k: draw('k', 24, 'f32'), v: draw('v', 18, 'f32') }
  for (const causal of [false, true]) {
    const out = runProgram(softmaxProgram({ ...shape, causal }), { sizes, inputs }).get('out')!
    for (let i = 0; i < 5; i++) {
      const weights = Array.from({ length: causal ? i + 1 : 6 }, (_, j) =>
        Math.exp([0, 1, 2, 3].reduce((sum, d) => sum + (inputs.q[i * 4 + d]! * inputs.k[j * 4 + d]!) / 2, 0)),
      )
      const total = weights.reduce((a, b) => a + b)
      for (let e = 0; e < 3; e++) {
        const want = weights.reduce((sum, weight, j) => sum + weight * inputs.v[j * 3 + e]!, 0) / total
        expect(out[i * 3 + e]).toBeCloseTo(want, 6)
      }
    }
  }
})
