/** A kernel's items, their loops, and where its values live. */
import type { Kernel, Program, Value } from '../../compiler/kernel.ts'
import { type Band, findBands } from './band.ts'
import { chooseCheap, chooseInlined, type InPlace } from './inline.ts'
import { type Define, everyItem, type Facts, type Item } from './item.ts'
import { type Node, nest } from './nest.ts'
import { everyStatement, normalize } from './normalize.ts'
import { findPlaces, type Place } from './place.ts'

export interface Analysis {
  readonly facts: Facts
  readonly nodes: readonly Node[]
  readonly places: ReadonlyMap<string, Place>
  readonly bands: readonly Band[]
}

/** What a target does with values beside keeping them in tiles. */
export interface Habits {
  readonly inPlace?: InPlace // which loads products may read from their buffer; without it, products read tiles
  readonly row?: string | undefined // of pairs whose values it takes from diagonals, where these tell them apart
}

export function analyze(kernel: Kernel, program: Program, { inPlace = () => false, row }: Habits = {}): Analysis {
  const { items, values } = normalize(kernel)
  const bare = factsOf(kernel, items, values, program)
  let facts: Facts = { ...bare, inlined: chooseInlined(items, bare, program.buffers, inPlace, row) }
  for (;;) {
    const nodes = nest(items, facts)
    const places = findPlaces(nodes, facts)
    const more = chooseCheap(items, facts, places)
    if (more.length === 0) return { facts, nodes, places, bands: findBands(items, facts) }
    facts = { ...facts, inlined: new Set([...facts.inlined, ...more]) }
  }
}

function factsOf(kernel: Kernel, items: readonly Item[], values: ReadonlyMap<string, Value>, program: Program): Facts {
  const all = everyItem(items)
  const tiles = new Map<string, number>()
  const note = (axis: string, tile: number | undefined): void => {
    tiles.set(axis, Math.max(tile ?? 1, tiles.get(axis) ?? 1))
  }
  for (const { axis, tile } of kernel.grid) note(axis, tile)
  for (const item of all) {
    if (item.kind === 'repeat' && item.loop.over.kind === 'tiles') note(item.loop.over.axis, item.loop.over.tile)
  }
  const axes = new Set([
    ...tiles.keys(),
    ...[...values.values()].flatMap((value) => value.axes.map(({ axis }) => axis)),
  ])
  const isWhole = (axis: string): boolean =>
    [...values.values()].some((value) => value.axes.some((a) => a.axis === axis && a.extent === 'whole'))
  const extents = new Map(
    [...axes].map((axis) => [axis, isWhole(axis) ? (program.sizes[axis] ?? 1) : (tiles.get(axis) ?? 1)]),
  )
  return {
    kernel,
    values,
    defines: new Map(all.filter((item): item is Define => item.kind === 'define').map((item) => [item.to.name, item])),
    carried: new Set(
      everyStatement(kernel.body).flatMap((s) => (s.kind === 'loop' ? s.carried.map((c) => c.value.name) : [])),
    ),
    stored: new Set(all.flatMap((item) => (item.kind === 'put' ? [item.store.buffer] : []))),
    order: [...axes],
    extents,
    inlined: new Set(),
  }
}
