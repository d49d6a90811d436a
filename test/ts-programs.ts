/** Programs written by hand for the tests of targets, in the shapes that the planner makes. */
import type { Axis } from '../compiler/attention.ts'
import type { ElementType } from '../compiler/ir.ts'
import {
  type Buffer,
  kernelCall as call,
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelConst,
  type Program,
  type Statement,
  type Value,
  type ValueAxis,
  valueRef,
} from '../compiler/kernel.ts'

export const span = { file: 'test.attn', start: 0, end: 0 } as unknown as Axis['span']
export const f = (value: number): KernelExpr => kernelConst(value, 'f32')
export const n = (value: number): KernelExpr => kernelConst(value, 'i32')
export const tile = (...axes: readonly string[]): readonly ValueAxis[] => axes.map((axis) => ({ axis, extent: 'tile' }))
export const whole = (...axes: readonly string[]): readonly ValueAxis[] =>
  axes.map((axis) => ({ axis, extent: 'whole' }))
export const value = (name: string, axes: readonly ValueAxis[] = [], type: ElementType = 'f32'): Value => ({
  name,
  type,
  axes,
})
export const indices = (axes: readonly string[]): Readonly<Record<string, KernelExpr>> =>
  Object.fromEntries(axes.map((axis) => [axis, indexRef(axis)]))
export const axis = (name: string, time: Axis['time'] = 'run'): Axis => ({
  name,
  length: { kind: 'input' },
  time,
  span,
})
export const load = (to: Value, buffer: string, axes: readonly string[], index = indices(axes)): Statement => ({
  kind: 'load',
  to,
  buffer,
  index,
  outside: 'never',
})
export const map = (to: Value, expr: KernelExpr): Statement => ({ kind: 'map', to, expr })

export interface SoftmaxShape {
  readonly d: number
  readonly e: number
  readonly ti: number
  readonly tj: number
  readonly causal: boolean
}

/** softmax(q k^T / sqrt d) v, streaming over tiles of keys, with its log-sum-exp. */
export function softmaxProgram({ d, e, ti, tj, causal }: SoftmaxShape, storage: Buffer['storage'] = 'f32'): Program {
  const [q, k, v] = [
    value('q', [...tile('i'), ...whole('d')]),
    value('k', [...tile('j'), ...whole('d')]),
    value('v', [...tile('j'), ...whole('e')]),
  ]
  const [dot, score] = [value('dot', tile('i', 'j')), value('score', tile('i', 'j'))]
  const admitted = value('admitted', tile('i', 'j'), 'bool')
  const [full, skip] = [value('full', [], 'bool'), value('skip', [], 'bool')]
  const [m, z, o] = [
    value('highest', tile('i')),
    value('total', tile('i')),
    value('sum', [...tile('i'), ...whole('e')]),
  ]
  const [top, m2, ref, factor] = [
    value('tile_highest', tile('i')),
    value('next_highest', tile('i')),
    value('reference', tile('i')),
    value('factor', tile('i')),
  ]
  const [p, pz, z2, pv, o2] = [
    value('weight', tile('i', 'j')),
    value('tile_total', tile('i')),
    value('next_total', tile('i')),
    value('product', [...tile('i'), ...whole('e')]),
    value('next_sum', [...tile('i'), ...whole('e')]),
  ]
  const r = valueRef
  const where = causal ? admitted.name : undefined
  const mask: readonly Statement[] = causal
    ? [{ kind: 'mask', to: admitted, expr: call('le', indexRef('j'), indexRef('i')), full: full.name }]
    : []
  const head: readonly Statement[] = causal
    ? [
        map(full, call('le', indexRef('j', 'last'), indexRef('i', 'first'))),
        map(skip, call('lt', indexRef('i', 'last'), indexRef('j', 'first'))),
      ]
    : []
  const body: readonly Statement[] = [
    load(q, 'q', ['b', 'h', 'i', 'd']),
    {
      kind: 'loop',
      over: {
        kind: 'tiles',
        direction: 'up',
        axis: 'j',
        tile: tj,
        from: undefined,
        head,
        to: causal ? call('add', indexRef('i', 'last'), n(1)) : undefined,
        skip: causal ? skip.name : undefined,
      },
      carried: [
        { value: m, initial: f(-Infinity), next: m2.name },
        { value: z, initial: f(0), next: z2.name },
        { value: o, initial: f(0), next: o2.name },
      ],
      body: [
        load(k, 'k', ['b', 'h', 'j', 'd']),
        load(v, 'v', ['b', 'h', 'j', 'e']),
        { kind: 'contract', to: dot, left: 'q', right: 'k', over: 'd', where: undefined },
        map(score, call('mul', r(dot), f(1 / Math.sqrt(d)))),
        ...mask,
        { kind: 'reduce', to: top, of: r(score), over: 'j', op: 'max', where },
        map(m2, call('max', r(m), r(top))),
        map(ref, call('select', call('eq', r(m2), f(-Infinity)), f(0), r(m2))),
        map(factor, call('exp', call('sub', r(m), r(ref)))),
        map(p, call('exp', call('sub', r(score), r(ref)))),
        { kind: 'reduce', to: pz, of: r(p), over: 'j', op: 'sum', where },
        map(z2, call('add', call('mul', r(z), r(factor)), r(pz))),
        { kind: 'contract', to: pv, left: p.name, right: 'v', over: 'j', where },
        map(o2, call('add', call('mul', r(o), r(factor)), r(pv))),
      ],
    },
    {
      kind: 'store',
      buffer: 'out',
      index: indices(['b', 'h', 'i', 'e']),
      axes: [...tile('i'), ...whole('e')],
      value: call('select', call('eq', r(z), f(0)), f(0), call('div', r(o), r(z))),
    },
    {
      kind: 'store',
      buffer: 'lse',
      index: indices(['b', 'h', 'i']),
      axes: tile('i'),
      value: call('add', r(m), call('log', r(z))),
    },
  ]
  const kernel: Kernel = {
    kind: 'kernel',
    name: 'forward',
    doc: 'the weighted mean of values, and the logarithm of the weights’ sum',
    grid: [
      { axis: 'b', tile: undefined },
      { axis: 'h', tile: undefined },
      { axis: 'i', tile: ti },
    ],
    body,
  }
  const buffer = (name: string, axes: readonly string[], role: Buffer['role'] = 'input', type = storage): Buffer => ({
    name,
    axes,
    storage: type,
    role,
  })
  return {
    name: causal ? 'causal' : 'softmax',
    doc: ['Softmax attention.'],
    sizes: { d, e },
    params: [],
    steps: [kernel],
    axes: [axis('b'), axis('h'), axis('i'), axis('j'), axis('d', 'compile'), axis('e', 'compile')],
    buffers: [
      buffer('q', ['b', 'h', 'i', 'd']),
      buffer('k', ['b', 'h', 'j', 'd']),
      buffer('v', ['b', 'h', 'j', 'e']),
      buffer('out', ['b', 'h', 'i', 'e'], 'result'),
      buffer('lse', ['b', 'h', 'i'], 'result', 'f32'),
    ],
  }
}
