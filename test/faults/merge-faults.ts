/** Faults of how the states of three parts become one. */

import { call, i32 } from '../../compiler/ir.ts'
import type { Program } from '../../compiler/kernel.ts'
import { type KernelExpr, kernelCall, kernelConst, indexRef as place, type Statement } from '../../compiler/kernel.ts'
import { editAccumulators, editExprs, editFinish, editKind, isCall, isVector, type Site } from './edit.ts'
import type { Fault } from './fault.ts'

const splits = 3
const int = (n: number): KernelExpr => kernelConst(n, 'i32')

/** Within the loop that takes parts together. */
const isMerging = ({ loops }: Site): boolean =>
  loops.some(({ over }) => over.kind === 'members' && over.axis === 'split')
const editMerge = (program: Program, change: (s: Extract<Statement, { kind: 'map' }>) => Statement): Program =>
  editKind(program, 'map', (s, site) => (isMerging(site) ? change(s) : s))
const editPartLoads = (program: Program, which: RegExp, part: KernelExpr): Program =>
  editKind(program, 'load', (s, site) =>
    isMerging(site) && which.test(s.to.name) ? { ...s, index: { ...s.index, split: part } } : s,
  )
const isSide = (side: 'left' | 'right', name: string): boolean => name.startsWith('part_') === (side === 'right')

/** Of `a + b`, the part that speaks of one side. */
const only = (side: 'left' | 'right', e: KernelExpr): KernelExpr => {
  const args = isCall(e, 'add') || isCall(e, 'max') || isCall(e, 'or') ? e.args : []
  return args.find((arg) => namesOf(arg).some((name) => isSide(side, name))) ?? e
}
const namesOf = (e: KernelExpr): readonly string[] =>
  e.kind === 'value' ? [e.name] : e.kind === 'call' ? e.args.flatMap(namesOf) : []

const one = kernelConst(1, 'f32')
const unscaled = (program: Program, name: string): Program =>
  editMerge(program, (s) => (s.to.name === name ? { ...s, expr: one } : s))

