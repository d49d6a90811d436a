/** Expressions as a researcher writes them: `Σ_{j: mask} weight · v`. Conversions and declared axes are left out, types as well. */
import { unreachable } from '../invariant.ts'
import type { Call, Expr, Place, Reduce, Scan, Solve } from '../ir.ts'
import { isGroupOf } from '../lower/forms.ts'
import type { Op } from '../ops.ts'

/** What stands for an expression; undefined: it is written out. */
export type NameOf = (e: Expr) => string | undefined

/** `e` written out, whether it has a name or not; names stand for its parts. */
export const notate = (e: Expr, nameOf: NameOf): string => write(bare(e), 0, showWith(nameOf))
/** `e` by its name, or else written out. */
export const refer = (e: Expr, nameOf: NameOf): string => showWith(nameOf)(e, 0)

/** Writes a part; `outer`: how tightly what stands around it binds. */
export type Show = (e: Expr, outer: number) => string
export function showWith(nameOf: NameOf): Show {
  const show: Show = (part, outer) => {
    const plain = bare(part)
    return nameOf(part) ?? nameOf(plain) ?? write(plain, outer, show)
  }
  return show
}

/** Without what changes types and axes only. */
export function bare(e: Expr): Expr {
  if (e.kind === 'spread') return bare(e.of)
  const [x] = e.kind === 'call' && (e.op === 'float' || e.op === 'stop_gradient') ? e.args : []
  return x ? bare(x) : e
}

/** `u` of the carried `u.1`. */
export const variableName = (id: string): string => id.replace(/\.\d+/, '').replaceAll(' ', '_')

/** Signs by how tightly they bind. */
const signs: Readonly<Partial<Record<Op, readonly [sign: string, tightness: number]>>> = {
  or: ['or', 1],
  and: ['and', 2],
  lt: ['<', 4],
  le: ['≤', 4],
  eq: ['==', 4],
  ne: ['≠', 4],
  add: ['+', 5],
  sub: ['-', 5],
  mul: ['·', 6],
  div: ['/', 6],
  idiv: ['div', 6],
  mod: ['%', 6],
  pow: ['^', 9],
}
const comparison = 4
const term = 6
const unary = 7
const atom = 10

function write(e: Expr, outer: number, show: Show): string {
  switch (e.kind) {
    case 'const':
      return numberText(e.value)
    case 'index':
      return e.axis
    case 'size':
      return `size(${e.axis})`
    case 'input':
    case 'param':
      return e.name
    case 'bound':
      return variableName(e.id)
    case 'call':
      return writeCall(e, outer, show)
    case 'spread':
      return show(e.of, outer)
    case 'at': {
      const places = e.places.map((p) => writePlace(p, show))
      return `${show(e.of, atom)}[${places.join(', ')}]`
    }
    case 'reduce':
      return writeReduce(e, outer, show)
    case 'scan':
      return writeScan(e, outer, show)
    case 'solve':
      return within(writeSolve(e, show), outer > 0)
    case 'repeat':
      return variableName(e.loop.carried[e.which]?.variable.id ?? '')
    case 'random':
      return `random(${[e.seed, ...e.counters].map((x) => show(x, 0)).join(', ')})`
    default:
      return unreachable(e)
  }
}

/** Grouped heads read the tensor of their group. */
const writePlace = ({ axis, index, outside }: Place, show: Show): string => {
  const at = isGroupOf(index, axis) ? `the group of ${index.axes.join()}` : show(index, 0)
  return `${axis} = ${at}${outside === 'zero' ? ' else 0' : ''}`
}

const within = (text: string, parentheses: boolean): string => (parentheses ? `(${text})` : text)

/** As few digits as give the f32 back. */
export function numberText(value: number | boolean): string {
  if (typeof value === 'boolean') return String(value)
  if (Number.isNaN(value)) return '0/0'
  if (value === Infinity) return '∞'
  return value === -Infinity ? '-∞' : String(Number(value.toPrecision(9)))
}

