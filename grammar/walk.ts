/** Walks over what was written: the outermost expressions of each thing, and all that stand in one. */
import { type Call, type Clause, childrenOf, type Expr, type Fn, type Item, type Name } from './ast.ts'

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

/** The names that a function calls, in source order. */
export const calleesOf = (fn: Fn): readonly Name[] =>
  rootsOfFn(fn)
    .flatMap(expressionsIn)
    .filter((e): e is Call => e.kind === 'call')
    .map(({ callee }) => callee)

/** The outermost expressions of an item. */
export function rootsOf(item: Item): readonly Expr[] {
  if (item.kind === 'attention') return item.clauses.flatMap(rootsOfClause)
  return item.kind === 'fn' ? rootsOfFn(item) : []
}

export function rootsOfClause(clause: Clause): readonly Expr[] {
  switch (clause.kind) {
    case 'axis':
      return clause.axes.flatMap(({ rule }) => (rule?.kind === 'length' ? [rule.value] : []))
    case 'split':
      return [clause.by]
    case 'input':
      return clause.inputs.flatMap(({ range }) => (range ? [range.low, range.high] : []))
    case 'param':
    case 'const':
      return [...(clause.value ? [clause.value] : []), ...(clause.range ? [clause.range.low, clause.range.high] : [])]
    case 'fn':
      return rootsOfFn(clause)
    case 'tile':
    case 'precision':
    case 'check':
      return []
    default:
      return [clause.value]
  }
}

export function rootsOfFn({ body }: Fn): readonly Expr[] {
  if (body.kind !== 'block') return [body]
  const statements = body.statements.flatMap((statement) =>
    statement.kind === 'let' ? [statement.value] : [statement.count, ...statement.body.map(({ value }) => value)],
  )
  return [...statements, body.value]
}
