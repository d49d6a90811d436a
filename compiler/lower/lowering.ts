/**
 * Lowers index expressions to values of a kernel. Scopes nest (a block, the loops in it); each expression is computed in the outermost
 * scope that has the axes and names it depends on, and once.
 */
import type { StorageType } from '../attention.ts'
import {
  type At,
  type Call,
  call,
  constant,
  type Expr,
  f32,
  type Input,
  nodesOf,
  type Place,
  type Reduce,
} from '../ir.ts'
import {
  indexRef,
  type KernelExpr,
  kernelCall,
  kernelConst,
  type Loop,
  paramRef,
  type Statement,
  sizeRef,
  type Value,
  type ValueAxis,
  valueRef,
} from '../kernel.ts'
import type { Obstacle } from '../plan/plan.ts'
import {
  countUses,
  factorsOf,
  foldConstant,
  foldWith,
  identityFor,
  identityOf,
  isGroupOf,
  isIndexOfEqual,
  logSumExpOf,
  meanOf,
  multiply,
  oneAxisAtATime,
  plainOp,
} from './forms.ts'

/** Raised where a tile program of the wanted shape cannot say an expression; the caller falls back to the materialised plan. */
export class NotLowered extends Error {
  readonly obstacle: Obstacle
  constructor(why: string, at: Expr, change?: string) {
    super(why)
    this.obstacle = { why, at, change }
  }
}

export interface Scope {
  readonly statements: Statement[]
  readonly memo: Map<Expr, KernelExpr>
  /** Axes that exist from this scope on, and how a value holds them; `single` axes do not occur in values. */
  readonly axes: ReadonlyMap<string, 'tile' | 'whole' | 'single'>
  /** Values of `bound` nodes from this scope on, made when first asked for. */
  readonly names: Map<string, () => KernelExpr>
}

export interface LoweringContext {
  /** Lengths known when the program is made. */
  readonly sizes: Readonly<Record<string, number>>
  readonly inputs: Readonly<Record<string, { readonly axes: readonly string[]; readonly storage: StorageType }>>
  /** Buffers that hold an expression already (materialised parts), by expression. */
  readonly kept: ReadonlyMap<Expr, { readonly buffer: string; readonly axes: readonly string[] }>
  /** Scalar programs: every reduction is a loop over single indices, no value has axes. */
  readonly flat: boolean
  /** Axes of which a block may hold a value per query and key: heads that are mixed. */
  readonly resident: ReadonlySet<string>
  /** A readable base for the name of an expression's value. */
  readonly hint: (e: Expr) => string | undefined
}

export type Lowering = ReturnType<typeof createLowering>

