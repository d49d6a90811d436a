/** Walks over source expressions. */
import { type Call, childrenOf, type Expr, type Fn, type Name } from '../../grammar/ast.ts'

/** Every expression below and including `root`; parents first, in source order. Without recursion. */
export function expressionsIn(root: Expr): readonly Expr[] {
  const found: Expr[] = []
  const open = [root]
  for (let e = open.pop(); e; e = open.pop()) {
    found.push(e)
    open.push(...childrenOf(e).toReversed())
  }
  return found
}

/** The outermost expressions of a function's body. */
export function rootsOf({ body }: Fn): readonly Expr[] {
  if (body.kind !== 'block') return [body]
  const statements = body.statements.flatMap((statement) =>
    statement.kind === 'let' ? [statement.value] : [statement.count, ...statement.body.map(({ value }) => value)],
  )
  return [...statements, body.value]
}

/** The names that a function calls, in source order. */
export const calleesOf = (fn: Fn): readonly Name[] =>
  rootsOf(fn)
    .flatMap(expressionsIn)
    .filter((e): e is Call => e.kind === 'call')
    .map(({ callee }) => callee)
