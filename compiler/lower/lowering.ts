/** Lowers index expressions to values of a kernel: each is computed in the outermost scope that has what it depends on, and once. */
import type { StorageType } from '../attention.ts'
import type { Call, Expr, Random } from '../ir.ts'
import { indexRef, type KernelExpr, kernelCall, kernelConst, paramRef, type Value, valueRef } from '../kernel.ts'
import { countUses, foldConstant } from './forms.ts'
import { createLoads } from './loads.ts'
import { createReductions } from './reductions.ts'
import { createScopes, NotLowered, type Scope } from './scopes.ts'

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
  const all = createScopes(outer, context.sizes, context.resident)
  const { scopes, homeOf, inScope, valueNamed, valueAxes, mapTo, boundValue } = all
  const uses = countUses(roots)

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
  const { loadInput, loadKept, loadAt, sizeOf } = createLoads(all, context, lower)
  const { lowerReduce } = createReductions(all, context, lower, lowerToValue)

  const build = (e: Expr): KernelExpr => {
    const kept = loadKept(e)
    if (kept) return kept
    switch (e.kind) {
      case 'const':
        return kernelConst(e.value, e.type)
      case 'index':
        return indexRef(e.axis)
      case 'size':
        return sizeOf(e.axis)
      case 'param':
        return paramRef(e.name, e.type)
      case 'input':
        return loadInput(e)
      case 'bound':
        return boundValue(e.id, e)
      case 'spread':
        return lower(e.of)
      case 'call':
        return buildCall(e)
      case 'at':
        return loadAt(e)
      case 'reduce':
        return lowerReduce(e)
      case 'random':
        return buildRandom(e)
      default:
        throw new NotLowered(`${e.kind} needs buffers`, e)
    }
  }
  const buildCall = (e: Call): KernelExpr => {
    const expr = foldConstant(kernelCall(e.op, ...e.args.map(lower)))
    if (expr.kind !== 'call') return expr
    const isShared =
      (uses.get(e) ?? 0) > 1 && e.args.some((a) => a.kind !== 'const' && a.kind !== 'size' && a.kind !== 'index')
    return isShared ? valueRef(mapTo(context.hint(e) ?? 't', expr, e)) : expr
  }
  const buildRandom = ({ seed, counters }: Random): KernelExpr => {
    const counter = (k: number): KernelExpr => (counters[k] ? lower(counters[k]) : kernelConst(0, 'i32'))
    return kernelCall('random', lower(seed), ...[0, 1, 2, 3].map(counter))
  }

  return { ...all, lower, lowerToValue, sizeOf, resident: context.resident }
}
