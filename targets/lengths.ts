/** Lengths and parameters of a launch: what each rests on, and the order in which a target works them out. */
import type { Axis, ParamDecl } from '../compiler/attention.ts'
import { invariant } from '../compiler/invariant.ts'
import type { Expr } from '../compiler/ir.ts'
import { type KernelExpr, kernelCall, kernelConst, type Program, paramRef, sizeRef } from '../compiler/kernel.ts'

/** A uniform expression of the source: sizes, params and constants. */
export function uniform(e: Expr): KernelExpr {
  if (e.kind === 'const') return kernelConst(e.value, e.type)
  if (e.kind === 'size') return sizeRef(e.axis)
  if (e.kind === 'param') return paramRef(e.name, e.type)
  if (e.kind === 'spread') return uniform(e.of)
  invariant(e.kind === 'call', `${e.kind} in a length, default or range`)
  return kernelCall(e.op, ...e.args.map(uniform))
}

/** How a target spells the definitions of one. */
export interface Defining {
  /** @param needs  puts the definition of another axis before this one */
  readonly axis: (axis: Axis, print: (e: Expr) => string, needs: (axis: string) => void) => readonly string[]
  readonly param: (param: ParamDecl, print: (e: Expr) => string) => readonly string[]
  readonly print: (e: KernelExpr) => string
}

/** Lines that define every length and parameter, each after those that it rests on. */
export function definitionsInOrder(program: Program, defining: Defining): readonly string[] {
  const done = new Set<string>()
  const lines: string[] = []
  const print = (e: Expr): string => {
    for (const ref of refsOf(uniform(e))) need(ref)
    return defining.print(uniform(e))
  }
  const need = (key: string): void => {
    if (done.has(key)) return
    done.add(key)
    const axis = program.axes.find(({ name }) => key === `size ${name}`)
    const param = program.params.find(({ name }) => key === `param ${name}`)
    if (axis) lines.push(...defining.axis(axis, print, (name) => need(`size ${name}`)))
    if (param) lines.push(...defining.param(param, print))
  }
  for (const { name } of program.axes) need(`size ${name}`)
  for (const { name } of program.params) need(`param ${name}`)
  return lines
}

const refsOf = (e: KernelExpr): readonly string[] =>
  e.kind === 'size'
    ? [`size ${e.axis}`]
    : e.kind === 'param'
      ? [`param ${e.name}`]
      : e.kind === 'call'
        ? e.args.flatMap(refsOf)
        : []
