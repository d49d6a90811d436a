/** Programs in the other shapes that the planner makes: materialised, in rounds, gathered, by columns, across heads, with many types. */

import type { ParamDecl, StorageType } from '../compiler/attention.ts'
import { f32 } from '../compiler/ir.ts'
import {
  type Buffer,
  kernelCall as call,
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelConst,
  type Program,
  paramRef,
  valueRef as r,
  type Statement,
  sizeRef,
  type Value,
} from '../compiler/kernel.ts'
import { noSpan } from '../grammar/source.ts'
import { axis, f, indices, load, map, n, tile, value, whole } from './ts-programs.ts'

export const buffer = (
  name: string,
  axes: readonly string[],
  role: Buffer['role'] = 'input',
  storage: StorageType = 'f32',
): Buffer => ({ name, axes, storage, role })
export const store = (name: string, axes: readonly string[], over: Value['axes'], e: KernelExpr): Statement => ({
  kind: 'store',
  buffer: name,
  index: indices(axes),
  value: e,
  axes: over,
})
export const kernel = (
  name: string,
  grid: readonly (readonly [string, number?])[],
  body: readonly Statement[],
): Kernel => ({
  kind: 'kernel',
  name,
  doc: `does ${name}`,
  grid: grid.map(([a, t]) => ({ axis: a, tile: t })),
  body,
})
export const program = (
  name: string,
  axes: readonly string[],
  sizes: Readonly<Record<string, number>>,
  buffers: readonly Buffer[],
  steps: Program['steps'],
  params: readonly ParamDecl[] = [],
): Program => ({
  name,
  doc: [],
  axes: axes.map((a) => axis(a)),
  sizes,
  params,
  buffers,
  steps,
})

/** Scores kept whole: every kernel is one element, with loops over single indices. */
export function materialised(d: number): Program {
  const [sum, q, k, next] = [value('sum'), value('q'), value('k'), value('next')]
  const scores = kernel(
    'scores',
    [['i'], ['j']],
    [
      {
        kind: 'loop',
        over: { kind: 'members', axis: 'd', direction: 'up' },
        carried: [{ value: sum, initial: f(0), next: 'next' }],
        body: [
          load(q, 'q', ['i', 'd']),
          load(k, 'k', ['j', 'd']),
          map(next, call('add', r(sum), call('mul', r(q), r(k)))),
        ],
      },
      store('s', ['i', 'j'], [], call('mul', r(sum), paramRef('scale', 'f32'))),
    ],
  )
  const [top, s1, top2] = [value('top'), value('s1'), value('top2')]
  const [z, a, s2, v, p, z2, a2] = [
    value('z'),
    value('a'),
    value('s2'),
    value('v'),
    value('p'),
    value('z2'),
    value('a2'),
  ]
  const mix = kernel(
    'mix',
    [['i'], ['d']],
    [
      {
        kind: 'loop',
        over: { kind: 'members', axis: 'j', direction: 'up' },
        carried: [{ value: top, initial: f(-Infinity), next: 'top2' }],
        body: [load(s1, 's', ['i', 'j']), map(top2, call('max', r(top), r(s1)))],
      },
      {
        kind: 'loop',
        over: { kind: 'members', axis: 'j', direction: 'down' },
        carried: [
          { value: z, initial: f(0), next: 'z2' },
          { value: a, initial: f(0), next: 'a2' },
        ],
        body: [
          load(s2, 's', ['i', 'j']),
          load(v, 'k', ['j', 'd']),
          map(p, call('exp', call('sub', r(s2), r(top)))),
          map(z2, call('add', r(z), r(p))),
          map(a2, call('add', r(a), call('mul', r(p), r(v)))),
        ],
      },
      store('out', ['i', 'd'], [], call('div', r(a), r(z))),
    ],
  )
  const scale: ParamDecl = {
    name: 'scale',
    type: 'f32',
    default: f32(0.5),
    time: 'run',
    range: { lo: f32(0), hi: f32(2) },
    span: noSpan,
  }
  const buffers = [
    buffer('q', ['i', 'd']),
    buffer('k', ['j', 'd']),
    buffer('s', ['i', 'j'], 'workspace'),
    buffer('out', ['i', 'd'], 'result'),
  ]
  return program('kept', ['i', 'j', 'd'], { d }, buffers, [scores, mix], [scale])
}

