/** Source expressions to IR: names resolved, conversions and axes made explicit. */
import type * as ast from '../../grammar/ast.ts'
import { together } from '../../grammar/suggest.ts'
import * as errors from '../errors.ts'
import { unreachable } from '../invariant.ts'
import { bool, children, type Expr, f32, i32, index, size } from '../ir.ts'
import { conventionalAxes } from './axes.ts'
import { elaborateBody, elaborateSolve } from './blocks.ts'
import { builtins, folds, isFold, isScan } from './builtins.ts'
import { type AxisUse, type Env, findBinding, isPoison, namesInScope, poison, report, spend } from './context.ts'
import { type Arguments, expand } from './functions.ts'
import { apply, areBools, binary, negate, type Operand, operand, select } from './operators.ts'
import { fold } from './reductions.ts'
import { type Item, substitute } from './substitution.ts'

/** Operations that may follow on each other: a bound on the recursion of whoever walks the IR. */
const maxHeight = 1_000
/** Expressions that stand inside each other, with the lets and functions between them: a bound on the recursion here. */
const maxDepth = 1_100

/**
 * The IR of an expression; `poison` after an error, which has been reported. In an index position a quotient of integers is
 * rounded down; the position reaches through integer arithmetic, not into arguments or conditions.
 */
export function elaborate(e: ast.Expr, env: Env, inIndex = false): Expr {
  if (!spend(env, e.span)) return poison
  const { context } = env
  context.depth += 1
  const made = context.depth <= maxDepth ? elaborateKind(e, env, inIndex) : undefined
  context.depth -= 1
  if (made && heightOf(made) <= maxHeight) {
    context.seen?.(e, made, env.calls.length)
    return made
  }
  report(env, errors.tooDeep(e.span, maxHeight))
  return poison
}

function elaborateKind(e: ast.Expr, env: Env, inIndex: boolean): Expr {
  switch (e.kind) {
    case 'number':
      return e.integer ? i32(e.value, e.span) : f32(e.value, e.span)
    case 'bool':
      return bool(e.value, e.span)
    case 'name':
      return elaborateName(e, env)
    case 'unary': {
      const of = operandOf(e.of, env, e.op === '-' && inIndex)
      if (e.op === '-') return negate(env, of, e.span)
      return areBools(env, "'not'", [of]) ? apply(env, 'not', [of.value], e.span) : poison
    }
    case 'binary':
      return binary(env, e.op, operandOf(e.left, env, inIndex), operandOf(e.right, env, inIndex), e.span, inIndex)
    case 'if': {
      const condition = operandOf(e.condition, env)
      return select(env, condition, operandOf(e.yes, env, inIndex), operandOf(e.no, env, inIndex), e.span)
    }
    case 'call':
      return elaborateCall(e, env, inIndex)
    case 'substitute':
      return elaborateSubstitute(e, env)
    case 'solve':
      return elaborateSolve(e, env, elaborate)
    default:
      return unreachable(e)
  }
}

const operandOf = (e: ast.Expr, env: Env, inIndex = false): Operand => operand(elaborate(e, env, inIndex), e.span)

const heights = new WeakMap<Expr, number>()

/** Nodes from `e` down to its deepest leaf. Its operands have been asked about before, so this goes down a few nodes only. */
function heightOf(e: Expr): number {
  const known = heights.get(e)
  if (known !== undefined) return known
  const height = 1 + Math.max(0, ...children(e).map((child) => heightOf(child)))
  heights.set(e, height)
  return height
}

/** A value of that name; if there is none, the index of the axis. */
function elaborateName(name: ast.Name, env: Env): Expr {
  const binding = findBinding(env.names, name.text)
  if (binding) return binding(name.span)
  const axis = findAxis(env, name.text)
  if (axis) return index(axis.axis, name.span)
  const isFunction = env.functions.has(name.text) || Object.hasOwn(builtins, name.text) || isFold(name.text)
  if (isFunction) report(env, errors.functionAsValue(name.span, name.text))
  else report(env, errors.unknownName(name.span, name.text, together(namesInScope(env.names), axisNames(env))))
  return poison
}

function findAxis(env: Env, name: string): AxisUse | undefined {
  const given = env.axisParams.get(name)
  if (given) return given
  const known = conventionalAxes.includes(name) || (env.inAttention && env.context.axes.entries.has(name))
  return known ? { axis: name, where: undefined } : undefined
}

export const axisNames = (env: Env): Iterable<string> =>
  together(env.axisParams.keys(), conventionalAxes, env.inAttention ? env.context.axes.entries.keys() : [])

/** The axes that names in brackets stand for; undefined after an error. */
export function resolveAxes(env: Env, names: readonly ast.Name[]): readonly AxisUse[] | undefined {
  const found = names.map((name) => {
    const use = findAxis(env, name.text)
    if (!use) report(env, errors.unknownAxis(name.span, name.text, axisNames(env)))
    return use
  })
  const twice = names.filter((_, k) => found[k] && found.findIndex((use) => use?.axis === found[k]?.axis) < k)
  for (const { span, text } of twice) report(env, errors.axisTwice(span, text, 'list of axes'))
  return twice.length === 0 && found.every((use) => use !== undefined) ? found : undefined
}

