/** The functions that a scope sees: its own hide those around it. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import { calleesOf } from '../../grammar/walk.ts'
import * as errors from '../errors.ts'
import * as warnings from '../warnings.ts'
import { builtins, isFold } from './builtins.ts'
import type { Names } from './context.ts'
import type { FunctionEntry, FunctionTable } from './functions.ts'

interface Scope {
  readonly origin: FunctionEntry['origin']
  /** The values of the attention that the functions stand in. */
  readonly names?: Names
}

/** `around` with these functions of one scope in front. */
export function addFunctions(
  around: FunctionTable,
  fns: readonly ast.Fn[],
  { origin, names }: Scope,
  found: Diagnostic[],
): FunctionTable {
  const recursive = findRecursive(fns, found)
  const table = new Map(around)
  const own = new Map<string, ast.Fn>()
  for (const decl of fns) {
    const name = decl.name.text
    const before = own.get(name)
    if (before) {
      found.push(errors.functionTwice(decl.name.span, name, before.name.span))
      continue
    }
    own.set(name, decl)
    warnOfHiding(decl, around, found)
    table.set(name, {
      decl,
      origin,
      functions: () => table,
      names,
      inAttention: origin === 'attention',
      recursive: recursive.has(decl),
    })
  }
  return table
}

function warnOfHiding({ name }: ast.Fn, around: FunctionTable, found: Diagnostic[]): void {
  const hidden = around.get(name.text)
  if (name.text === 'size') found.push(errors.reservedFunction(name.span, name.text))
  else if (hidden) found.push(warnings.hidesFunction(name.span, name.text, hidden.origin, hidden.decl.name.span))
  else if (Object.hasOwn(builtins, name.text) || isFold(name.text)) {
    found.push(warnings.hidesFunction(name.span, name.text, 'builtin', undefined))
  }
}

/** The functions that lie on a circle of calls; each circle is reported once. */
function findRecursive(fns: readonly ast.Fn[], found: Diagnostic[]): ReadonlySet<ast.Fn> {
  const byName = new Map(fns.toReversed().map((fn) => [fn.name.text, fn]))
  const calls = new Map(fns.map((fn) => [fn, calleesOf(fn).flatMap((name) => byName.get(name.text) ?? [])]))
  const out = new Set<ast.Fn>()
  const suspects = leadingToCircles(calls)
  for (const fn of suspects) {
    if (out.has(fn)) continue
    const path = pathBack(fn, calls)
    if (!path) continue
    for (const member of path) out.add(member)
    const [next = fn] = [...path.slice(1), fn]
    const call = calleesOf(fn).find(({ text }) => text === next.name.text)
    found.push(
      errors.recursion(
        call?.span ?? fn.name.span,
        [...path, fn].map(({ name }) => name.text),
      ),
    )
  }
  return out
}

/** The functions that are left when those that call none of the others are taken away, again and again. */
function leadingToCircles(calls: ReadonlyMap<ast.Fn, readonly ast.Fn[]>): readonly ast.Fn[] {
  const callers = new Map<ast.Fn, ast.Fn[]>()
  const left = new Map<ast.Fn, number>()
  for (const [fn, called] of calls) {
    left.set(fn, called.length)
    for (const other of called) callers.set(other, [...(callers.get(other) ?? []), fn])
  }
  const free = [...left].flatMap(([fn, n]) => (n === 0 ? [fn] : []))
  for (let fn = free.pop(); fn; fn = free.pop()) {
    for (const caller of callers.get(fn) ?? []) {
      const n = (left.get(caller) ?? 0) - 1
      left.set(caller, n)
      if (n === 0) free.push(caller)
    }
  }
  return [...left].flatMap(([fn, n]) => (n > 0 ? [fn] : []))
}

/** A shortest way from `fn` over calls back to itself, without its end. */
function pathBack(fn: ast.Fn, calls: ReadonlyMap<ast.Fn, readonly ast.Fn[]>): readonly ast.Fn[] | undefined {
  const from = new Map<ast.Fn, ast.Fn | undefined>([[fn, undefined]])
  for (const [at] of from) {
    for (const next of calls.get(at) ?? []) {
      if (next === fn) return wayTo(at, from)
      if (!from.has(next)) from.set(next, at)
    }
  }
  return undefined
}

function wayTo(end: ast.Fn, from: ReadonlyMap<ast.Fn, ast.Fn | undefined>): readonly ast.Fn[] {
  const path: ast.Fn[] = []
  for (let at: ast.Fn | undefined = end; at; at = from.get(at)) path.unshift(at)
  return path
}
