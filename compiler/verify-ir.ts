/** Faults of IR that no pass may leave: each is a bug of ours, whatever the source was. */
import type { Attention, Module } from './attention.ts'
import { children, type Expr, nodesOf, type RepeatLoop, unionAxes, withoutAxes } from './ir.ts'
import { isComparison, isLogic, type Op, ops, resultType } from './ops.ts'

export const verifyModule = (module: Module): readonly string[] => module.attentions.flatMap(verifyAttention)

/** Every fault, as text that names the attention; empty if there is none. */
export function verifyAttention(a: Attention): readonly string[] {
  const definitions = [a.score, a.mask, a.weight].filter((e) => e !== undefined)
  const roots = [...a.results.map(({ expr }) => expr), ...definitions]
  const faults = [
    ...roots.flatMap(verifyExpr),
    ...verifyDeclared(a, nodesOf(...roots)),
    ...a.results.flatMap(({ name, axes, expr }) =>
      sameSet(axes, expr.axes) ? [] : [`result ${name} over [${axes}] is an expression over [${expr.axes}]`],
    ),
  ]
  if (a.mask && a.mask.type !== 'bool') faults.push(`the mask is ${a.mask.type}`)
  for (const [name, e] of [
    ['score', a.score],
    ['weight', a.weight],
  ] as const) {
    if (e && (e.type !== 'f32' || !e.axes.includes('i') || !e.axes.includes('j')))
      faults.push(`${name} is ${e.type}[${e.axes}]`)
  }
  return [...new Set(faults)].map((fault) => `${a.name}: ${fault}`)
}

/** Faults of one expression, without what a declaration would tell. */
export function verifyExpr(root: Expr): readonly string[] {
  return [...nodesOf(root).flatMap(verifyNode), ...verifyBound(root)]
}

// Declarations.

function verifyDeclared(a: Attention, nodes: readonly Expr[]): readonly string[] {
  const axes = new Set(a.axes.map(({ name }) => name))
  const inputs = new Map(a.inputs.map((decl) => [decl.name, decl]))
  const params = new Map(a.params.map((decl) => [decl.name, decl]))
  return nodes.flatMap((e) => {
    const unknown = [...e.axes, ...(e.kind === 'size' || e.kind === 'index' ? [e.axis] : [])].filter(
      (axis) => !axes.has(axis),
    )
    const faults = unknown.map((axis) => `${e.kind} over ${axis}, which is no axis of the attention`)
    if (e.kind === 'input') {
      const decl = inputs.get(e.name)
      if (decl?.type !== e.type || !sameSet(decl.axes, e.axes)) faults.push(`input ${e.name} is not as declared`)
    }
    if (e.kind === 'param' && params.get(e.name)?.type !== e.type) faults.push(`param ${e.name} is not as declared`)
    return faults
  })
}

// Nodes.

function verifyNode(e: Expr): readonly string[] {
  const faults = findFaults(e)
  const [type, axes] = [expectedType(e), expectedAxes(e)]
  if (type !== e.type) faults.push(`is ${e.type} and should be ${type}`)
  if (!sameList(axes, e.axes)) faults.push(`varies over [${e.axes}] and should over [${axes}]`)
  return faults.map((fault) => `${describe(e)} ${fault}`)
}

const describe = (e: Expr): string => (e.kind === 'call' || e.kind === 'reduce' || e.kind === 'scan' ? e.op : e.kind)

function expectedType(e: Expr): Expr['type'] {
  switch (e.kind) {
    case 'index':
    case 'size':
      return 'i32'
    case 'call':
      return resultType(
        e.op,
        e.args.map(({ type }) => type),
      )
    case 'spread':
    case 'at':
    case 'scan':
      return e.of.type
    case 'reduce':
      if (e.op === 'count') return 'i32'
      if (e.op === 'any' || e.op === 'all') return 'bool'
      return e.op === 'mean' || e.op === 'logsumexp' ? 'f32' : e.of.type
    case 'solve':
    case 'random':
      return 'f32'
    case 'repeat':
      return e.loop.carried[e.which]?.variable.type ?? e.type
    default:
      return e.type
  }
}

function expectedAxes(e: Expr): readonly string[] {
  switch (e.kind) {
    case 'const':
    case 'size':
    case 'param':
      return []
    case 'index':
      return [e.axis]
    case 'call':
    case 'random':
      return unionAxes(...children(e).map(({ axes }) => axes))
    case 'at':
      return unionAxes(
        withoutAxes(
          e.of.axes,
          e.places.map(({ axis }) => axis),
        ),
        ...e.places.map(({ index }) => index.axes),
      )
    case 'reduce':
      return withoutAxes(unionAxes(e.of.axes, e.domain?.axes ?? []), e.over)
    case 'scan':
      return unionAxes(e.of.axes, e.domain?.axes ?? [], [e.over])
    case 'solve':
      return e.variable.axes
    case 'repeat':
      return e.loop.carried[e.which]?.variable.axes ?? []
    default:
      return unionAxes(e.axes)
  }
}

