/** The names in the body of a function, which is otherwise looked at only where it is called. */
import { type Block, type Call, childrenOf, type Expr, type Fn, type Let, type Name } from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import { together } from '../../grammar/suggest.ts'
import * as errors from '../errors.ts'
import { conventionalAxes } from './axes.ts'
import { builtins, isFold } from './builtins.ts'
import { functionNames } from './expression.ts'
import { type FunctionTable, signature } from './functions.ts'

/** What a function sees besides its parameters. */
interface Outside {
  readonly functions: FunctionTable
  readonly values: readonly string[]
  readonly axes: readonly string[]
  readonly found: Diagnostic[]
}

interface Inside extends Outside {
  readonly names: ReadonlySet<string>
}

export function checkNames(fn: Fn, outside: Outside): void {
  const { axes, params, body } = fn
  checkTwice(axes, outside.found)
  checkTwice(params, outside.found)
  const inside: Inside = {
    ...outside,
    names: new Set([...outside.values, ...params.map(({ text }) => text)]),
    axes: [...outside.axes, ...conventionalAxes, ...axes.map(({ text }) => text)],
  }
  if (body.kind === 'block') checkBlock(body, inside)
  else checkExpr(body, inside)
}

function checkBlock(body: Block, inside: Inside): void {
  const names = new Set(inside.names)
  const scope: Inside = { ...inside, names }
  const define = ({ name, value }: Let, into: Set<string>, seen: Inside): void => {
    checkExpr(value, seen)
    into.add(name.text)
  }
  for (const statement of body.statements) {
    if (statement.kind === 'let') define(statement, names, scope)
    else {
      checkExpr(statement.count, scope)
      const local = new Set(names)
      for (const inner of statement.body) define({ ...inner, kind: 'let' }, local, { ...scope, names: local })
    }
  }
  checkExpr(body.value, scope)
}

function checkTwice(names: readonly Name[], found: Diagnostic[]): void {
  for (const [k, { text, span }] of names.entries()) {
    const before = names.findIndex((name) => name.text === text)
    if (before < k) found.push(errors.definedTwice(span, text, names[before]!.span))
  }
}

function checkExpr(e: Expr, inside: Inside): void {
  if (e.kind === 'name') checkName(e, inside)
  else if (e.kind === 'call') checkCall(e, inside)
  else checkChildren(e, inside)
}

function checkChildren(e: Expr, inside: Inside): void {
  if (e.kind === 'substitute') for (const { axis } of e.items) checkAxis(axis, inside)
  if (e.kind === 'solve') {
    checkExpr(e.low, inside)
    checkExpr(e.high, inside)
    checkExpr(e.of, { ...inside, names: new Set([...inside.names, e.variable.text]) })
  } else for (const child of childrenOf(e)) checkExpr(child, inside)
}

function checkName({ text, span }: Name, { names, axes, functions, found }: Inside): void {
  if (names.has(text) || axes.includes(text)) return
  const isFunction = functions.has(text) || Object.hasOwn(builtins, text) || isFold(text)
  found.push(isFunction ? errors.functionAsValue(span, text) : errors.unknownName(span, text, together(names, axes)))
}

function checkAxis({ text, span }: Name, { axes, found }: Inside): void {
  if (!axes.includes(text)) found.push(errors.unknownAxis(span, text, axes))
}

function checkCall(e: Call, inside: Inside): void {
  const { functions, names, axes, found } = inside
  const name = e.callee.text
  const entry = functions.get(name)
  if (!entry && name === 'size') {
    const [arg] = e.args
    const isAxis = arg?.kind === 'name' && e.args.length === 1 && (axes.includes(arg.text) || !names.has(arg.text))
    if (isAxis) checkAxis(arg, inside)
    else found.push(errors.sizeOfWhat(arg?.span ?? e.span))
    return
  }
  for (const axis of e.axes) checkAxis(axis, inside)
  for (const child of childrenOf(e)) checkExpr(child, inside)
  if (entry) {
    const { decl } = entry
    if (e.axes.length !== decl.axes.length) {
      found.push(errors.wrongAxisCount(e.span, name, signature(decl), e.axes.length, decl.name.span))
    }
    if (e.args.length !== decl.params.length) {
      found.push(errors.wrongArgumentCount(e.span, name, signature(decl), e.args.length, decl.name.span))
    }
  } else if (!Object.hasOwn(builtins, name) && !isFold(name)) {
    const isValue = names.has(name) || axes.includes(name)
    found.push(
      isValue
        ? errors.valueCalled(e.callee.span, name)
        : errors.unknownFunction(e.callee.span, name, functionNames(inside)),
    )
  }
}