function elaborateCall(e: ast.Call, env: Env, inIndex: boolean): Expr {
  const { callee } = e
  const entry = env.functions.get(callee.text)
  if (!entry && callee.text === 'size') return elaborateSize(e, env)
  const where = e.where && operandOf(e.where, env)
  const through = !entry && inIndex && ['min', 'max', 'clamp', 'abs', 'sign'].includes(callee.text)
  const args = e.args.map((arg) => operandOf(arg, env, through))
  const axes = resolveAxes(env, e.axes)
  if (!axes || (where && !areBools(env, "'where'", [where]))) return poison
  if (entry) {
    const given: Arguments = {
      axes: where ? axes.map(({ axis }) => ({ axis, where: where.value })) : axes,
      values: args.map(({ value }) => value),
      span: e.span,
    }
    return expand(env, entry, given, elaborateBody(elaborate))
  }
  if (isFold(callee.text) && (axes.length > 0 || !Object.hasOwn(builtins, callee.text))) {
    return elaborateFold(e, callee.text, env, axes, where, args)
  }
  return elaborateBuiltin(e, env, args)
}

function elaborateFold(
  e: ast.Call,
  name: keyof typeof folds,
  env: Env,
  over: readonly AxisUse[],
  where: Operand | undefined,
  args: readonly Operand[],
): Expr {
  if (over.length === 0) {
    report(env, errors.foldWithoutAxes(e.span, name))
    return poison
  }
  if (isScan(name) && over.length > 1) {
    report(env, errors.wrongAxisCount(e.span, name, `${name}[x](value)`, over.length, undefined))
    return poison
  }
  if (!folds[name].includes(args.length)) {
    report(
      env,
      errors.wrongArgumentCount(
        e.span,
        name,
        `${name}[${over.map((u) => u.axis).join(', ')}](value)`,
        args.length,
        undefined,
      ),
    )
    return poison
  }
  return fold(env, { name, over, where, body: args[0], span: e.span })
}

function elaborateBuiltin(e: ast.Call, env: Env, args: readonly Operand[]): Expr {
  const name = e.callee.text
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined
  if (!builtin) {
    reportUnknownCallee(e, env)
    return poison
  }
  if (e.axes.length > 0) {
    report(env, errors.wrongAxisCount(e.span, name, `${name}(...)`, e.axes.length, undefined))
    return poison
  }
  const [least, most] = builtin.arity
  if (args.length < least || args.length > most) {
    if (isFold(name) && args.length === 1) report(env, errors.foldWithoutAxes(e.span, name))
    else report(env, errors.wrongBuiltinArity(e.span, name, least, most, args.length))
    return poison
  }
  return isPoison(...args.map(({ value }) => value)) ? poison : builtin.apply(env, name, args, e.span)
}

function reportUnknownCallee({ callee }: ast.Call, env: Env): void {
  const isValue = findBinding(env.names, callee.text) !== undefined || findAxis(env, callee.text) !== undefined
  if (isValue) report(env, errors.valueCalled(callee.span, callee.text))
  else report(env, errors.unknownFunction(callee.span, callee.text, functionNames(env)))
}

export const functionNames = (env: Pick<Env, 'functions'>): Iterable<string> =>
  together(env.functions.keys(), Object.keys(builtins), Object.keys(folds), ['size'])

function elaborateSize(e: ast.Call, env: Env): Expr {
  const [arg] = e.args
  const isValue = arg?.kind === 'name' && !findAxis(env, arg.text) && findBinding(env.names, arg.text) !== undefined
  if (e.axes.length > 0 || e.args.length !== 1 || arg?.kind !== 'name' || isValue) {
    report(env, errors.sizeOfWhat(arg?.span ?? e.span))
    return poison
  }
  const [use] = resolveAxes(env, [arg]) ?? []
  return use ? size(use.axis, e.span) : poison
}

function elaborateSubstitute(e: ast.Substitute, env: Env): Expr {
  const of = elaborate(e.of, env)
  const indices = e.items.map((item) => elaborate(item.index, env, true))
  const uses = e.items.map(({ axis }) => {
    const use = findAxis(env, axis.text)
    if (!use) report(env, errors.unknownAxis(axis.span, axis.text, axisNames(env)))
    return use
  })
  const items = e.items.flatMap((item, k): readonly Item[] => {
    const [use, value] = [uses[k], indices[k]]
    if (!use || !value) return []
    const { axis, elseZero, span } = item
    return [
      {
        axis: use.axis,
        name: axis.text,
        axisSpan: axis.span,
        index: value,
        span,
        indexSpan: item.index.span,
        zero: elseZero,
      },
    ]
  })
  return items.length < e.items.length ? poison : substitute(env, of, e.of.span, items, e.span)
}