export const mergeFaults: readonly Fault[] = [
  {
    name: 'parts joined without a common reference',
    what: 'States of parts are added as they are, each relative to a reference of its own.',
    examples: ['softmax', 'entropy', 'learned_sink'],
    splits,
    kernel: (program) => unscaled(unscaled(program, 'factor'), 'factor2'),
  },
  {
    name: 'newer part not rescaled',
    what: 'Only the older of two states is brought to the common reference.',
    examples: ['softmax', 'causal'],
    splits,
    kernel: (program) => unscaled(program, 'factor2'),
  },
  {
    name: 'older part not rescaled',
    what: 'Only the newer of two states is brought to the common reference.',
    examples: ['softmax', 'grouped_query'],
    splits,
    kernel: (program) => unscaled(program, 'factor'),
  },
  {
    name: 'factors of the parts exchanged',
    what: 'Each of two states is rescaled by the factor of the other.',
    examples: ['softmax', 'documents'],
    splits,
    kernel: (program) =>
      editExprs(program, (e, s, site) => {
        const other = { factor: 'factor2', factor2: 'factor' }[e.kind === 'value' ? e.name : '']
        return e.kind === 'value' && other && isMerging(site) && s.kind === 'map' ? { ...e, name: other } : e
      }),
  },
  {
    name: 'reference of the newer part',
    what: 'The common reference is that of the newer part, which may lie far below.',
    examples: ['softmax', 'causal'],
    splits,
    kernel: (program) =>
      editMerge(program, (s) => (s.to.name === 'new_max' ? { ...s, expr: only('right', s.expr) } : s)),
  },
  {
    name: 'newest part only',
    what: 'The vector is that of the last part.',
    examples: ['softmax', 'sigmoid'],
    splits,
    kernel: (program) =>
      editMerge(program, (s) =>
        /^next/.test(s.to.name) && s.to.axes.length > 1 ? { ...s, expr: only('right', s.expr) } : s,
      ),
  },
  {
    name: 'newest part not in the sum',
    what: 'The denominator leaves out all but nothing of the parts.',
    examples: ['softmax', 'temperature_mixture'],
    splits,
    kernel: (program) =>
      editMerge(program, (s) =>
        /^next/.test(s.to.name) && s.to.axes.length === 1 && s.to.type === 'f32'
          ? { ...s, expr: only('left', s.expr) }
          : s,
      ),
  },
  {
    name: 'rows that see something in the first part only',
    what: 'Whether a row sees a key is asked of its last part.',
    examples: ['causal', 'sliding_window'],
    splits,
    kernel: (program) => editMerge(program, (s) => (s.to.type === 'bool' ? { ...s, expr: only('right', s.expr) } : s)),
  },
  {
    name: 'second part for the third',
    what: 'The last part is not read, the one before twice.',
    examples: ['softmax', 'alibi'],
    splits,
    kernel: (program) => editPartLoads(program, /^part_/, kernelCall('min', place('split'), int(1))),
  },
  {
    name: 'reference of another part',
    what: 'Sums of a part are taken with the reference of the next.',
    examples: ['softmax', 'off_by_one'],
    splits,
    kernel: (program) =>
      editPartLoads(
        program,
        /^part_row_max/,
        kernelCall('mod', kernelCall('add', place('split'), int(1)), int(splits)),
      ),
  },
  {
    name: 'parts that overlap by a key',
    what: 'The first key of a part is the last of the one before, too.',
    examples: ['softmax', 'sigmoid'],
    splits,
    kernel: (program) => editPartEnds(program, 1),
  },
  {
    name: 'a key between parts',
    what: 'The last key of each part belongs to none.',
    examples: ['softmax', 'z_score'],
    splits,
    kernel: (program) => editPartEnds(program, -1),
  },
  {
    name: 'ordered parts in another order',
    what: 'Parts of a walk from the end are taken together from the start.',
    examples: ['falling'],
    splits,
    kernel: (program) =>
      editKind(program, 'loop', (s) =>
        s.over.kind === 'members' && s.over.axis === 'split'
          ? { ...s, over: { ...s.over, direction: s.over.direction === 'up' ? 'down' : 'up' } }
          : s,
      ),
  },
  {
    name: 'running sum not handed on',
    what: 'A part does not follow the running sum of those beyond it.',
    examples: ['falling'],
    splits,
    plan: (plan) => editAccumulators(plan, (a) => ({ ...a, degrees: [] })),
  },
  {
    name: 'sink once for each part',
    what: 'The constant of the denominator is added by every part.',
    examples: ['off_by_one', 'learned_sink'],
    splits,
    plan: (plan) =>
      editFinish(plan, (e) => {
        const [sum, sink] = e.kind === 'call' && e.op === 'add' ? e.args : []
        return sum && sink?.kind === 'call' && sink.op === 'exp'
          ? call('add', [sum, call('mul', [call('float', [i32(splits)]), sink])])
          : e
      }),
  },
  {
    name: 'moments of parts about their own centres',
    what: 'Moments are added though each part has a centre of its own.',
    examples: ['z_score', 'centered_tanh', 'entropy'],
    splits,
    plan: (plan) => editAccumulators(plan, (a) => ({ ...a, degrees: a.degrees.map((d) => ({ ...d, moment: 0 })) })),
  },
  {
    name: 'vector of parts not rescaled',
    what: 'Neither tiles nor parts rescale the accumulated vector.',
    examples: ['power'],
    splits,
    plan: (plan) => editAccumulators(plan, (a) => (isVector(a) ? { ...a, degrees: [] } : a)),
  },
]

const editPartEnds = (program: Program, by: number): Program =>
  editKind(program, 'loop', (s) => {
    if (s.over.kind !== 'tiles' || !s.over.to || !JSON.stringify(s.over.to).includes('"split"')) return s
    return { ...s, over: { ...s.over, to: kernelCall('add', s.over.to, int(by)) } }
  })
