/**
 * Forms that lose digits or overflow become the library function that does not: `log(1 + exp x)` → `softplus x`. What an attention
 * computes is meant in this form: the interpreter, the allowances and every plan start from it.
 */
import { at, type Call, call, type Expr, i32, index, mapChildren, type RepeatLoop, scan } from './ir.ts'
import type { Op } from './ops.ts'

/** Rewrites all roots at once, so that a node of two roots stays one. A root in which nothing changes is the same object. */
export function stabilise(roots: readonly Expr[]): readonly Expr[] {
  const done = new Map<Expr, Expr>()
  const loops = new Map<RepeatLoop, RepeatLoop>()
  const visit = (e: Expr): Expr => {
    const known = done.get(e)
    if (known) return known
    const out = stableForm(mapChildren(e, visit, loops))
    done.set(e, out)
    return out
  }
  return roots.map(visit)
}

type Rule = (e: Call, x: Expr, y: Expr) => Expr | undefined

const rules: Readonly<Partial<Record<Op, Rule>>> = {
  // log(1 + exp x) = softplus x, log(exp x + exp y) = logaddexp(x, y), log(1 + x) = log1p x
  log: (e, sum) => {
    if (!is(sum, 'add')) return undefined
    const [a, b] = sum.args
    if (!a || !b) return undefined
    const rest = isOne(a) ? b : isOne(b) ? a : undefined
    if (rest) return is(rest, 'exp') ? call('softplus', rest.args, e.span) : call('log1p', [rest], e.span)
    return is(a, 'exp') && is(b, 'exp') ? call('logaddexp', [...a.args, ...b.args], e.span) : undefined
  },
  // 1 / (1 + exp x) = sigmoid(-x)
  div: (e, one, sum) => {
    if (!isOne(one) || !is(sum, 'add')) return undefined
    const rest = sum.args.find((arg) => !isOne(arg))
    const x = rest && sum.args.some(isOne) && is(rest, 'exp') ? rest.args[0] : undefined
    return x && call('sigmoid', [negated(x)], e.span)
  },
  // exp x - 1 = expm1 x; sum[j](x) - cumsum[j](x) = the sum of the places after this one
  sub: (e, x, y) => {
    if (is(x, 'exp') && isOne(y)) return call('expm1', x.args, e.span)
    const suffix = x.kind === 'reduce' && x.op === 'sum' && y.kind === 'scan' && y.op === 'cumsum' && x.type === 'f32'
    if (!suffix || x.over.length !== 1 || x.over[0] !== y.over || x.of !== y.of || x.domain !== y.domain)
      return undefined
    const after = call('add', [index(y.over), i32(1)])
    return at(
      scan('cumsum_back', y.over, y.of, y.domain, e.span),
      [{ axis: y.over, index: after, outside: 'zero' }],
      e.span,
    )
  },
}

function stableForm(e: Expr): Expr {
  if (e.kind !== 'call') return e
  const [x, y = x] = e.args
  return (x && y && rules[e.op]?.(e, x, y)) ?? e
}

const is = (e: Expr, op: Op): e is Call => e.kind === 'call' && e.op === op
const negated = (x: Expr): Expr => (is(x, 'neg') && x.args[0]) || call('neg', [x])

/** The constant 1, also as an integer made a float. */
const isOne = (e: Expr): boolean => (e.kind === 'const' ? e.value === 1 : is(e, 'float') && e.args.every(isOne))
