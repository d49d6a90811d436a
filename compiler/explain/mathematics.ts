/** The operator as it was understood: every named part with its axes, functions expanded, and where lengths come from. */
import type { Attention, Axis, InputDecl, ParamDecl } from '../attention.ts'
import type { Expr } from '../ir.ts'
import { own } from '../own.ts'
import { createTaken, type Definition, define } from './define.ts'
import { notate, refer } from './notation.ts'

export interface Mathematics {
  readonly definitions: readonly Definition[]
  /** Lengths that are computed from others, or fixed when code is generated. */
  readonly axes: readonly Described[]
  readonly inputs: readonly Described[]
  readonly params: readonly Described[]
}
export interface Described {
  readonly name: string
  readonly text: string
}

const plain = (e: Expr): string => notate(e, () => undefined)

export function explainMathematics(a: Attention, sizes: Readonly<Record<string, number>>): Mathematics {
  const own = new Map<Expr, string>(a.names)
  for (const [name, e] of [
    ['weight', a.weight],
    ['mask', a.mask],
    ['score', a.score],
  ] as const)
    if (e) own.set(e, name)
  const taken = createTaken(namesOf(a))
  const clauses = [a.mask, a.score, a.weight].filter((e) => e !== undefined)
  const { nameOf, definitions } = define(
    [...clauses, ...a.results.map(({ expr }) => expr)],
    () => undefined,
    own,
    taken,
  )
  const results = a.results.map(({ name, axes, expr }): Definition => ({ name, axes, formula: refer(expr, nameOf) }))
  const isShown = (d: Definition): boolean => !results.some((r) => r.name === d.name && r.formula === d.formula)
  return {
    definitions: [...definitions.filter(isShown), ...results],
    axes: a.axes.flatMap((axis) => describeAxis(axis, sizes)),
    inputs: a.inputs.map(describeInput),
    params: a.params.map(describeParam),
  }
}

/** Names that formulas use for something else. */
export const namesOf = (a: Attention): readonly string[] =>
  [...a.axes, ...a.inputs, ...a.params].map(({ name }) => name)

function describeAxis({ name, length, time }: Axis, sizes: Readonly<Record<string, number>>): readonly Described[] {
  const fixed = time === 'compile' && own(sizes, name) !== undefined ? ` = ${sizes[name]}` : ''
  const described = (text: string): readonly Described[] => [{ name, text: text + fixed }]
  switch (length.kind) {
    case 'input':
      return fixed === '' ? [] : [{ name, text: `= ${sizes[name]}` }]
    case 'fixed':
      return described(`= ${plain(length.value)}`)
    case 'like':
      return described(`= size(${length.of})`)
    case 'divides':
      return described(`divides size(${length.of})`)
    case 'part':
      return described(
        `counts ${length.role === 'outer' ? 'blocks of' : 'places in a block of'} ${plain(length.by)} along ${length.of}`,
      )
  }
}

const rangeText = (range: InputDecl['range']): string => (range ? ` in [${plain(range.lo)}, ${plain(range.hi)}]` : '')

function describeInput({ name, axes, type, storage, range, indexes }: InputDecl): Described {
  const kind = type === 'f32' ? (storage ?? '') : type
  const index = indexes === undefined ? '' : `, an index of ${indexes}`
  return {
    name: `${name}${axes.length > 0 ? `[${axes.join(',')}]` : ''}`,
    text: `${kind}${rangeText(range)}${index}`.trim().replace(/^, /, ''),
  }
}

function describeParam({ name, type, default: value, time, range }: ParamDecl): Described {
  const given = value ? `${plain(value)}${rangeText(range)}` : `${type}${rangeText(range)}, to be given`
  return { name, text: time === 'compile' ? `${given}, fixed when code is generated` : given }
}
