import { describe, expect, test } from 'vitest'
import {
  at,
  bool,
  bound,
  call,
  type Expr,
  f32,
  i32,
  index,
  input,
  reduce,
  repeat,
  scan,
  solve,
} from '../compiler/ir.ts'
import { verifyAttention, verifyExpr } from '../compiler/verify-ir.ts'
import { framed } from './check/source.ts'

const x = input('x', 'f32', ['i', 'j'])
const hub = input('hub', 'bool', ['j'])
const t = bound('t', 'f32', ['i'])

const broken: readonly [string, Expr, string][] = [
  ['a wrong number of operands', call('add', [x]), 'add has 1 operands'],
  ['operands of two types', call('add', [x, i32(1)]), 'add has operands f32,i32'],
  ['a bool in arithmetic', call('mul', [hub, hub]), 'mul has operands bool,bool'],
  ['an integer where a float belongs', call('exp', [i32(1)]), 'exp has operands i32'],
  ['a number as a condition', call('select', [x, x, x]), 'select has operands f32,f32,f32'],
  ['a wrong type', { ...call('exp', [x]), type: 'i32' }, 'exp is i32 and should be f32'],
  ['wrong axes', { ...call('exp', [x]), axes: ['i'] }, 'exp varies over [i] and should over [i,j]'],
  ['a constant of another type', i32(1.5), 'const 1.5 is no i32'],
  [
    'an index that is no integer',
    at(x, [{ axis: 'j', index: f32(1), outside: 'clamp' }]),
    'at has an index of type f32',
  ],
  [
    'an axis moved that is not there',
    at(x, [{ axis: 'h', index: i32(1), outside: 'clamp' }]),
    'at moves h, over which nothing varies',
  ],
  ['a sum of bools', reduce('sum', ['j'], hub), 'sum folds bool'],
  ['any of numbers', reduce('any', ['j'], x), 'any folds f32'],
  ['a domain that is no bool', reduce('sum', ['j'], x, index('j')), 'sum has a domain of type i32'],
  ['a reduction over nothing', reduce('sum', [], x), 'sum has wrong axes'],
  ['a running fold of bools', scan('cumsum', 'j', hub), 'cumsum folds bool'],
  ['a free variable', call('exp', [t]), 'variable t is not bound'],
  [
    'a solve over more than its variable',
    solve(t, f32(0), f32(1), call('sub', [x, t])),
    'solve has a part over more axes than its variable',
  ],
  [
    'a loop that changes a type',
    repeat({ count: i32(2), carried: [{ variable: t, initial: f32(0), next: i32(1) }] }, 0),
    'repeat carries a value of another type than its variable',
  ],
  [
    'a loop with a count that varies',
    repeat({ count: index('i'), carried: [{ variable: t, initial: f32(0), next: t }] }, 0),
    'repeat has a wrong count',
  ],
  ['a value that a loop lacks', repeat({ count: i32(2), carried: [] }, 0), 'repeat has no value 0'],
]

describe('a planted fault is found:', () => {
  test.each(broken)('%s', (_, e, fault) => expect(verifyExpr(e)).toContain(fault))
})

describe('in an attention:', () => {
  const a = framed('mask = j <= i')

  test('a sound one has no faults', () => expect(verifyAttention(a)).toEqual([]))

  test('inputs, axes, results and roots are as declared', () => {
    expect(verifyAttention({ ...a, inputs: [] })).toContain('a: input q is not as declared')
    expect(verifyAttention({ ...a, axes: a.axes.slice(1) })).toContain(
      'a: call over b, which is no axis of the attention',
    )
    expect(verifyAttention({ ...a, mask: f32(1) })).toContain('a: the mask is f32')
    expect(verifyAttention({ ...a, weight: bool(true) })).toContain('a: weight is bool[]')
    const results = a.results.map((r) => ({ ...r, axes: r.axes.slice(1) }))
    expect(verifyAttention({ ...a, results })).toContain('a: result out over [h,i,e] is an expression over [b,h,i,e]')
  })
})
