/**
 * Where values live: in a register of the invocation that makes them, in the tiles of the group, or, where these do not hold all,
 * in a part of a buffer that belongs to the group.
 */
import type { Value } from '../../compiler/kernel.ts'
import { defined, type Facts, type Item, refs } from '../nests/item.ts'
import { elementsEach, type Group, mapElements } from './mapping.ts'
import type { Offer } from './offer.ts'
import { type Phase, type Step, spread } from './phases.ts'

export type Home =
  | { readonly kind: 'uniform' } // the same in every invocation
  | { readonly kind: 'element' } // made and read in one phase
  | { readonly kind: 'own'; readonly size: number } // elements of one invocation, over phases
  | { readonly kind: 'tile'; readonly room: Room; readonly offset: number; readonly size: number }
export type Room = 'tile' | 'mark' | 'spill' | 'spillMark'

/** Words, of a group. */
export interface Homes {
  readonly of: ReadonlyMap<string, Home>
  readonly sizes: Readonly<Record<Room, number>>
  readonly wanted: number // that all values would share if there were room for them
}

interface Use {
  readonly at: object // the phase
  readonly key: string
}

export function findHomes(steps: readonly Step[], facts: Facts, group: Group, { sharedWords }: Offer): Homes {
  const uses = new Map<string, Use[]>()
  const spans = new Map<string, [number, number]>()
  const clock = { now: 0 }
  visit(steps, facts, uses, spans, clock)
  const homes = new Map<string, Home>()
  const shared: Value[] = []
  for (const [name, all] of uses) {
    const value = facts.values.get(name)
    if (!value || facts.inlined.has(name)) continue
    const home = quickHome(value, all, facts, group)
    if (home) homes.set(name, home)
    else shared.push(value)
  }
  const room = sharedWords - reservedWords - (group.quads.size > 0 ? group.size : 0)
  const { tile, mark } = lay(shared, spans, facts, Number.POSITIVE_INFINITY, new Map())
  return { sizes: lay(shared, spans, facts, room, homes), of: homes, wanted: sharedWords - room + tile + mark }
}

function quickHome(value: Value, uses: readonly Use[], facts: Facts, group: Group): Home | undefined {
  if (value.axes.length === 0) return { kind: 'uniform' }
  const key = keyOf(value, facts)
  if (uses.some((use) => use.key !== key)) return undefined
  if (!facts.carried.has(value.name) && uses.every((use) => use.at === uses[0]?.at)) return { kind: 'element' }
  const axes = key.split(',')
  return { kind: 'own', size: elementsEach(mapElements(axes, extentsOf(axes, facts), group)) }
}

const keyOf = ({ axes }: Value, { order }: Facts): string =>
  axes
    .map(({ axis }) => axis)
    .sort((a, b) => order.indexOf(a) - order.indexOf(b))
    .join()

export const extentsOf = (axes: readonly string[], { extents }: Facts): readonly number[] =>
  axes.map((axis) => extents.get(axis) ?? 1)

/** Notes where each value is made and read, and from when until when: within a loop that it outlives, all of the loop. */
function visit(
  steps: readonly Step[],
  facts: Facts,
  uses: Map<string, Use[]>,
  spans: Map<string, [number, number]>,
  clock: { now: number },
): void {
  for (const step of steps) {
    clock.now++
    if (step.kind === 'phase') for (const item of step.items) see(item, item, step, facts, uses, spans, clock.now)
    else {
      see(step.item, step.item, step, facts, uses, spans, clock.now)
      const start = clock.now
      const before = new Set(spans.keys())
      visit(step.head, facts, uses, spans, clock)
      visit(step.body, facts, uses, spans, clock)
      clock.now++
      for (const [name, span] of spans)
        if (span[1] >= start && (before.has(name) || facts.carried.has(name)))
          spans.set(name, [Math.min(span[0], start), clock.now])
    }
  }
}

function see(
  item: Item,
  by: Item,
  at: Phase | Step,
  facts: Facts,
  uses: Map<string, Use[]>,
  spans: Map<string, [number, number]>,
  now: number,
): void {
  const key = spread(by, facts.order).join()
  const note = (name: string): void => {
    uses.set(name, [...(uses.get(name) ?? []), { at, key: by.kind === 'running' ? 'running' : key }])
    const span = spans.get(name)
    spans.set(name, [Math.min(span?.[0] ?? now, now), Math.max(span?.[1] ?? now, now)])
  }
  const own = item === by ? defined(item) : undefined
  if (own !== undefined) note(own)
  for (const ref of refs(item)) {
    const source = facts.inlined.has(ref) ? facts.defines.get(ref) : undefined
    if (source) see(source, by, at, facts, uses, spans, now)
    else note(ref)
  }
}

/**
 * Offsets of what is shared: two values that are never needed at the same time may have the same place.
 * @param room  words that are shared at most
 */
function lay(
  values: readonly Value[],
  spans: ReadonlyMap<string, readonly [number, number]>,
  facts: Facts,
  room: number,
  homes: Map<string, Home>,
): Homes['sizes'] {
  const sizeOf = (value: Value): number =>
    extentsOf(
      value.axes.map(({ axis }) => axis),
      facts,
    ).reduce((product, extent) => product * extent, 1)
  const sizes = { tile: 0, mark: 0, spill: 0, spillMark: 0 }
  const placed: {
    readonly room: Room
    readonly offset: number
    readonly size: number
    readonly span: readonly [number, number]
  }[] = []
  for (const value of values.toSorted((a, b) => sizeOf(a) - sizeOf(b))) {
    const size = sizeOf(value)
    const span = spans.get(value.name) ?? [0, Infinity]
    const inRoom = (one: Room): number =>
      firstGap(
        placed.filter((p) => p.room === one && p.span[0] <= span[1] && span[0] <= p.span[1]),
        size,
      )
    const near: Room = value.type === 'f32' ? 'tile' : 'mark'
    const grown = { ...sizes, [near]: Math.max(sizes[near], inRoom(near) + size) }
    const fits = grown.tile + grown.mark <= room
    const chosen: Room = fits ? near : near === 'tile' ? 'spill' : 'spillMark'
    const offset = inRoom(chosen)
    sizes[chosen] = Math.max(sizes[chosen], offset + size)
    placed.push({ room: chosen, offset, size, span })
    homes.set(value.name, { kind: 'tile', room: chosen, offset, size })
  }
  return sizes
}

/** What is kept free for numbers that one invocation tells all others. */
const reservedWords = 16

function firstGap(taken: readonly { readonly offset: number; readonly size: number }[], size: number): number {
  let at = 0
  for (const { offset, size: length } of taken.toSorted((a, b) => a.offset - b.offset)) {
    if (at + size <= offset) break
    at = Math.max(at, offset + length)
  }
  return at
}
