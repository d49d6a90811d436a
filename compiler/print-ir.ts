/** IR as text, for `--emit ir` and goldens. What is used more than once has a name; the same module gives the same text. */
import type { Attention, Axis, Check, DeclaredRange, InputDecl, Module, ParamDecl, ResultDecl } from './attention.ts'
import { unreachable } from './invariant.ts'
import { children, type Expr, nodesOf, type RepeatLoop } from './ir.ts'
import type { Op } from './ops.ts'

export const printModule = (module: Module): string => module.attentions.map(printAttention).join('\n')

export function printAttention(a: Attention): string {
  const roots: readonly (readonly [string, Expr])[] = [
    ...(a.mask ? [['mask', a.mask] as const] : []),
    ...(a.score ? [['score', a.score] as const] : []),
    ...(a.weight ? [['weight', a.weight] as const] : []),
  ]
  const names = nameShared(roots, [...roots.map(([, e]) => e), ...a.results.map(({ expr }) => expr)])
  const lines = [
    ...a.axes.map(printAxis),
    ...a.inputs.map(printInput),
    ...a.params.map(printParam),
    ...names.lines(),
    ...a.results.map((result) => printResult(result, names)),
    ...(Object.keys(a.tile).length > 0 ? [`tile ${printSizes(a.tile)}`] : []),
    ...(a.precision ? [`precision ${a.precision}`] : []),
    ...a.checks.map(({ sizes }: Check) => `check ${printSizes(sizes)}`),
  ]
  return `attention ${a.name} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
}

/** One expression with the parts that it shares. */
export function printExpr(e: Expr): string {
  const names = nameShared([], [e])
  return [...names.lines(), names.print(e)].join('\n')
}

// Declarations.

function printAxis({ name, length, time }: Axis): string {
  const when = time === 'compile' ? ' at compile time' : ''
  switch (length.kind) {
    case 'input':
      return `axis ${name}${when}`
    case 'fixed':
      return `axis ${name} = ${inline(length.value)}${when}`
    case 'part':
      return `axis ${name} is the ${length.role} part of ${length.of} by ${inline(length.by)}${when}`
    default:
      return `axis ${name} ${length.kind} ${length.of}${when}`
  }
}

function printInput({ name, axes, type, storage, range, indexes }: InputDecl): string {
  const stored = storage ?? `${type} by dtype`
  return `input ${name}${brackets(axes)}: ${stored}${printRange(range)}${indexes === undefined ? '' : ` indexes ${indexes}`}`
}

function printParam({ name, type, default: value, time, range }: ParamDecl): string {
  const given = value ? ` = ${inline(value)}` : ''
  return `${time === 'compile' ? 'const' : 'param'} ${name}: ${type}${given}${printRange(range)}`
}

const printRange = (range: DeclaredRange | undefined): string =>
  range ? ` in [${inline(range.lo)}, ${inline(range.hi)}]` : ''
const printSizes = (sizes: Readonly<Record<string, number>>): string =>
  `{ ${Object.entries(sizes)
    .map(([name, size]) => `${name} = ${size}`)
    .join(', ')} }`
const printResult = ({ name, axes, expr }: ResultDecl, names: Names): string =>
  `output ${name}: ${expr.type}${brackets(axes)} = ${names.print(expr)}`
const brackets = (axes: readonly string[]): string => (axes.length === 0 ? '' : `[${axes.join(', ')}]`)

// Names of shared nodes.

interface Names {
  readonly print: (e: Expr) => string
  /** The definitions, each after those that it uses. */
  readonly lines: () => readonly string[]
}

function nameShared(named: readonly (readonly [string, Expr])[], roots: readonly Expr[]): Names {
  const nodes = nodesOf(...roots)
  const names = new Map<Expr, string>(named.toReversed().map(([name, e]) => [e, name]))
  const loops = new Map<RepeatLoop, string>()
  const uses = countUses(nodes, roots)
  const shared = nodes.filter((e) => !names.has(e) && (uses.get(e) ?? 0) > 1 && isWorthAName(e))
  for (const [k, e] of shared.entries()) names.set(e, `t${k + 1}`)
  for (const e of nodes) {
    if (e.kind === 'repeat' && !loops.has(e.loop)) loops.set(e.loop, `loop${loops.size + 1}`)
  }
  const show = (e: Expr, outer: number): string => names.get(e) ?? printNode(e, outer, show, loops)
  const lines = (): readonly string[] => {
    const shown = new Set<RepeatLoop>()
    return nodes.flatMap((e) => [...printLoop(e, shown, show, loops), ...define(e, names, show, loops)])
  }
  return { print: (e) => show(e, 0), lines }
}

function define(
  e: Expr,
  names: ReadonlyMap<Expr, string>,
  show: Show,
  loops: ReadonlyMap<RepeatLoop, string>,
): readonly string[] {
  const name = names.get(e)
  return name === undefined ? [] : [`${name}: ${e.type}${brackets(e.axes)} = ${printNode(e, 0, show, loops)}`]
}

function printLoop(
  e: Expr,
  shown: Set<RepeatLoop>,
  show: Show,
  loops: ReadonlyMap<RepeatLoop, string>,
): readonly string[] {
  if (e.kind !== 'repeat' || shown.has(e.loop)) return []
  shown.add(e.loop)
  const carried = e.loop.carried.map(
    ({ variable: v, initial, next }) =>
      `  ${v.id}: ${v.type}${brackets(v.axes)} = ${show(initial, 0)} then ${show(next, 0)}`,
  )
  return [`${loops.get(e.loop)} = repeat ${show(e.loop.count, 0)}`, ...carried]
}

function countUses(nodes: readonly Expr[], roots: readonly Expr[]): ReadonlyMap<Expr, number> {
  const uses = new Map<Expr, number>()
  const loops = new Set<RepeatLoop>()
  const use = (e: Expr): unknown => uses.set(e, (uses.get(e) ?? 0) + 1)
  for (const e of nodes) {
    if (e.kind === 'repeat' && loops.has(e.loop)) continue
    if (e.kind === 'repeat') loops.add(e.loop)
    for (const child of children(e)) use(child)
  }
  for (const root of new Set(roots)) use(root)
  return uses
}

const isWorthAName = (e: Expr): boolean =>
  children(e).length > 0 && !(e.kind === 'call' && e.op === 'float' && isLeaf(e.args[0]))
const isLeaf = (e: Expr | undefined): boolean => e !== undefined && children(e).length === 0

// Expressions.

type Show = (e: Expr, outer: number) => string

const inline = (e: Expr): string =>
  printNode(e, 0, (child, outer) => printNode(child, outer, (c) => inline(c), new Map()), new Map())

/** Signs by how tightly they bind; the right operand of one binds tighter than the left. */
const infix: Readonly<Partial<Record<Op, readonly [sign: string, tightness: number]>>> = {
  or: ['or', 1],
  and: ['and', 2],
  lt: ['<', 4],
  le: ['<=', 4],
  eq: ['==', 4],
  ne: ['!=', 4],
  add: ['+', 5],
  sub: ['-', 5],
  mul: ['*', 6],
  div: ['/', 6],
  idiv: ['div', 6],
  mod: ['%', 6],
  pow: ['^', 9],
}
const atom = 10

function printNode(e: Expr, outer: number, show: Show, loops: ReadonlyMap<RepeatLoop, string>): string {
  const list = (all: readonly Expr[]): string => all.map((x) => show(x, 0)).join(', ')
  switch (e.kind) {
    case 'const':
      return printConst(e.value, e.type)
    case 'index':
      return e.axis
    case 'size':
      return `size(${e.axis})`
    case 'input':
    case 'param':
      return e.name
    case 'bound':
      return e.id
    case 'call':
      return printCall(e.op, e.args, outer, show)
    case 'spread':
      return `spread[${e.axes.filter((axis) => !e.of.axes.includes(axis)).join(', ')}](${show(e.of, 0)})`
    case 'at': {
      const places = e.places.map((p) => `${p.axis} = ${show(p.index, 0)}${p.outside === 'zero' ? ' else 0' : ''}`)
      return `${show(e.of, atom)}[${places.join(', ')}]`
    }
    case 'reduce':
      return `${e.op}[${e.over.join(', ')}${printDomain(e.domain, show)}](${e.op === 'count' ? '' : show(e.of, 0)})`
    case 'scan':
      return `${e.op}[${e.over}${printDomain(e.domain, show)}](${show(e.of, 0)})`
    case 'solve':
      return `solve(${e.variable.id} in [${list([e.lo, e.hi])}]: ${show(e.of, 0)})`
    case 'repeat':
      return `${loops.get(e.loop) ?? 'loop'}.${e.loop.carried[e.which]?.variable.id ?? e.which}`
    case 'random':
      return `random(${list([e.seed, ...e.counters])})`
    default:
      return unreachable(e)
  }
}

const printDomain = (domain: Expr | undefined, show: Show): string => (domain ? ` where ${show(domain, 0)}` : '')

/** Floats have a point or an exponent, so that the type is seen. */
function printConst(value: number | boolean, type: Expr['type']): string {
  if (type !== 'f32' || typeof value === 'boolean') return String(value)
  const text = Object.is(value, -0) ? '-0' : String(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

function printCall(op: Op, args: readonly Expr[], outer: number, show: Show): string {
  const [a, b, c] = args
  const sign = infix[op]
  if (a && b && sign) {
    const [word, tightness] = sign
    const right = op === 'pow'
    const text = `${show(a, right || tightness === 4 ? tightness + 1 : tightness)} ${word} ${show(b, right ? tightness : tightness + 1)}`
    return tightness < outer ? `(${text})` : text
  }
  if (op === 'select' && a && b && c) {
    const text = `if ${show(a, 1)} then ${show(b, 1)} else ${show(c, 0)}`
    return outer > 0 ? `(${text})` : text
  }
  if (a && (op === 'neg' || op === 'not')) {
    const [word, tightness] = op === 'neg' ? ['-', 7] : ['not ', 3]
    const text = `${word}${show(a, tightness)}`
    return tightness < outer ? `(${text})` : text
  }
  return `${op}(${args.map((arg) => show(arg, 0)).join(', ')})`
}