/** Sums over admitted places, with tiles that are known to be admitted whole; the mask rests on a value of its own. */
export function admitted(): Program {
  const [x, full, y, third, ok] = [
    value('x', tile('i')),
    value('full', [], 'bool'),
    value('y', tile('j')),
    value('third', tile('i', 'j'), 'i32'),
    value('ok', tile('i', 'j'), 'bool'),
  ]
  const [sum, part, next] = [value('sum', tile('i')), value('part', tile('i')), value('next', tile('i'))]
  const before = call('le', indexRef('j'), indexRef('i'))
  const isThird = (k: number): KernelExpr => call('eq', r(third), n(k))
  const body: readonly Statement[] = [
    {
      kind: 'loop',
      over: {
        kind: 'tiles',
        direction: 'up',
        axis: 'j',
        tile: 4,
        from: undefined,
        to: undefined,
        head: [map(full, call('le', indexRef('j', 'last'), indexRef('i', 'first')))],
        skip: undefined,
      },
      carried: [{ value: sum, initial: f(0), next: 'next' }],
      body: [
        load(y, 'y', ['j']),
        map(third, call('mod', call('add', indexRef('i'), indexRef('j')), n(3))),
        { kind: 'mask', to: ok, expr: call('or', before, call('or', isThird(1), isThird(2))), full: 'full' },
        { kind: 'reduce', to: part, of: r(y), over: 'j', op: 'sum', where: 'ok' },
        map(next, call('add', r(sum), r(part))),
      ],
    },
    load(x, 'x', ['i']),
    store('out', ['i'], tile('i'), call('mul', r(x), r(sum))),
  ]
  const buffers = [buffer('x', ['i']), buffer('y', ['j']), buffer('out', ['i'], 'result')]
  return program('some', ['i', 'j'], {}, buffers, [kernel('sums', [['i', 4]], body)])
}

/** x becomes x x^T x / size, a few times over; whole tiles of workspace between kernels; carried values that change places. */
export function rounds(): Program {
  const first = kernel(
    'first',
    [['i', 4]],
    [
      load(value('x', [...tile('i'), ...whole('d')]), 'x', ['i', 'd']),
      store(
        'y',
        ['i', 'd'],
        [...tile('i'), ...whole('d')],
        call('float', call('int', call('mul', r(value('x', [...tile('i'), ...whole('d')])), f(8)))),
      ),
    ],
  )
  const [a, b, g, s] = [
    value('a', [...tile('i'), ...whole('d')]),
    value('b', [...tile('j'), ...whole('d')]),
    value('g', tile('i', 'j')),
    value('s', [...tile('i'), ...whole('d')]),
  ]
  const [sum, part] = [value('total', [...tile('i'), ...whole('d')]), value('part', [...tile('i'), ...whole('d')])]
  const step = kernel(
    'step',
    [['i', 4]],
    [
      load(a, 'y', ['i', 'd']),
      {
        kind: 'loop',
        over: {
          kind: 'tiles',
          direction: 'up',
          axis: 'j',
          tile: 4,
          from: n(1),
          to: call('sub', sizeRef('j'), n(1)),
          head: [],
          skip: undefined,
        },
        carried: [{ value: sum, initial: r(a), next: 's' }],
        body: [
          load(b, 'y2', ['j', 'd']),
          { kind: 'contract', to: g, left: 'a', right: 'b', over: 'd', where: undefined },
          { kind: 'contract', to: part, left: 'g', right: 'b', over: 'j', where: undefined },
          map(s, call('add', r(part), call('mul', r(sum), f(0.25)))),
        ],
      },
      store('z', ['i', 'd'], [...tile('i'), ...whole('d')], call('div', r(sum), f(100))),
    ],
  )
  const [p, q, p2] = [value('p'), value('w'), value('p2')]
  const last = kernel(
    'last',
    [['i']],
    [
      {
        kind: 'loop',
        over: { kind: 'rounds', count: call('add', n(2), n(3)) },
        carried: [
          { value: p, initial: call('float', indexRef('i')), next: 'w' },
          { value: q, initial: f(1), next: 'p2' },
        ],
        body: [map(p2, call('add', r(p), r(q)))],
      },
      store('fib', ['i'], [], r(p)),
    ],
  )
  const buffers = [
    buffer('x', ['i', 'd']),
    buffer('y2', ['j', 'd']),
    buffer('y', ['i', 'd'], 'workspace'),
    buffer('z', ['i', 'd'], 'result'),
    buffer('fib', ['i'], 'result'),
  ]
  return program('again', ['i', 'j', 'd'], { d: 3 }, buffers, [
    first,
    { kind: 'rounds', count: n(3), steps: [step], become: [{ to: 'y', from: 'z' }] },
    last,
  ])
}

/** Rows picked through a table, clamped or zero outside, and indices of all kinds. */
export function gathered(storage: StorageType = 'f32'): Program {
  const [t, c, z, m] = [
    value('t', tile('j'), 'i32'),
    value('c', [...tile('j'), ...whole('d')]),
    value('zero', [...tile('j'), ...whole('d')]),
    value('m', tile('j'), 'bool'),
  ]
  const body: readonly Statement[] = [
    load(t, 'table', ['j']),
    load(m, 'keep', ['j']),
    { kind: 'load', to: c, buffer: 'x', index: { p: r(t), d: indexRef('d') }, outside: 'clamp' },
    { kind: 'load', to: z, buffer: 'x', index: { p: call('sub', r(t), n(1)), d: indexRef('d') }, outside: 'zero' },
    store('clamped', ['j', 'd'], [...tile('j'), ...whole('d')], r(c)),
    store('zeroed', ['j', 'd'], [...tile('j'), ...whole('d')], call('select', r(m), call('add', r(z), r(c)), f(0.3))),
    store('kept', ['j'], tile('j'), call('and', r(m), call('lt', r(t), sizeRef('p')))),
    store('wrapped', ['j'], tile('j'), call('mul', call('add', r(t), n(2147483000)), n(65537))),
  ]
  const buffers = [
    buffer('table', ['j'], 'input', 'i32'),
    buffer('keep', ['j'], 'input', 'bool'),
    buffer('x', ['p', 'd'], 'input', storage),
    buffer('clamped', ['j', 'd'], 'result', storage),
    buffer('zeroed', ['j', 'd'], 'result'),
    buffer('kept', ['j'], 'result', 'bool'),
    buffer('wrapped', ['j'], 'result', 'i32'),
  ]
  return program('pick', ['j', 'p', 'd'], { d: 3 }, buffers, [kernel('rows', [['j', 4]], body)])
}