export function createLowering(context: LoweringContext, roots: readonly Expr[], outer: Scope['axes']) {
  const scopes: Scope[] = [openScope(outer)]
  const used = new Set<string>()
  const uses = countUses(roots)
  const dependencies = new Map<Expr, ReadonlySet<string>>()

  const fresh = (base: string): string => {
    let name = base
    for (let n = 2; used.has(name); n++) name = `${base}${n}`
    used.add(name)
    return name
  }
  const current = (): Scope => scopes[scopes.length - 1] as Scope
  const emit = (statement: Statement): void => void current().statements.push(statement)

  // Scopes

  const dependsOn = (e: Expr): ReadonlySet<string> => {
    const known = dependencies.get(e)
    if (known) return known
    const all = new Set<string>(e.axes)
    for (const x of nodesOf(e)) if (x.kind === 'bound') all.add(`#${x.id}`)
    dependencies.set(e, all)
    return all
  }
  const homeOf = (e: Expr): number => {
    const needs = dependsOn(e)
    for (let at = scopes.length - 1; at > 0; at--) {
      const scope = scopes[at] as Scope
      if (
        [...scope.axes.keys()].some((axis) => needs.has(axis)) ||
        [...scope.names.keys()].some((id) => needs.has(`#${id}`))
      )
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
  const extentOf = (axis: string): 'tile' | 'whole' | 'single' => {
    for (let at = scopes.length - 1; at >= 0; at--) {
      const extent = scopes[at]?.axes.get(axis)
      if (extent) return extent
    }
    if (context.sizes[axis] !== undefined) return 'whole'
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
    if (tiles === 2 && value.axes.some((a) => a.extent === 'whole' && !context.resident.has(a.axis)))
      throw new NotLowered(
        'a value per query, key and feature does not fit a tile',
        at ?? f32(0),
        'make it a product of a part per query and a part per key',
      )
    return value
  }

  // Expressions

  const lower = (e: Expr): KernelExpr => {
    const home = homeOf(e)
    const memo = scopes[home]?.memo as Map<Expr, KernelExpr>
    const known = memo.get(e)
    if (known) return known
    const made = inScope(home, () => build(e))
    memo.set(e, made)
    return made
  }
  /** `e` as a value of its own, for operands that must be one. */
  const lowerToValue = (e: Expr, base: string): Value => {
    const home = homeOf(e)
    return inScope(home, () => {
      const expr = lower(e)
      const known = expr.kind === 'value' ? valueNamed(expr.name) : undefined
      const covers = known && valueAxes(e.axes).every((a) => known.axes.some((b) => b.axis === a.axis))
      return covers ? known : mapTo(base, expr, e)
    })
  }
  const values = new Map<string, Value>()
  const valueNamed = (name: string): Value | undefined => values.get(name)
  const define = (value: Value): Value => {
    values.set(value.name, value)
    return value
  }
  const mapTo = (base: string, expr: KernelExpr, e: Expr): Value => {
    const to = define(newValue(base, e.type, e.axes, e))
    emit({ kind: 'map', to, expr })
    return to
  }

  const build = (e: Expr): KernelExpr => {
    const kept = context.kept.get(e)
    if (kept) return loadKept(e, kept)
    switch (e.kind) {
      case 'const':
        return kernelConst(e.value, e.type)
      case 'index':
        return indexRef(e.axis)
      case 'size':
        return context.sizes[e.axis] === undefined
          ? sizeRef(e.axis)
          : kernelConst(context.sizes[e.axis] as number, 'i32')
      case 'param':
        return paramRef(e.name, e.type)
      case 'input':
        return loadInput(e, new Map())
      case 'bound':
        return boundValue(e.id, e)
      case 'spread':
        return lower(e.of)
      case 'call':
        return buildCall(e)
      case 'at':
        return buildAt(e)
      case 'reduce':
        return buildReduce(e)
      case 'random':
        return kernelCall(
          'random',
          lower(e.seed),
          ...[0, 1, 2, 3].map((k) => (e.counters[k] ? lower(e.counters[k] as Expr) : kernelConst(0, 'i32'))),
        )
      default:
        throw new NotLowered(`${e.kind} needs buffers`, e)
    }
  }
  const boundValue = (id: string, e: Expr): KernelExpr => {
    for (let at = scopes.length - 1; at >= 0; at--) {
      const make = scopes[at]?.names.get(id)
      if (make) return make()
    }
    throw new NotLowered(`${id} has no value here`, e)
  }
  const buildCall = (e: Call): KernelExpr => {
    const expr = foldConstant(kernelCall(e.op, ...e.args.map(lower)))
    if (expr.kind !== 'call') return expr
    const isShared =
      (uses.get(e) ?? 0) > 1 && e.args.some((a) => a.kind !== 'const' && a.kind !== 'size' && a.kind !== 'index')
    return isShared ? valueRef(mapTo(context.hint(e) ?? 't', expr, e)) : expr
  }

  const loadInput = (
    e: Input,
    places: ReadonlyMap<string, KernelExpr>,
    outside: 'never' | 'clamp' | 'zero' = 'never',
    axes: readonly string[] = e.axes,
  ): KernelExpr => {
    const declared = context.inputs[e.name]
    if (!declared) throw new NotLowered(`no input ${e.name}`, e)
    const to = define(newValue(e.name, e.type, axes, e))
    const index = Object.fromEntries(declared.axes.map((axis) => [axis, places.get(axis) ?? indexRef(axis)]))
    emit({ kind: 'load', to, buffer: e.name, index, outside })
    return valueRef(to)
  }
  const loadKept = (e: Expr, kept: { buffer: string; axes: readonly string[] }): KernelExpr => {
    const to = define(newValue(kept.buffer, e.type, e.axes, e))
    emit({
      kind: 'load',
      to,
      buffer: kept.buffer,
      index: Object.fromEntries(kept.axes.map((axis) => [axis, indexRef(axis)])),
      outside: 'never',
    })
    return valueRef(to)
  }
  const buildAt = (e: At): KernelExpr => {
    const places = new Map(e.places.map((p) => [p.axis, lower(p.index)]))
    const zero = e.places.some((p) => p.outside === 'zero')
    const clampHere = (axis: string, x: KernelExpr): KernelExpr =>
      zero && e.places.some((p) => p.axis === axis && p.outside === 'clamp') ? clampTo(axis, x) : x
    const index = new Map([...places].map(([axis, x]) => [axis, clampHere(axis, x)]))
    const isInside = (p: Place): boolean => isGroupOf(p.index, p.axis) || isIndexOfEqual(p.index, p.axis, context.sizes)
    const outside = zero ? 'zero' : e.places.every(isInside) ? 'never' : 'clamp'
    if (e.of.kind === 'input') return loadInput(e.of, index, outside, e.axes)
    const kept = context.kept.get(e.of)
    if (!kept) throw new NotLowered('a gather from an expression needs it in a buffer', e)
    const to = define(newValue(kept.buffer, e.type, e.axes, e))
    emit({
      kind: 'load',
      to,
      buffer: kept.buffer,
      index: Object.fromEntries(kept.axes.map((axis) => [axis, index.get(axis) ?? indexRef(axis)])),
      outside,
    })
    return valueRef(to)
  }
  const clampTo = (axis: string, x: KernelExpr): KernelExpr =>
    kernelCall(
      'max',
      kernelConst(0, 'i32'),
      kernelCall('min', x, kernelCall('sub', sizeOf(axis), kernelConst(1, 'i32'))),
    )
  const sizeOf = (axis: string): KernelExpr =>
    context.sizes[axis] === undefined ? sizeRef(axis) : kernelConst(context.sizes[axis] as number, 'i32')

  // Reductions over axes that a block holds whole, or walks one by one

  const buildReduce = (e: Reduce): KernelExpr => {
    const [axis, ...rest] = e.over
    if (axis === undefined) return lower(e.of)
    if (rest.length > 0) return lower(oneAxisAtATime(e))
    if (e.op === 'mean') return lower(meanOf(e))
    if (e.op === 'logsumexp') return lower(logSumExpOf(e))
    const body = e.domain
      ? call('select', [e.domain, e.of, identityOf(e)])
      : e.op === 'count'
        ? constant(true, 'bool')
        : e.of
    if (scopes.some((s) => s.axes.get(axis) === 'tile'))
      throw new NotLowered(`a reduction over ${axis} inside its own tile`, e)
    const tiles = e.axes.filter((a) => extentOf(a) === 'tile')
    const canHold =
      !context.flat && context.sizes[axis] !== undefined && !scopes.some((s) => s.axes.get(axis) === 'single')
    if (canHold && tiles.length < 2) return reduceWhole(e, body, axis)
    const factored = e.op === 'sum' && canHold ? factorsOf(body) : undefined
    const contracted = factored && contractOver(e, factored, axis)
    if (contracted) return contracted
    return context.resident.has(axis) ? reduceWhole(e, body, axis) : reduceByMembers(e, body, axis)
  }
  const reduceWhole = (e: Reduce, body: Expr, axis: string): KernelExpr => {
    const of = lower(body)
    const to = define(newValue(context.hint(e) ?? e.op, e.type, e.axes, e))
    emit({ kind: 'reduce', to, of, over: axis, op: plainOp(e), where: undefined })
    return valueRef(to)
  }
  /** sum over x of left(row, x) * right(column, x), what has neither side's axes going left, what has no x multiplied after. */
  const contractOver = (e: Reduce, factors: readonly Expr[], axis: string): KernelExpr | undefined => {
    const tiles = e.axes.filter((a) => extentOf(a) === 'tile')
    const [first, second] = tiles
    if (!first || !second) return undefined
    const after = factors.filter((f) => !f.axes.includes(axis) && f.axes.includes(first) && f.axes.includes(second))
    const inside = factors.filter((f) => !after.includes(f))
    const pairs = inside.filter((f) => f.axes.includes(first) && f.axes.includes(second))
    const right = pairs.length > 0 ? pairs : inside.filter((f) => f.axes.includes(second))
    const left = inside.filter((f) => !right.includes(f))
    const isProduct = pairs.length === 0 && left.some((f) => f.axes.includes(first)) && right.length > 0
    const isMix =
      pairs.length > 0 &&
      context.resident.has(axis) &&
      [left, right].every((all) => all.some((f) => f.axes.includes(axis)))
    if (!isProduct && !isMix) return undefined
    const [a, b] = [lowerToValue(multiply(left), 'left'), lowerToValue(multiply(right), 'right')]
    const to = define(newValue(context.hint(e) ?? 'dot', 'f32', e.axes, e))
    emit({ kind: 'contract', to, left: a.name, right: b.name, over: axis, where: undefined })
    return after.length > 0 ? kernelCall('mul', valueRef(to), lower(multiply(after))) : valueRef(to)
  }
  const reduceByMembers = (e: Reduce, body: Expr, axis: string): KernelExpr => {
    const held = define(newValue(context.hint(e) ?? e.op, e.type, e.axes, e))
    const { scope, value: next } = nested(new Map([[axis, 'single']]), () =>
      mapTo('next', foldWith(plainOp(e), valueRef(held), lower(body)), { ...e, axes: e.axes }),
    )
    const loop: Loop = {
      kind: 'loop',
      over: { kind: 'members', axis, direction: 'up' },
      carried: [{ value: held, initial: identityFor(plainOp(e), e.type), next: next.name }],
      body: scope.statements,
    }
    emit(loop)
    return valueRef(held)
  }

  return {
    lower,
    lowerToValue,
    emit,
    define,
    newValue,
    mapTo,
    nested,
    inScope,
    fresh,
    valueAxes,
    scopes,
    current,
    sizeOf,
    valueNamed,
    resident: context.resident,
  }
}

const openScope = (axes: Scope['axes']): Scope => ({ statements: [], memo: new Map(), axes, names: new Map() })
