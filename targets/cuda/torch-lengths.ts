/** What the fake of an operator does: lines of Python that check its inputs and find the lengths of its results. */
import type { Axis, ParamDecl } from '../../compiler/attention.ts'
import { invariant } from '../../compiler/invariant.ts'
import type { Expr } from '../../compiler/ir.ts'
import type { KernelExpr, Program } from '../../compiler/kernel.ts'
import { atom, printExpr, type Words } from '../expression.ts'
import { definitionsInOrder } from '../lengths.ts'
import type { Names } from '../names.ts'
import { pythonConstant, pythonSpellings } from '../python.ts'
import { torchTypes } from './torch-types.ts'

/** The names of what an operator is given. */
export interface FakeNames {
  readonly op: string
  readonly names: Names // of its scope
  readonly tensors: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}

interface Lines {
  readonly lines: readonly string[]
  readonly lengths: ReadonlyMap<string, string> // of each axis of a result, as it can be written
}

export function fakeLines(program: Program, { op, names, tensors, params }: FakeNames): Lines {
  const inputs = program.buffers.filter(({ role }) => role === 'input')
  const results = program.buffers.filter(({ role }) => role === 'result')
  const sizes = new Map(program.axes.map(({ name }) => [name, names.fresh(name)]))
  const known = new Map(params) // and those that nobody gives
  const size = (axis: string): string => String(program.sizes[axis] ?? sizes.get(axis))
  const needs = new Map<string, Set<string>>() // what the lines of each rest on
  const defined = new Map<string, readonly string[]>()
  let under = new Set<string>()

  const define = (key: string, lines: () => readonly string[]): readonly string[] => {
    const before = under
    under = new Set()
    needs.set(key, under)
    defined.set(key, lines())
    under = before
    return [key] // in order
  }
  const words: Words = {
    constant: pythonConstant,
    value: () => invariant(false, 'a value in a length') as never,
    index: () => invariant(false, 'an index in a length') as never,
    size: ({ axis }) => {
      under.add(`size ${axis}`)
      return atom(size(axis))
    },
    param: ({ name }) => {
      under.add(`param ${name}`)
      return atom(known.get(name) ?? '')
    },
    ops: pythonSpellings,
  }
  const print = (e: KernelExpr): string =>
    printExpr(e, words).text.replace(/^\((.*)\)$/s, (whole, inner: string) => (isOne(inner) ? inner : whole))

  const axisLines = ({ name, length }: Axis, printed: (e: Expr) => string, need: (axis: string) => void) => {
    const places = inputs.flatMap(({ name: tensor, axes }) =>
      axes.flatMap((axis, n) =>
        axis === name ? [`("${tensors.get(tensor)}", ${tensors.get(tensor)}.shape[${n}])`] : [],
      ),
    )
    if (places.length > 0)
      return [
        `${sizes.get(name)} = _length("${op}", "${name}", ${program.sizes[name] ?? 'None'}, ${places.join(', ')})`,
      ]
    if (program.sizes[name] !== undefined || length.kind === 'input') return []
    if (length.kind === 'fixed') return [`${sizes.get(name)} = ${printed(length.value)}`]
    need(length.of)
    under.add(`size ${length.of}`)
    if (length.kind === 'like') return [`${sizes.get(name)} = ${size(length.of)}`]
    if (length.kind === 'divides') return []
    const by = printed(length.by)
    return [`${sizes.get(name)} = ${length.role === 'inner' ? by : `-(-${size(length.of)} // ${by})`}`]
  }
  const paramLines = ({ name, time, default: other }: ParamDecl, printed: (e: Expr) => string): readonly string[] => {
    if (other === undefined) return []
    const own = known.get(name) ?? names.fresh(name)
    known.set(name, own)
    return [time === 'run' ? `${own} = ${printed(other)} if ${own} is None else ${own}` : `${own} = ${printed(other)}`]
  }
  const order = definitionsInOrder(program, {
    axis: (axis, printed, need) => define(`size ${axis.name}`, () => axisLines(axis, printed, need)),
    param: (param, printed) => define(`param ${param.name}`, () => paramLines(param, printed)),
    print,
  })
  const wanted = new Set<string>()
  const want = (key: string): void => {
    if (wanted.has(key)) return
    wanted.add(key)
    for (const other of needs.get(key) ?? []) want(other)
  }
  for (const { axes } of [...inputs, ...results]) for (const axis of axes) want(`size ${axis}`)
  const checks = inputs.map(({ name, axes, storage }) => {
    const text = axes.map((axis) => `"${axis}"`).join(', ')
    return `_check("${op}", "${tensors.get(name)}", ${tensors.get(name)}, torch.${torchTypes[storage]}, [${text}])`
  })
  return {
    lines: [...checks, ...order.filter((key) => wanted.has(key)).flatMap((key) => defined.get(key) ?? [])],
    lengths: new Map(results.flatMap(({ axes }) => axes.map((axis) => [axis, size(axis)]))),
  }
}

/** Whether no parenthesis within closes one that was opened outside. */
function isOne(text: string): boolean {
  let depth = 0
  for (const sign of text) {
    if (sign === '(') depth++
    else if (sign === ')' && --depth < 0) return false
  }
  return depth === 0
}
