/**
 * Scopes of a kernel and the values in them. Scopes nest (a block, the loops in it); what an expression depends on says in which of
 * them it is computed.
 */

import { createNames } from '../fresh-names.ts'
import { type Expr, f32, nodesOf } from '../ir.ts'
import type { KernelExpr, Statement, Value, ValueAxis } from '../kernel.ts'
import type { Obstacle } from '../plan/plan.ts'

/** Raised where a tile program of the wanted shape cannot say an expression; the caller falls back to the materialised plan. */
export class NotLowered extends Error {
  readonly obstacle: Obstacle
  constructor(why: string, at: Expr, change?: string) {
    super(why)
    this.obstacle = { why, at, change }
  }
}

export type Extent = 'tile' | 'whole' | 'single'
export interface Scope {
  readonly statements: Statement[]
  readonly memo: Map<Expr, KernelExpr>
  /** Axes that exist from this scope on, and how a value holds them; `single` axes do not occur in values. */
  readonly axes: ReadonlyMap<string, Extent>
  /** Values of `bound` nodes from this scope on, made when first asked for. */
  readonly names: Map<string, () => KernelExpr>
}

export type Scopes = ReturnType<typeof createScopes>

/**
 * @param sizes  lengths known when the program is made: values may hold these axes whole
 * @param resident  axes of which a block may hold a value per query and key
 */
export function createScopes(
  outer: Scope['axes'],
  sizes: Readonly<Record<string, number>>,
  resident: ReadonlySet<string>,
) {
  const scopes: Scope[] = [openScope(outer)]
  const fresh = createNames()
  const values = new Map<string, Value>()
  const dependencies = new Map<Expr, ReadonlySet<string>>()

  const current = (): Scope => scopes[scopes.length - 1] as Scope
  const emit = (statement: Statement): void => void current().statements.push(statement)

  const dependsOn = (e: Expr): ReadonlySet<string> => {
    const known = dependencies.get(e)
    if (known) return known
    const all = new Set<string>(e.axes)
    for (const x of nodesOf(e)) if (x.kind === 'bound') all.add(`#${x.id}`)
    dependencies.set(e, all)
    return all
  }
  /** The depth of the outermost scope that has all that `e` depends on. */
  const homeOf = (e: Expr): number => {
    const needs = dependsOn(e)
    for (let at = scopes.length - 1; at > 0; at--) {
      const { axes, names } = scopes[at] as Scope
      if ([...axes.keys()].some((axis) => needs.has(axis)) || [...names.keys()].some((id) => needs.has(`#${id}`)))
        return at
    }
    return 0
  }
  /** Runs `f` with the scope at depth `at` innermost, so that what it emits lands there. */
  const inScope = <T>(at: number, f: () => T): T => {
    const inner = scopes.splice(at + 1)
    try {
      return f()
    } finally {
      scopes.push(...inner)
    }
  }
  /** Opens a scope for `f` and gives it back with its statements. */
  const nested = <T>(axes: Scope['axes'], f: (scope: Scope) => T): { scope: Scope; value: T } => {
    const scope = openScope(axes)
    scopes.push(scope)
    const value = f(scope)
    scopes.pop()
    return { scope, value }
  }
  const has = (axis: string, extent: Extent): boolean => scopes.some((s) => s.axes.get(axis) === extent)
  const boundValue = (id: string, e: Expr): KernelExpr => {
    const make = scopes.findLast((scope) => scope.names.has(id))?.names.get(id)
    if (!make) throw new NotLowered(`${id} has no value here`, e)
    return make()
  }

  // Values

  const extentOf = (axis: string): Extent => {
    const open = scopes.findLast((scope) => scope.axes.has(axis))?.axes.get(axis)
    if (open) return open
    if (sizes[axis] !== undefined) return 'whole'
    throw new NotLowered(`the length of ${axis} is not known when the kernel is made`, f32(0))
  }
  const valueAxes = (axes: readonly string[]): readonly ValueAxis[] =>
    axes.flatMap((axis) => {
      const extent = extentOf(axis)
      return extent === 'single' ? [] : [{ axis, extent }]
    })
  const newValue = (base: string, type: Value['type'], axes: readonly string[], at?: Expr): Value => {
    const value = { name: fresh(base), type, axes: valueAxes(axes) }
    const tiles = value.axes.filter((a) => a.extent === 'tile').length
    if (tiles === 2 && value.axes.some((a) => a.extent === 'whole' && !resident.has(a.axis)))
      throw new NotLowered(
        'a value per query, key and feature does not fit a tile',
        at ?? f32(0),
        'make it a product of a part per query and a part per key',
      )
    return value
  }
  const define = (value: Value): Value => {
    values.set(value.name, value)
    return value
  }
  const valueNamed = (name: string): Value | undefined => values.get(name)
  const mapTo = (base: string, expr: KernelExpr, e: Expr): Value => {
    const to = define(newValue(base, e.type, e.axes, e))
    emit({ kind: 'map', to, expr })
    return to
  }

  return {
    ...{ scopes, current, emit, homeOf, inScope, nested, has, boundValue },
    ...{ fresh, extentOf, valueAxes, newValue, define, valueNamed, mapTo },
  }
}

const openScope = (axes: Scope['axes']): Scope => ({ statements: [], memo: new Map(), axes, names: new Map() })
