/**
 * The stretch of columns that a tile of rows can admit: [from, to) holds every admitted column, and others where the hull of several
 * stretches does. Comparisons of sums of indices have one in closed form, those of tensors along the column by search; `and`
 * intersects, `or` takes the hull. What depends on rows alone admits all columns or, where it is decided for the tile of rows, none.
 */
import { call, type Expr, i32 } from '../ir.ts'
import { stretchOfComparison } from './inverse.ts'
import type { Numbers, NumbersContext } from './numbers.ts'
import { int, isConst, select } from './scalar.ts'
import { both, columnSize, either, everything, type Stretch } from './stretch.ts'
import { type Comparison, isComparisonCall } from './truth.ts'

/** Where `e` can be `is`. */
export function stretchOf(e: Expr, is: boolean, context: NumbersContext, numbers: Numbers): Stretch {
  const of = (x: Expr, value = is): Stretch => stretchOf(x, value, context, numbers)
  if (!e.axes.includes(context.column)) return stretchOfRows(e, is, context)
  if (e.kind === 'call') {
    const [a, b, c] = e.args as readonly [Expr, Expr, Expr]
    if (e.op === 'not') return of(a, !is)
    if (e.op === 'and' || e.op === 'or') return ((e.op === 'and') === is ? both : either)(of(a), of(b))
    if (e.op === 'select') return either(both(of(a, true), of(b)), both(of(a, false), of(c)))
  }
  const reach = context.leaves.reachOf(is ? e : call('not', [e]))
  if (reach) return { from: reach.first(), to: reach.end() }
  if (!isComparisonCall(e)) return everything
  const [a, b] = e.args as readonly [Expr, Expr]
  if (a.type === 'bool') return everything
  const simpler = a.type === 'i32' ? opened(e.op, a, b, context.column) : undefined
  if (simpler) return of(simpler)
  const [op, x, y] = is ? ([e.op, a, b] as const) : negated(e.op, a, b)
  return stretchOfComparison(op, x, y, context, numbers)
}

function stretchOfRows(e: Expr, is: boolean, context: NumbersContext): Stretch {
  const { full, empty } = context.truth(e)
  const none = is ? empty : full
  if (isConst(none, false)) return everything
  const size = columnSize(context)
  return { from: select(none, size, int(0)), to: select(none, int(0), size) }
}

/** not (a < b) is b <= a. */
function negated(op: Comparison, a: Expr, b: Expr): readonly [Comparison, Expr, Expr] {
  if (op === 'lt') return ['le', b, a]
  if (op === 'le') return ['lt', b, a]
  return [op === 'eq' ? 'ne' : 'eq', a, b]
}

/**
 * abs x <= y is x <= y and -x <= y; max and min alike. Undefined if neither side is one of them. That y is not negative follows, but
 * not for the hulls of both: it is added where it bounds the column.
 */
function opened(op: Comparison, a: Expr, b: Expr, column: string): Expr | undefined {
  if (op !== 'lt' && op !== 'le') return undefined
  const left = parts(a)
  if (left) {
    const each = call(
      left.smaller ? 'or' : 'and',
      left.of.map((x) => call(op, [x, b])),
    )
    const isLimit = a.kind === 'call' && a.op === 'abs' && b.axes.includes(column)
    return isLimit ? call('and', [each, call(op, [i32(0), b])]) : each
  }
  const right = parts(b)
  return (
    right &&
    call(
      right.smaller ? 'and' : 'or',
      right.of.map((x) => call(op, [a, x])),
    )
  )
}

function parts(e: Expr): { readonly of: readonly Expr[]; readonly smaller: boolean } | undefined {
  if (e.kind !== 'call') return undefined
  const [x] = e.args
  if (e.op === 'abs' && x) return { of: [x, call('neg', [x])], smaller: false }
  return e.op === 'min' || e.op === 'max' ? { of: e.args, smaller: e.op === 'min' } : undefined
}
