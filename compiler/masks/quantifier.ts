/**
 * `any[m](c)` and `all[m](c)` over an axis of which a block holds single indices, such as a list of blocks or of hubs: the classes of
 * c for one index after the other. `any` is full where one c is, and empty where all are; `all` the other way round.
 */
import { call, type Expr, type Reduce, reduce } from '../ir.ts'
import type { KernelExpr, Loop, Statement, Value } from '../kernel.ts'
import { valueRef } from '../kernel.ts'
import type { Truth } from './numbers.ts'
import { and, isConst, no, or, yes } from './scalar.ts'
import { definedBy, readBy } from './share.ts'

/** Classes in a place of their own, so that what depends on the axis can go into a loop over it. */
export interface Opened {
  readonly truth: (e: Expr) => Truth
  readonly before: readonly Statement[]
  readonly inside: readonly Statement[]
}
export interface QuantifierContext {
  readonly open: () => Opened
  readonly newName: (hint: string) => string
  readonly isSingle: (axis: string) => boolean
  readonly resolve: (e: Expr) => Expr
  /** `late`: once for each tile of columns. */
  readonly emit: (statement: Statement, late: boolean) => void
  readonly column: string
}

export function quantified(e: Reduce, context: QuantifierContext): Truth | undefined {
  const [axis, ...others] = e.over
  if ((e.op !== 'any' && e.op !== 'all') || axis === undefined || !e.over.every(context.isSingle)) return undefined
  const inner = others.length > 0 ? reduce(e.op, others, bodyOf(e)) : bodyOf(e)
  const { truth, before, inside } = context.open()
  const { full, empty } = truth(context.resolve(inner))
  if (isConst(full, false) && isConst(empty, false)) return undefined
  const bound = new Set<string>()
  const move = (statements: readonly Statement[], late: boolean): readonly Statement[] =>
    statements.filter((statement) => {
      const stays = dependsOn(statement, axis, bound)
      if (stays) for (const name of definedBy(statement)) bound.add(name)
      else context.emit(statement, late)
      return stays
    })
  const own = [...move(before, false), ...move(inside, true)]
  const value = (hint: string): Value => ({ name: context.newName(hint), type: 'bool', axes: [] })
  const some = { held: value(`${e.op}_full`), next: value('next_full'), expr: full, isAny: e.op === 'any' }
  const none = { held: value(`${e.op}_empty`), next: value('next_empty'), expr: empty, isAny: e.op === 'all' }
  const sides = [some, none]
  const loop: Loop = {
    kind: 'loop',
    over: { kind: 'members', axis, direction: 'up' },
    carried: sides.map(({ held, next, isAny }) => ({ value: held, initial: isAny ? no : yes, next: next.name })),
    body: [
      ...own,
      ...sides.map(({ held, next, expr, isAny }): Statement => {
        const join = isAny ? or : and
        return { kind: 'map', to: next, expr: join(valueRef(held), expr) }
      }),
    ],
  }
  context.emit(loop, e.axes.includes(context.column))
  return { full: valueRef(some.held), empty: valueRef(none.held) }
}

/** Places outside of the domain count for neither. */
function bodyOf({ op, of, domain }: Reduce): Expr {
  if (!domain) return of
  return op === 'any' ? call('and', [domain, of]) : call('or', [call('not', [domain]), of])
}

/** Reads the index of `axis`, or a value that does. A loop over the axis binds an index of its own. */
function dependsOn(statement: Statement, axis: string, bound: ReadonlySet<string>): boolean {
  if (readBy(statement).some((name) => bound.has(name))) return true
  if (statement.kind !== 'loop') return exprsOf(statement).some((expr) => readsIndex(expr, axis))
  const { over, carried, body } = statement
  const outside = carried.some(({ initial }) => readsIndex(initial, axis))
  return outside || (!(over.kind === 'members' && over.axis === axis) && body.some((s) => dependsOn(s, axis, bound)))
}

function exprsOf(statement: Statement): readonly KernelExpr[] {
  if (statement.kind === 'load') return Object.values(statement.index)
  if (statement.kind === 'reduce') return [statement.of]
  return statement.kind === 'map' ? [statement.expr] : []
}

const readsIndex = (e: KernelExpr, axis: string): boolean =>
  (e.kind === 'index' && e.axis === axis) || (e.kind === 'call' && e.args.some((arg) => readsIndex(arg, axis)))
