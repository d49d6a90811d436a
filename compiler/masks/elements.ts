/** The parts of a mask at one place of a tile, as a kernel computes them: loads, and what is calculated from them. */
import { type Expr, withoutAxes } from '../ir.ts'
import { indexRef, type KernelExpr, type Load, paramRef, sizeRef, type ValueAxis, valueRef } from '../kernel.ts'
import { float, int, no, scalar, yes } from './scalar.ts'

export interface Surroundings {
  readonly extent: (axis: string) => ValueAxis['extent'] | undefined // undefined: a single index
  readonly tile: (axis: string) => number | undefined // tiles start at multiples of it
  readonly sizes: Readonly<Record<string, number>>
  readonly newName: (hint: string) => string
  readonly number: (e: Expr) => number
}

export interface Elements {
  /** The axes along which an expression differs within a tile. `i div 64` does not where tiles of 32 begin at their multiples. */
  readonly varying: (e: Expr) => readonly string[]
  readonly element: (e: Expr) => KernelExpr
}

/** `emit` is given each load once, with what it reads. */
export function createElements(around: Surroundings, emit: (load: Load, of: Expr) => void): Elements {
  const { extent, tile, number } = around
  const axesOf = new Map<Expr, readonly string[]>()
  const loads = new Map<number, Load>()

  const varying = (e: Expr): readonly string[] => {
    const out = axesOf.get(e) ?? [...new Set(findVarying(e))]
    axesOf.set(e, out)
    return out
  }

  function findVarying(e: Expr): readonly string[] {
    if (e.kind === 'call') return steadyQuotient(e) ? [] : e.args.flatMap(varying)
    if (e.kind !== 'at') return e.axes.filter(extent)
    const moved = e.places.map((place) => place.axis)
    return [...withoutAxes(e.of.axes, moved).filter(extent), ...e.places.flatMap((place) => varying(place.index))]
  }

  /** `i div n`, the same everywhere in a tile since tiles of i do not cross multiples of n. */
  function steadyQuotient(e: Expr): KernelExpr | undefined {
    const [a, n] = e.kind === 'call' && e.op === 'idiv' ? e.args : []
    if (a?.kind !== 'index' || n?.kind !== 'const' || extent(a.axis) !== 'tile') return undefined
    const [by, own] = [Number(n.value), tile(a.axis)]
    return own !== undefined && by > 0 && by % own === 0
      ? scalar('idiv', indexRef(a.axis, 'first'), int(by))
      : undefined
  }

  function element(e: Expr): KernelExpr {
    switch (e.kind) {
      case 'const':
        return e.type === 'bool'
          ? e.value
            ? yes
            : no
          : e.type === 'i32'
            ? int(Number(e.value))
            : float(Number(e.value))
      case 'index':
        return indexRef(e.axis)
      case 'size':
        return sizeIn(around.sizes, e.axis)
      case 'param':
        return paramRef(e.name, e.type)
      case 'call':
        return steadyQuotient(e) ?? scalar(e.op, ...e.args.map(element))
      default:
        return load(e)
    }
  }

  function load(e: Expr): KernelExpr {
    const known = loads.get(number(e))
    if (known) return valueRef(known.to)
    const of = e.kind === 'at' ? e.of : e
    const places = e.kind === 'at' ? e.places : []
    const own = withoutAxes(
      of.axes,
      places.map((place) => place.axis),
    )
    const buffer = of.kind === 'input' ? of.name : ''
    const index = Object.fromEntries([
      ...own.map((axis) => [axis, indexRef(axis)] as const),
      ...places.map((place) => [place.axis, element(unclamped(place.index))] as const),
    ])
    const axes = varying(e).map((axis): ValueAxis => ({ axis, extent: extent(axis) ?? 'tile' }))
    const made: Load = {
      kind: 'load',
      to: { name: around.newName(buffer), type: e.type, axes },
      buffer,
      index,
      outside: places.length > 0 ? 'clamp' : 'never',
    }
    loads.set(number(e), made)
    emit(made, e)
    return valueRef(made.to)
  }

  return { varying, element }
}

export const sizeIn = (sizes: Readonly<Record<string, number>>, axis: string): KernelExpr => {
  const fixed = sizes[axis]
  return fixed === undefined ? sizeRef(axis) : int(fixed)
}

/** The clamp that `resolveMask` wrote, which the load does itself. */
function unclamped(e: Expr): Expr {
  const inner =
    e.kind === 'call' && e.op === 'max' && e.args[0]?.kind === 'const' && e.args[0].value === 0 ? e.args[1] : undefined
  return inner?.kind === 'call' && inner.op === 'min' && inner.args[0] ? inner.args[0] : e
}
