/** The least and greatest value of an expression over a tile, as scalars computed at run time. */
import { anyInteger, applyToRanges, contains, hull, type NumberOp, range } from '../interval.ts'
import { type Call, call, type Expr, type Reduce } from '../ir.ts'
import type { KernelExpr } from '../kernel.ts'
import { type AtomContext, createAtoms } from './atoms.ts'
import type { Attempt } from './attempt.ts'
import { integerRules } from './integer-rules.ts'
import {
  type Atom,
  type Bounded,
  bounded,
  fits,
  knownOf,
  type Linear,
  minus,
  ofConstant,
  plus,
  scale,
} from './linear.ts'
import { conversion, realRules } from './real-rules.ts'
import { isFormula } from './resolve.ts'
import { and, float, max, min, no, or, scalar, select, yes } from './scalar.ts'

/** `full`: true at every place of the tile; `empty`: false at every one. Never both; both false: not known. */
export interface Truth {
  readonly full: KernelExpr
  readonly empty: KernelExpr
}

export interface NumbersContext extends AtomContext {
  readonly truth: (e: Expr) => Truth
  readonly quantified: (e: Reduce) => Truth | undefined
}
export interface Numbers {
  readonly linear: (e: Expr, tried: Attempt) => Linear
  readonly real: (e: Expr, tried: Attempt) => Bounded
}

const nothing: Bounded = { lo: float(0), hi: float(0), range: range(-Infinity, Infinity), known: no }

export function createNumbersOver(context: NumbersContext): Numbers {
  const { leaves, ranges, truth } = context
  const atoms = createAtoms(context)

  function linear(e: Expr, tried: Attempt): Linear {
    const known = tried.done.get(e)
    if (known) return known
    const found = isFormula(e) ? integer(e, tried) : failed(tried)
    const isHuge = found.terms.some((t) => Math.abs(t.times) >= 2 ** 31) || Math.abs(found.constant) >= 2 ** 32
    const out = isHuge ? failed(tried) : found
    tried.done.set(e, out)
    return out
  }

  function integer(e: Expr, tried: Attempt): Linear {
    if (e.kind === 'const') return ofConstant(Number(e.value))
    if (e.kind === 'index') return atoms.index(e.axis, tried)
    if (e.kind === 'size') return atoms.size(e.axis, tried)
    const leaf = leaves.kindOf(e)
    if (leaf === 'fold') return atoms.fold(e, tried)
    const sum = e.kind === 'call' ? sumOf(e, tried) : undefined
    // A scalar that may wrap is computed as it stands, and wraps alike.
    if (sum && !(leaf === 'point' && !fits(sum))) return sum
    if (leaf === 'point' && e.kind === 'call' && e.op === 'idiv' && e.axes.includes(context.column))
      return ruled(e, tried)
    if (leaf === 'point') return atoms.point(e, tried)
    return e.kind === 'call' ? ruled(e, tried) : failed(tried)
  }

  function failed(tried: Attempt): Linear {
    tried.failed = true
    return ofConstant(0)
  }

  /** Sums and multiples stay linear. Their parts may wrap on the way: only the whole has to fit. */
  function sumOf(e: Call, tried: Attempt): Linear | undefined {
    const [a, b] = e.args
    if (!a) return undefined
    if (e.op === 'neg') return scale(linear(a, tried), -1)
    if (!b) return undefined
    if (e.op === 'add') return plus(linear(a, tried), linear(b, tried))
    if (e.op === 'sub') return minus(linear(a, tried), linear(b, tried))
    if (e.op !== 'mul') return undefined
    const [x, y] = [linear(a, tried), linear(b, tried)]
    if (y.terms.length === 0) return scale(x, y.constant)
    return x.terms.length === 0 ? scale(y, x.constant) : undefined
  }

  /** An operand of what is no sum: it must fit by itself. */
  function whole(e: Expr, tried: Attempt): Bounded {
    const of = linear(e, tried)
    if (!fits(of)) tried.failed = true
    return bounded(of, and(...knownOf(of)))
  }

  function ruled(e: Call, tried: Attempt): Linear {
    const [a, b] = e.args
    if (e.op === 'select')
      return atoms.made(
        e,
        selected(e, (x) => whole(x, tried)),
      )
    if (e.op === 'int' && a) return checked(e, conversion.toInteger(real(a, tried)), tried)
    const rule = integerRules[e.op]
    if (!rule || !a) return failed(tried)
    const crosses = e.op === 'mod' && b !== undefined && leaves.varying(call('idiv', [a, b])).length > 0
    const out = rule(whole(a, tried), whole(b ?? a, tried), crosses)
    if (!out) return failed(tried)
    const by = e.op === 'idiv' && b ? linear(b, tried) : undefined
    const isQuotient = by && by.terms.length === 0 && by.constant > 0
    return checked(e, out, tried, isQuotient ? { of: linear(a, tried), by: by.constant } : undefined)
  }

  function checked(e: Expr, of: Bounded, tried: Attempt, quotient?: Atom['quotient']): Linear {
    if (!contains(anyInteger, of.range)) return failed(tried)
    const point = leaves.kindOf(e) === 'point' ? leaves.point(e) : undefined
    if (point) return atoms.made(e, { ...of, lo: point, hi: point }, quotient)
    return of.lo === of.hi && of.lo.kind === 'const' ? ofConstant(Number(of.lo.value)) : atoms.made(e, of, quotient)
  }

  function selected(e: Call, branch: (e: Expr) => Bounded): Bounded {
    const [c, x, y] = e.args as readonly [Expr, Expr, Expr]
    const { full, empty } = truth(c)
    const [a, b] = [branch(x), branch(y)]
    const end = (one: KernelExpr, other: KernelExpr, either: KernelExpr): KernelExpr =>
      select(full, one, select(empty, other, either))
    return {
      lo: end(a.lo, b.lo, min(a.lo, b.lo)),
      hi: end(a.hi, b.hi, max(a.hi, b.hi)),
      range: hull(a.range, b.range),
      known: or(and(full, a.known), and(empty, b.known), and(a.known, b.known)),
    }
  }

  function real(e: Expr, tried: Attempt): Bounded {
    if (!isFormula(e)) return nothing
    if (e.type === 'i32') return conversion.toReal(whole(e, tried))
    const leaf = leaves.kindOf(e)
    if (leaf === 'point') {
      const value = leaves.point(e)
      return { lo: value, hi: value, range: ranges(e), known: yes }
    }
    if (leaf === 'fold') {
      const known = scalar('not', leaves.anyNaN(e))
      return { lo: leaves.fold(e, 'min'), hi: leaves.fold(e, 'max'), range: ranges(e), known }
    }
    if (e.kind !== 'call') return nothing
    if (e.op === 'select') return selected(e, (x) => real(x, tried))
    if (e.op === 'float') return real(e.args[0] ?? e, tried)
    const [a, b] = e.args
    const rule = realRules[e.op]
    if (!rule || !a) return nothing
    const [x, y] = [real(a, tried), real(b ?? a, tried)]
    return rule(x, y, applyToRanges(e.op as NumberOp, 'f32', [x.range, y.range]))
  }

  return { linear, real }
}
