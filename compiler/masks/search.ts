/**
 * Where along a column a mask can hold, by binary search in the running extremes of its tiles. Those never fall whatever the data,
 * so that what is skipped holds nothing; that nothing else is visited takes data that do not fall either, as documents, times and
 * padding at an end do.
 */
import { type KernelExpr, type Loop, type Statement, sizeRef, type Value, valueRef } from '../kernel.ts'
import { sizeIn } from './elements.ts'
import { add, int, le, lt, max, mul, or, scalar, select, sub } from './scalar.ts'
import { indexOf } from './table-kernels.ts'
import type { Table, Tables, TileFold } from './tables.ts'

/** Bounds of a value that varies along the column. */
export interface Reach {
  /** Before this column, all values are less. */
  readonly atLeast: (bound: KernelExpr) => KernelExpr
  /** From this column on, all values are greater. */
  readonly atMost: (bound: KernelExpr) => KernelExpr
  /** Over the whole column. */
  readonly extremes: () => { readonly lo: KernelExpr; readonly hi: KernelExpr }
  /** Of a bool: before and from these columns on, none is true. */
  readonly first: () => KernelExpr
  readonly end: () => KernelExpr
}

interface SearchContext {
  readonly sizes: Readonly<Record<string, number>>
  readonly newName: (hint: string) => string
  readonly tables: Tables
  readonly emit: (statement: Statement) => void
}

export function createSearches(context: SearchContext): (tableOf: (op: TileFold) => Table) => Reach {
  const { tables, newName, emit } = context
  const done = new Map<string, KernelExpr>()

  /** The first column of the first tile whose entry passes; every later one passes then, too. */
  function find(table: Table, name: string, passes: (entry: KernelExpr) => KernelExpr, key = ''): KernelExpr {
    const id = `${table.buffer.name} ${key}`
    const known = done.get(id)
    if (known) return known
    const count = sizeRef(table.tiles)
    const i32 = (base: string): Value => ({ name: newName(base), type: 'i32', axes: [] })
    const [low, high, middle] = [i32(`${name}_low`), i32(`${name}_high`), i32('middle')]
    const [nextLow, nextHigh] = [i32('next_low'), i32('next_high')]
    const entry: Value = { name: newName(table.name), type: table.of.type, axes: [] }
    const test = passes(valueRef(entry))
    const named: Value = { name: newName('found'), type: 'bool', axes: [] }
    const found = test.kind === 'value' ? test : valueRef(named)
    const [l, h, m] = [valueRef(low), valueRef(high), valueRef(middle)]
    const loop: Loop = {
      kind: 'loop',
      over: { kind: 'rounds', count: roundsFor(count) },
      carried: [
        { value: low, initial: int(0), next: nextLow.name },
        { value: high, initial: count, next: nextHigh.name },
      ],
      body: [
        { kind: 'map', to: middle, expr: add(l, scalar('idiv', sub(h, l), int(2))) },
        { kind: 'load', to: entry, buffer: table.buffer.name, index: indexOf(table, m), outside: 'clamp' },
        ...(found === test ? [] : [{ kind: 'map' as const, to: named, expr: test }]),
        { kind: 'map', to: nextLow, expr: select(or(found, le(h, l)), l, add(m, int(1))) },
        { kind: 'map', to: nextHigh, expr: select(found, m, h) },
      ],
    }
    emit(loop)
    const out = select(lt(l, count), mul(l, int(table.tile)), sizeIn(context.sizes, table.column))
    done.set(id, out)
    return out
  }

  /** A name for what every round compares with. */
  function atHand(bound: KernelExpr, hint: string): KernelExpr {
    const key = `${hint} ${JSON.stringify(bound)}`
    const known = done.get(key)
    if (known || bound.kind !== 'call') return known ?? bound
    const to: Value = { name: newName(hint), type: bound.type, axes: [] }
    emit({ kind: 'map', to, expr: bound })
    done.set(key, valueRef(to))
    return valueRef(to)
  }

  function entryAt(table: Table, at: KernelExpr, hint: string): KernelExpr {
    const id = `${table.buffer.name} at ${hint}`
    const known = done.get(id)
    if (known) return known
    const to: Value = { name: newName(`${hint}_${table.name}`), type: table.of.type, axes: [] }
    emit({ kind: 'load', to, buffer: table.buffer.name, index: indexOf(table, at), outside: 'clamp' })
    done.set(id, valueRef(to))
    return valueRef(to)
  }

  return (tableOf) => {
    const least = (bound: KernelExpr): KernelExpr => {
      const x = atHand(bound, 'least')
      return find(tables.running(tableOf('max'), 'up'), 'start', (entry) => not(lt(entry, x)), JSON.stringify(x))
    }
    const most = (bound: KernelExpr): KernelExpr => {
      const x = atHand(bound, 'most')
      return find(tables.running(tableOf('min'), 'down'), 'end', (entry) => lt(x, entry), JSON.stringify(x))
    }
    return {
      atLeast: least,
      atMost: most,
      extremes: () => {
        const [least, greatest] = [tables.running(tableOf('min'), 'down'), tables.running(tableOf('max'), 'up')]
        const last = sub(sizeRef(greatest.tiles), int(1))
        return { lo: entryAt(least, int(0), 'all'), hi: entryAt(greatest, last, 'all') }
      },
      first: () => find(tables.running(tableOf('any'), 'up'), 'start', (entry) => entry),
      end: () => find(tables.running(tableOf('any'), 'down'), 'end', not),
    }
  }
}

const not = (e: KernelExpr): KernelExpr => scalar('not', e)

/** Halvings that leave one of n + 1 places, and one more for where a target rounds the logarithm down. */
const roundsFor = (n: KernelExpr): KernelExpr =>
  add(scalar('int', scalar('log2', scalar('float', max(n, int(1))))), int(2))
