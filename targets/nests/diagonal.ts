/**
 * Values of pairs that only the distance between row and column tells apart, as a bias of relative positions does: along each diagonal
 * of a tile all pairs have the same, so that a tile has as many of them as rows and columns together, not as their product.
 */
import { type KernelExpr, type Load, valueRef } from '../../compiler/kernel.ts'
import type { Define, Facts } from './item.ts'

/** How an expression follows row and column: as a linear form of them, or in some other way, but by their difference alone. */
type Following = { readonly row: number; readonly column: number } | 'distance'
const still = { row: 0, column: 0 } as const

/** Whether an expression varies along row and column, and by their distance alone. */
export function isDiagonal(e: KernelExpr, row: string, column: string, facts: Facts): boolean {
  const found = followingOf(e, row, column, facts)
  return found === 'distance' || (found !== undefined && found.row !== 0 && isByDistance(found))
}

/** The same for a value of pairs, by what it is defined as. */
export function isDiagonalValue({ to }: Define, row: string, facts: Facts): boolean {
  const [column, ...more] = to.axes.map(({ axis }) => axis).filter((axis) => axis !== row)
  const isPair = column !== undefined && more.length === 0 && to.axes.length === 2
  return isPair && to.axes.every(({ extent }) => extent === 'tile') && isDiagonal(valueRef(to), row, column, facts)
}

const isByDistance = (f: Following): boolean => f === 'distance' || f.row + f.column === 0

function followingOf(e: KernelExpr, row: string, column: string, facts: Facts): Following | undefined {
  const visit = (x: KernelExpr): Following | undefined => {
    switch (x.kind) {
      case 'index':
        if (x.axis !== row && x.axis !== column) return still
        if (x.of !== 'element') return undefined // of a whole tile
        return x.axis === row ? { row: 1, column: 0 } : { row: 0, column: 1 }
      case 'value':
        return ofValue(x.name)
      case 'call':
        return ofCall(x.op, x.args.map(visit), x.args)
      default:
        return still
    }
  }
  const ofValue = (name: string): Following | undefined => {
    const axes = facts.values.get(name)?.axes ?? []
    if (axes.length === 0) return still
    const from = facts.defines.get(name)?.from
    const isOfPair = axes.every(({ axis }) => axis === row || axis === column)
    if (!isOfPair || !from || from.kind === 'mask' || facts.carried.has(name)) return undefined
    return from.kind === 'load' ? ofLoad(from) : visit(from.expr)
  }
  const ofLoad = ({ buffer, index }: Load): Following | undefined =>
    facts.stored.has(buffer) ? undefined : byDistance(Object.values(index).map(visit))
  return visit(e)
}

/** What any function of such arguments follows. */
function byDistance(args: readonly (Following | undefined)[]): Following | undefined {
  if (!args.every((f) => f !== undefined && isByDistance(f))) return undefined
  return args.some((f) => f === 'distance' || f?.row !== 0) ? 'distance' : still
}

function ofCall(
  op: string,
  args: readonly (Following | undefined)[],
  exprs: readonly KernelExpr[],
): Following | undefined {
  const [a, b] = args
  const isLinear = exprs.every(({ type }) => type === 'i32') && args.every((f) => f !== undefined && f !== 'distance')
  if (isLinear && a && a !== 'distance') {
    if (op === 'neg') return { row: -a.row, column: -a.column }
    if (b && b !== 'distance') {
      if (op === 'add') return { row: a.row + b.row, column: a.column + b.column }
      if (op === 'sub') return { row: a.row - b.row, column: a.column - b.column }
    }
  }
  return byDistance(args)
}
