/** Integers that no sum takes apart: indices, lengths, scalars, extremes of tensors, results of other operations. */
import { anyInteger, anyLength, intersect, type Range, range } from '../interval.ts'
import type { Expr } from '../ir.ts'
import { indexRef, type KernelExpr, sizeRef } from '../kernel.ts'
import { type Attempt, limitScalar, limitSize } from './attempt.ts'
import { sizeIn } from './elements.ts'
import type { LeafContext, Leaves } from './leaves.ts'
import { type Atom, type Bounded, type Linear, ofAtom, ofConstant } from './linear.ts'
import { int, sub, yes } from './scalar.ts'

export interface AtomContext extends LeafContext {
  readonly leaves: Leaves
  readonly ranges: (e: Expr) => Range
}
export interface Atoms {
  readonly index: (axis: string, tried: Attempt) => Linear
  readonly size: (axis: string, tried: Attempt) => Linear
  readonly point: (e: Expr, tried: Attempt) => Linear
  readonly fold: (e: Expr, tried: Attempt) => Linear
  /** What an operation made of other numbers. */
  readonly made: (e: Expr, of: Bounded, quotient?: Atom['quotient']) => Linear
}

export function createAtoms(context: AtomContext): Atoms {
  const { leaves, ranges, sizes, column } = context
  const nothing = { known: yes, role: undefined, column: false, quotient: undefined, reach: undefined }

  function index(axis: string, tried: Attempt): Linear {
    const fixed = sizes[axis]
    const length = fixed ?? limitSize(anyLength, `size ${axis}`, sizeRef(axis), tried).hi
    const role = fixed === undefined ? ({ kind: 'index', axis } as const) : undefined
    const bounds = range(0, Math.max(0, length - 1))
    const own = { key: `index ${axis}`, role, range: bounds, column: axis === column }
    return ofAtom({ ...nothing, ...own, ...endsOf(axis) })
  }

  function endsOf(axis: string): Pick<Bounded, 'lo' | 'hi'> {
    const extent = context.extent(axis)
    if (extent === 'tile') return { lo: indexRef(axis, 'first'), hi: indexRef(axis, 'last') }
    if (extent === 'whole') return { lo: int(0), hi: sub(sizeIn(sizes, axis), int(1)) }
    const single = indexRef(axis)
    return { lo: single, hi: single }
  }

  function size(axis: string, tried: Attempt): Linear {
    const fixed = sizes[axis]
    if (fixed !== undefined) return ofConstant(fixed)
    const value = sizeRef(axis)
    const bounds = limitSize(anyLength, `size ${axis}`, value, tried)
    const role = { kind: 'size', axis } as const
    return ofAtom({ ...nothing, key: `size ${axis}`, role, lo: value, hi: value, range: bounds })
  }

  const place = (e: Expr): Pick<Atom, 'key' | 'column'> => ({
    key: `${context.number(e)}`,
    column: e.axes.includes(column),
  })

  function leaf(e: Expr, lo: KernelExpr, hi: KernelExpr, tried: Attempt, reach?: Atom['reach']): Linear {
    const natural = intersect(anyInteger, ranges(e))
    const bounds = limitScalar(natural, `${context.number(e)}`, lo, hi, tried)
    return ofAtom({ ...nothing, ...place(e), lo, hi, range: bounds, reach })
  }

  function fold(e: Expr, tried: Attempt): Linear {
    const reach = leaves.reachOf(e)
    const ends = tried.everywhere && reach ? reach.extremes() : { lo: leaves.fold(e, 'min'), hi: leaves.fold(e, 'max') }
    return leaf(e, ends.lo, ends.hi, tried, reach)
  }

  function point(e: Expr, tried: Attempt): Linear {
    const value = leaves.point(e)
    return leaf(e, value, value, tried)
  }

  const made: Atoms['made'] = (e, of, quotient) => ofAtom({ ...nothing, ...place(e), ...of, quotient })
  return { index, size, point, fold, made }
}