function findFaults(e: Expr): string[] {
  switch (e.kind) {
    case 'const':
      return isOfType(e.value, e.type) ? [] : [`${e.value} is no ${e.type}`]
    case 'call':
      return verifyCall(e.op, e.args)
    case 'spread':
      return e.of.axes.every((axis) => e.axes.includes(axis)) ? [] : ['loses axes']
    case 'at':
      return [
        ...e.places.flatMap(({ axis, index }) => [
          ...(e.of.axes.includes(axis) ? [] : [`moves ${axis}, over which nothing varies`]),
          ...(index.type === 'i32' ? [] : [`has an index of type ${index.type}`]),
        ]),
        ...(isDistinct(e.places.map(({ axis }) => axis)) ? [] : ['moves an axis twice']),
      ]
    case 'reduce':
      return [
        ...verifyFold(e.of, e.domain, wantsBool(e.op)),
        ...(isDistinct(e.over) && e.over.length > 0 ? [] : ['has wrong axes']),
      ]
    case 'scan':
      return verifyFold(e.of, e.domain, false)
    case 'solve':
      return [e.variable, e.lo, e.hi, e.of].some(({ type }) => type !== 'f32')
        ? ['is not of floats']
        : verifyInside(e.variable, [e.lo, e.hi, e.of])
    case 'repeat':
      return verifyLoop(e.loop, e.which)
    case 'random':
      return [e.seed, ...e.counters].some(({ type }) => type !== 'i32') || e.counters.length > 4
        ? ['has wrong counters']
        : []
    default:
      return isDistinct(e.axes) ? [] : ['has an axis twice']
  }
}

const wantsBool = (op: string): boolean => op === 'any' || op === 'all' || op === 'count'

function isOfType(value: number | boolean, type: Expr['type']): boolean {
  if (typeof value === 'boolean' || type === 'bool') return typeof value === 'boolean' && type === 'bool'
  return type === 'f32' || (Number.isInteger(value) && value === (value | 0))
}

const floats: readonly Op[] = [
  ...(['exp', 'exp2', 'expm1', 'log', 'log2', 'log1p', 'sqrt', 'rsqrt', 'tanh', 'sin', 'cos', 'erf'] as const),
  ...(['sigmoid', 'softplus', 'floor', 'ceil', 'round', 'int', 'div', 'atan2', 'logaddexp'] as const),
]

function verifyCall(op: Op, args: readonly Expr[]): string[] {
  const types = args.map(({ type }) => type)
  const [a, b, c] = types
  if (args.length !== ops[op]) return [`has ${args.length} operands`]
  if (isLogic(op)) return types.every((t) => t === 'bool') ? [] : [`has operands ${types}`]
  if (op === 'select') return a === 'bool' && b === c ? [] : [`has operands ${types}`]
  if (types.includes('bool')) return [`has operands ${types}`]
  if (op === 'float') return a === 'i32' ? [] : [`has operands ${types}`]
  if (op === 'pow') return a === 'f32' ? [] : [`has operands ${types}`]
  if (floats.includes(op)) return types.every((t) => t === 'f32') ? [] : [`has operands ${types}`]
  if (isComparison(op) || args.length === 2) return a === b ? [] : [`has operands ${types}`]
  return []
}

function verifyFold(of: Expr, domain: Expr | undefined, bool: boolean): string[] {
  const faults = (of.type === 'bool') === bool ? [] : [`folds ${of.type}`]
  return domain && domain.type !== 'bool' ? [...faults, `has a domain of type ${domain.type}`] : faults
}

const verifyInside = (variable: Expr, parts: readonly Expr[]): string[] =>
  parts.every(({ axes }) => axes.every((axis) => variable.axes.includes(axis)))
    ? []
    : ['has a part over more axes than its variable']

function verifyLoop({ count, carried }: RepeatLoop, which: number): string[] {
  if (!carried[which]) return [`has no value ${which}`]
  const wrong = carried.some(({ variable: v, initial, next }) => initial.type !== v.type || next.type !== v.type)
  return [
    ...(count.type === 'i32' && count.axes.length === 0 ? [] : ['has a wrong count']),
    ...(wrong ? ['carries a value of another type than its variable'] : []),
    ...carried.flatMap(({ variable, initial, next }) => verifyInside(variable, [initial, next])),
  ]
}

// Bound variables.

/** Each variable has to occur below the node that binds it, and be bound once. */
function verifyBound(root: Expr): readonly string[] {
  const free = new Map<Expr, ReadonlySet<string>>()
  const freeIn = (all: readonly Expr[]): ReadonlySet<string> => new Set(all.flatMap((e) => [...(free.get(e) ?? [])]))
  for (const e of nodesOf(root)) free.set(e, freeVariables(e, freeIn))
  return [...(free.get(root) ?? [])].map((id) => `variable ${id} is not bound`)
}

function freeVariables(e: Expr, freeIn: (all: readonly Expr[]) => ReadonlySet<string>): ReadonlySet<string> {
  if (e.kind === 'bound') return new Set([e.id])
  if (e.kind === 'solve') return new Set([...freeIn([e.lo, e.hi]), ...without(freeIn([e.of]), [e.variable.id])])
  if (e.kind === 'repeat') {
    const ids = e.loop.carried.map(({ variable }) => variable.id)
    const outside = freeIn([e.loop.count, ...e.loop.carried.map(({ initial }) => initial)])
    return new Set([...outside, ...without(freeIn(e.loop.carried.map(({ next }) => next)), ids)])
  }
  return freeIn(children(e))
}

const without = (all: ReadonlySet<string>, gone: readonly string[]): readonly string[] =>
  [...all].filter((id) => !gone.includes(id))

const isDistinct = (axes: readonly string[]): boolean => new Set(axes).size === axes.length
const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && isDistinct(a) && a.every((axis) => b.includes(axis))
const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((axis, k) => axis === b[k])
