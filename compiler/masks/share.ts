/** Names what is computed more than once, and drops what nothing reads. */
import type { KernelExpr, Statement, Value } from '../kernel.ts'
import { valueRef } from '../kernel.ts'

export interface Shared {
  readonly before: readonly Statement[]
  readonly inside: readonly Statement[]
  readonly roots: readonly (KernelExpr | undefined)[]
}

/** A shared part that reads the column's index, or a value named in the loop over columns, is named there too. */
export function share(
  roots: readonly (KernelExpr | undefined)[],
  statements: Pick<Shared, 'before' | 'inside'>,
  column: string,
  newName: (hint: string) => string,
): Shared {
  const onColumn = new Set(statements.inside.flatMap(definedBy))
  const numberOf = createNumbering()
  const uses = countUses(roots, numberOf)
  const before: Statement[] = [...statements.before]
  const inside: Statement[] = [...statements.inside]
  const done = new Map<number, KernelExpr>()
  const rewritten = (e: KernelExpr): KernelExpr => {
    if (e.kind !== 'call') return e
    const id = numberOf(e)
    const known = done.get(id)
    if (known) return known
    const out: KernelExpr = { ...e, args: e.args.map(rewritten) }
    const named = (uses.get(id) ?? 0) > 1 && e.args.some((arg) => arg.kind === 'call')
    done.set(id, named ? name(out) : out)
    return done.get(id) ?? out
  }
  const name = (expr: KernelExpr): KernelExpr => {
    const to: Value = { name: newName('part'), type: expr.type, axes: [] }
    const late = readsColumn(expr, column, onColumn)
    if (late) onColumn.add(to.name)
    ;(late ? inside : before).push({ kind: 'map', to, expr })
    return valueRef(to)
  }
  const out = roots.map((root) => root && rewritten(root))
  return { ...pruned(before, inside, out), roots: out }
}

/** Equal expressions get equal numbers. */
function createNumbering(): (e: KernelExpr) => number {
  const byNode = new Map<KernelExpr, number>()
  const byText = new Map<string, number>()
  const numberOf = (e: KernelExpr): number => {
    const known = byNode.get(e)
    if (known !== undefined) return known
    const text = e.kind === 'call' ? `${e.op} ${e.args.map(numberOf)}` : JSON.stringify(e)
    const found = byText.get(text) ?? byText.size
    byText.set(text, found)
    byNode.set(e, found)
    return found
  }
  return numberOf
}

/** How often each call would be computed: a part of something shared counts once for it. */
function countUses(
  roots: readonly (KernelExpr | undefined)[],
  numberOf: (e: KernelExpr) => number,
): Map<number, number> {
  const uses = new Map<number, number>()
  const visit = (e: KernelExpr): void => {
    if (e.kind !== 'call') return
    const id = numberOf(e)
    const before = uses.get(id) ?? 0
    uses.set(id, before + 1)
    if (before === 0) e.args.forEach(visit)
  }
  for (const root of roots) if (root) visit(root)
  return uses
}

export function readsColumn(e: KernelExpr, column: string, onColumn: ReadonlySet<string>): boolean {
  if (e.kind === 'value') return onColumn.has(e.name)
  if (e.kind === 'index') return e.axis === column
  return e.kind === 'call' && e.args.some((arg) => readsColumn(arg, column, onColumn))
}

export const definedBy = (statement: Statement): readonly string[] =>
  statement.kind === 'loop'
    ? statement.carried.map(({ value }) => value.name)
    : 'to' in statement
      ? [statement.to.name]
      : []

export function namesIn(e: KernelExpr): readonly string[] {
  if (e.kind === 'value') return [e.name]
  return e.kind === 'call' ? e.args.flatMap(namesIn) : []
}

/** What a statement reads, a loop's own values included. */
export function readBy(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case 'load':
      return Object.values(statement.index).flatMap(namesIn)
    case 'reduce':
      return namesIn(statement.of)
    case 'map':
      return namesIn(statement.expr)
    case 'loop':
      return [
        ...statement.carried.flatMap(({ initial, next }) => [...namesIn(initial), next]),
        ...(statement.over.kind === 'rounds' ? namesIn(statement.over.count) : []),
        ...statement.body.flatMap(readBy),
      ]
    default:
      return []
  }
}

function pruned(
  before: readonly Statement[],
  inside: readonly Statement[],
  roots: readonly (KernelExpr | undefined)[],
): Pick<Shared, 'before' | 'inside'> {
  const live = new Set(roots.flatMap((root) => (root ? namesIn(root) : [])))
  const keep = (all: readonly Statement[]): readonly Statement[] => {
    const kept = all.toReversed().filter((statement) => {
      const needed = definedBy(statement).some((name) => live.has(name))
      if (needed) for (const name of readBy(statement)) live.add(name)
      return needed
    })
    return kept.toReversed()
  }
  const late = keep(inside)
  return { before: keep(before), inside: late }
}