function writeCall(e: Call, outer: number, show: Show): string {
  const [a, b, c] = e.args
  const finite = finiteArgument(e)
  if (finite) return `finite(${show(finite, 0)})`
  const sign = signs[e.op]
  if (a && b && sign) return writeSigned(sign, a, b, outer, show)
  if (e.op === 'select' && a && b && c)
    return within(`if ${show(a, 1)} then ${show(b, 1)} else ${show(c, 0)}`, outer > 0)
  if (a && e.op === 'neg') return within(`-${show(a, unary)}`, outer > term)
  if (a && e.op === 'not') return within(`not ${show(a, 3)}`, outer > 3)
  if (a && e.op === 'abs') return `|${show(a, 0)}|`
  if (a && e.op === 'sqrt') return writeRoot(show(a, 0))
  return `${e.op}(${e.args.map((arg) => show(arg, 0)).join(', ')})`
}
const writeRoot = (of: string): string => (/^\w+(\(\w+\))?$/.test(of) ? `√${of}` : `√(${of})`)

function writeSigned(
  [sign, tightness]: readonly [string, number],
  a: Expr,
  b: Expr,
  outer: number,
  show: Show,
): string {
  if (sign === '^') return within(`${show(a, atom)}^${show(b, atom)}`, outer > tightness)
  // Half a step: the right side of a difference is no sum, but may be a fold, which a factor may not.
  const left = show(a, tightness === comparison ? tightness + 0.5 : tightness)
  const right = show(b, tightness + 0.5)
  // a + -b is a - b, and a - -b is a + b: a sign stands before all of a term.
  if (right.startsWith('-') && (sign === '+' || sign === '-'))
    return within(`${left} ${sign === '+' ? '-' : '+'} ${right.slice(1)}`, outer > tightness)
  return within(`${left} ${sign} ${within(right, right.startsWith('-'))}`, outer > tightness)
}

/** x of `if |x| < inf then x else 0`, which plans put where an infinite number must not be subtracted. */
function finiteArgument(e: Call): Expr | undefined {
  const [c, x, zero] = e.op === 'select' ? e.args : []
  const [abs, limit] = c?.kind === 'call' && c.op === 'lt' ? c.args : []
  const isSame = abs?.kind === 'call' && abs.op === 'abs' && abs.args[0] === x
  const isGuard = limit?.kind === 'const' && limit.value === Infinity && zero?.kind === 'const' && zero.value === 0
  return isSame && isGuard ? x : undefined
}

// Folds: a sign before their body, which reaches to the next + or comparison.

const foldSigns: Readonly<Record<Reduce['op'], string>> = {
  sum: 'Σ',
  max: 'max',
  min: 'min',
  mean: 'mean',
  any: 'any',
  all: 'all',
  count: 'count',
  logsumexp: 'logsumexp',
}
export const subscript = (over: string, where: string | undefined): string =>
  where === undefined ? (over.length === 1 ? `_${over}` : `_{${over}}`) : `_{${over}: ${where}}`

function writeReduce(e: Reduce, outer: number, show: Show): string {
  const head = foldSigns[e.op] + subscript(e.over.join(','), e.domain && show(e.domain, 0))
  return writeFold(head, e.op === 'count' || isTrue(e.of) ? undefined : e.of, e.op === 'sum', outer, show)
}
const isTrue = (e: Expr): boolean => e.kind === 'const' && e.value === true

/** `Σ_j a · b`, but `max_j(a · b)`: names of folds stand before parentheses, unless what follows is a name itself. */
export function writeFold(head: string, body: Expr | undefined, isSum: boolean, outer: number, show: Show): string {
  if (!body) return head
  const text = show(body, isSum ? term : atom)
  const inParentheses = !isSum && text.startsWith('(')
  return within(`${head}${inParentheses ? '' : ' '}${text}`, outer >= term)
}

function writeScan(e: Scan, outer: number, show: Show): string {
  const sign = `${e.op === 'cumsum_back' ? '≥' : '≤'}`
  const range = e.exclusive ? sign.replace('≥', '>').replace('≤', '<') : sign
  const head =
    (e.op === 'cummax' ? 'max' : 'Σ') + subscript(`${e.over}' ${range} ${e.over}`, e.domain && show(e.domain, 0))
  return writeFold(head, e.of, e.op !== 'cummax', outer, show)
}

function writeSolve(e: Solve, show: Show): string {
  const t = variableName(e.variable.id)
  return `the largest ${t} in [${show(e.lo, 0)}, ${show(e.hi, 0)}] with ${show(e.of, comparison + 1)} ≥ 0`
}
