import { children, type Expr, mapChildren, type RepeatLoop } from '../ir.ts'

/** Makes equal expressions one object, so that `===` is equality. Spans do not count. */
export interface Interner {
  readonly intern: (e: Expr) => Expr
  /** A number that names an interned node; equal nodes have equal numbers, in order of first sight. */
  readonly id: (e: Expr) => number
}

export function createInterner(): Interner {
  const byKey = new Map<string, Expr>()
  const ids = new Map<Expr, number>()
  const seen = new Map<Expr, Expr>()
  const loops = new Map<RepeatLoop, RepeatLoop>()
  const intern = (e: Expr): Expr => {
    if (ids.has(e)) return e
    const known = seen.get(e)
    if (known) return known
    const rebuilt = mapChildren(e, intern, loops)
    const key = keyOf(rebuilt, (child) => ids.get(child) ?? -1)
    const canonical = byKey.get(key) ?? rebuilt
    if (!byKey.has(key)) {
      byKey.set(key, canonical)
      ids.set(canonical, ids.size)
    }
    seen.set(e, canonical)
    return canonical
  }
  return { intern, id: (e) => ids.get(intern(e)) ?? -1 }
}

function keyOf(e: Expr, id: (child: Expr) => number): string {
  if (e.kind === 'call') return `${e.op}(${e.args.map(id).join()})` // type and axes follow from these
  const parts = children(e).map(id).join()
  return `${e.kind}:${e.type}:${e.axes.join(' ')}:${ownKey(e)}(${parts})`
}

/** What tells a node from others with the same children. */
function ownKey(e: Expr): string {
  switch (e.kind) {
    case 'const':
      return Object.is(e.value, -0) ? '-0' : String(e.value)
    case 'index':
    case 'size':
      return e.axis
    case 'input':
    case 'param':
      return e.name
    case 'bound':
      return e.id
    case 'at':
      return e.places.map((place) => `${place.axis}/${place.outside}`).join(' ')
    case 'reduce':
      return `${e.op} ${e.over.join(' ')} ${e.domain ? 'in' : 'all'}`
    case 'scan':
      return `${e.op} ${e.over} ${e.domain ? 'in' : 'all'}${e.exclusive ? ' before' : ''}`
    case 'solve':
      return e.variable.id
    case 'repeat':
      return `${e.which} ${e.loop.carried.map((c) => c.variable.id).join(' ')}`
    default:
      return ''
  }
}
