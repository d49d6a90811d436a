/** Where a group must wait for all its invocations: between what one writes and another reads or writes. */
import type { Facts, Item } from '../nests/item.ts'
import { defined, refs } from '../nests/item.ts'
import type { Home } from './homes.ts'
import { type LoopStep, type Phase, type Step, spread } from './phases.ts'

/** What a phase does to shared words. `key`: the axes of the phase, if each invocation stays with its own elements. */
interface Access {
  readonly name: string
  readonly room: string
  readonly from: number
  readonly to: number
  readonly key: string | undefined
  readonly layout: string // which element lies where in its words: alike for values that take the same ones in turns
  readonly isWrite: boolean
  readonly id: string // the same for equal accesses
}

/** What a barrier orders: shared words, or words of buffers. */
export type Memory = 'shared' | 'stored'
/** The steps that begin with barriers, one for each memory that they are about. */
export interface Barriers {
  readonly before: ReadonlyMap<Step, ReadonlySet<Memory>>
}

const memoryOf = ({ room }: Access): Memory => (room === 'tile' || room === 'mark' ? 'shared' : 'stored')

type Waits = Map<Step, ReadonlySet<Memory>>

/**
 * Barriers where one thing clashes with another, in the order of the steps; then those go that others, put in later, make needless.
 * @param sizes  lengths that are the same in all launches, by axis
 * @param joint  what several invocations do for one element
 */
export function findBarriers(
  steps: readonly Step[],
  facts: Facts,
  homes: ReadonlyMap<string, Home>,
  sizes: Readonly<Record<string, number>>,
  joint: ReadonlySet<Item>,
): Barriers {
  const known = new Map<Phase, readonly Access[]>()
  const accessesOf = (phase: Phase): readonly Access[] => {
    const all = known.get(phase) ?? phase.items.flatMap((item) => accesses(item, facts, homes, joint))
    known.set(phase, all)
    return all
  }
  const before: Waits = new Map()
  walkSteps(steps, [], { before, sizes, accessesOf, onClash: (step, waits) => before.set(step, waits) })
  for (const [step, waits] of before)
    for (const memory of waits) {
      const fewer = new Set(before.get(step))
      fewer.delete(memory)
      const others: Waits = new Map(before).set(step, fewer)
      let isClear = true
      const onClash = (): void => {
        isClear = false
      }
      walkSteps(steps, [], { before: others, sizes, accessesOf, onClash })
      if (isClear) before.set(step, fewer)
    }
  return { before }
}

interface Walk {
  readonly before: Waits
  readonly sizes: Readonly<Record<string, number>>
  readonly accessesOf: (phase: Phase) => readonly Access[]
  /** What a phase would have to wait for, with what it waits for already. */
  readonly onClash: (step: Phase, waits: ReadonlySet<Memory>) => void
}

/** @returns what has been done since the last barrier */
function walkSteps(steps: readonly Step[], start: readonly Access[], walk: Walk): readonly Access[] {
  return steps.reduce(
    (pending, step) => (step.kind === 'loop' ? walkLoop(step, pending, walk) : walkPhase(step, pending, walk)),
    start,
  )
}

function walkPhase(step: Phase, pending: readonly Access[], { before, accessesOf, onClash }: Walk): readonly Access[] {
  const own = accessesOf(step)
  const since = (waits: ReadonlySet<Memory> | undefined): readonly Access[] =>
    pending.filter((a) => !waits?.has(memoryOf(a)))
  const clashing = since(before.get(step)).filter((a) => own.some((b) => clash(a, b)))
  if (clashing.length > 0) onClash(step, new Set([...(before.get(step) ?? []), ...clashing.map(memoryOf)]))
  return [...since(before.get(step)), ...own]
}

function walkLoop({ item, head, body }: LoopStep, pending: readonly Access[], walk: Walk): readonly Access[] {
  const { over } = item.loop
  const mayBeEmpty = over.kind !== 'members' || !((walk.sizes[over.axis] ?? 0) > 0)
  const maySkip = over.kind === 'tiles' && over.skip !== undefined
  const round = (start: readonly Access[]): readonly Access[] => {
    const afterHead = walkSteps(head, start, walk)
    const afterBody = walkSteps(body, afterHead, walk)
    return maySkip ? distinct([...afterHead, ...afterBody]) : afterBody
  }
  const once = round(pending)
  const again = round(distinct([...pending, ...once]))
  return mayBeEmpty ? distinct([...pending, ...again]) : again
}

const distinct = (all: readonly Access[]): readonly Access[] => [...new Map(all.map((a) => [a.id, a])).values()]

const clash = (a: Access, b: Access): boolean =>
  (a.isWrite || b.isWrite) &&
  a.room === b.room &&
  a.from < b.to &&
  b.from < a.to &&
  !(a.layout === b.layout && a.key !== undefined && a.key === b.key)

const accessOf = (a: Omit<Access, 'id'>): Access => ({ ...a, id: `${a.name} ${a.room} ${a.key} ${a.isWrite}` })

function accesses(
  by: Item,
  facts: Facts,
  homes: ReadonlyMap<string, Home>,
  joint: ReadonlySet<Item>,
): readonly Access[] {
  const key = by.kind === 'running' || joint.has(by) ? undefined : spread(by, facts.order).join()
  const found: Access[] = []
  const note = (name: string, isWrite: boolean): void => {
    const home = homes.get(name)
    if (home?.kind !== 'tile') return
    const axes = facts.values.get(name)?.axes.map(({ axis }) => axis) ?? []
    const own = axes.toSorted((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b)).join()
    const { room, offset, size } = home
    const layout = `${axes.join()} from ${offset} to ${offset + size}`
    found.push(
      accessOf({ name, room, from: offset, to: offset + size, key: own === key ? key : undefined, layout, isWrite }),
    )
  }
  const one = by.kind === 'put' && key === '' ? '' : undefined // what has no elements the first invocation stores, each time
  const noteBuffer = (name: string, isWrite: boolean): void => {
    if (facts.stored.has(name))
      found.push(accessOf({ name, room: `buffer ${name}`, from: 0, to: 1, key: one, layout: name, isWrite }))
  }
  const see = (item: Item): void => {
    if (item.kind === 'define' && item.from.kind === 'load') noteBuffer(item.from.buffer, false)
    for (const ref of refs(item)) {
      const source = facts.inlined.has(ref) ? facts.defines.get(ref) : undefined
      if (source) see(source)
      else note(ref, false)
    }
  }
  see(by)
  if (by.kind === 'put') noteBuffer(by.store.buffer, true)
  const made = by.kind === 'scale' ? by.to.name : defined(by)
  if (made !== undefined) note(made, true)
  return found
}