/** Column sums over admitted rows, heads mixed by a matrix, and folds to scalars; a mask that is no pure expression. */
export function columns(h: number): Program {
  const [q, k, s, w, u] = [
    value('q', [...whole('h'), ...tile('i'), ...whole('d')]),
    value('k', [...whole('h'), ...tile('j'), ...whole('d')]),
    value('s', [...tile('i', 'j'), ...whole('h')]),
    value('w', whole('h', 'g')),
    value('u', [...tile('i', 'j'), ...whole('g')]),
  ]
  const [di, dj, ok] = [
    value('di', tile('i'), 'i32'),
    value('dj', tile('j'), 'i32'),
    value('ok', tile('i', 'j'), 'bool'),
  ]
  const [sums, parts, next, counts, count, counted] = [
    value('sums', [...tile('j'), ...whole('g')]),
    value('parts', [...tile('j'), ...whole('g')]),
    value('nextsums', [...tile('j'), ...whole('g')]),
    value('counts', tile('j'), 'i32'),
    value('rows', tile('j'), 'i32'),
    value('counted', tile('j'), 'i32'),
  ]
  const [low, high, apart] = [value('low', [], 'i32'), value('high', [], 'i32'), value('apart', [], 'bool')]
  const [same, sames] = [value('same', tile('j')), value('product', [...tile('j'), ...whole('g')])]
  const [left] = [value('left', tile('i'))]
  const body: readonly Statement[] = [
    load(k, 'k', ['h', 'j', 'd']),
    load(w, 'w', ['h', 'g']),
    load(dj, 'doc', ['x'], { x: indexRef('j') }),
    { kind: 'reduce', to: high, of: r(dj), over: 'j', op: 'max', where: undefined },
    {
      kind: 'loop',
      over: {
        kind: 'tiles',
        direction: 'up',
        axis: 'i',
        tile: 4,
        from: undefined,
        to: undefined,
        skip: 'apart',
        head: [
          load(di, 'doc', ['x'], { x: indexRef('i') }),
          { kind: 'reduce', to: low, of: r(di), over: 'i', op: 'min', where: undefined },
          map(apart, call('lt', r(high), r(low))),
        ],
      },
      carried: [
        { value: sums, initial: f(0), next: 'nextsums' },
        { value: counts, initial: n(0), next: 'counted' },
      ],
      body: [
        load(q, 'q', ['h', 'i', 'd']),
        { kind: 'contract', to: s, left: 'q', right: 'k', over: 'd', where: undefined },
        { kind: 'contract', to: u, left: 's', right: 'w', over: 'h', where: undefined },
        {
          kind: 'mask',
          to: ok,
          expr: call('eq', call('mod', call('add', r(di), n(7)), n(3)), call('mod', call('add', r(dj), n(7)), n(3))),
          full: undefined,
        },
        { kind: 'reduce', to: parts, of: call('exp', r(u)), over: 'i', op: 'sum', where: 'ok' },
        map(next, call('add', r(sums), r(parts))),
        { kind: 'reduce', to: count, of: kernelConst(true, 'bool'), over: 'i', op: 'count', where: 'ok' },
        map(counted, call('add', r(counts), r(count))),
        map(left, call('float', r(di))),
        { kind: 'contract', to: same, left: 'left', right: 'left', over: 'i', where: 'ok' },
        { kind: 'contract', to: sames, left: 'left', right: 'u', over: 'i', where: 'ok' },
        {
          kind: 'store',
          buffer: 'last',
          index: indices(['j', 'g']),
          axes: [...tile('j'), ...whole('g')],
          value: call('add', r(sames), r(same)),
        },
      ],
    },
    store('sums', ['j', 'g'], [...tile('j'), ...whole('g')], r(sums)),
    store('counts', ['j'], tile('j'), r(counts)),
  ]
  const buffers = [
    buffer('q', ['h', 'i', 'd']),
    buffer('k', ['h', 'j', 'd']),
    buffer('w', ['h', 'g']),
    buffer('doc', ['x'], 'input', 'i32'),
    buffer('sums', ['j', 'g'], 'result'),
    buffer('counts', ['j'], 'result', 'i32'),
    buffer('last', ['j', 'g'], 'result'),
  ]
  return program('mixed', ['i', 'j', 'd', 'h', 'g', 'x'], { d: 5, h, g: 3 }, buffers, [
    kernel('down', [['j', 4]], body),
  ])
}
