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
  readonly isWrite: boolean
}

/** The steps that begin with a barrier, and whether buffers are what it is about. */
export interface Barriers {
  readonly before: ReadonlyMap<Step, 'shared' | 'stored'>
}

export function findBarriers(steps: readonly Step[], facts: Facts, homes: ReadonlyMap<string, Home>): Barriers {
  const before = new Map<Step, 'shared' | 'stored'>()
  const accessesOf = (phase: Phase): readonly Access[] => phase.items.flatMap((item) => accesses(item, facts, homes))
  const walk = (list: readonly Step[], start: readonly Access[]): readonly Access[] => {
    let pending = start
    for (const step of list) pending = step.kind === 'loop' ? walkLoop(step, pending) : walkPhase(step, pending)
    return pending
  }
  const walkPhase = (step: Phase, pending: readonly Access[]): readonly Access[] => {
    const own = accessesOf(step)
    const isClear = !before.has(step) && !pending.some((a) => own.some((b) => clash(a, b)))
    if (isClear) return [...pending, ...own]
    const isStored = pending.some(({ room }) => room !== 'tile' && room !== 'mark')
    before.set(step, isStored || before.get(step) === 'stored' ? 'stored' : 'shared')
    return own
  }
  const walkLoop = ({ head, body }: LoopStep, pending: readonly Access[]): readonly Access[] => {
    const round = (start: readonly Access[]): readonly Access[] => {
      const afterHead = walk(head, start)
      return distinct([...afterHead, ...walk(body, afterHead)])
    }
    const once = round(pending)
    return distinct([...pending, ...round(distinct([...pending, ...once]))])
  }
  walk(steps, [])
  return { before }
}

const distinct = (all: readonly Access[]): readonly Access[] => [
  ...new Map(all.map((a) => [`${a.name} ${a.room} ${a.key} ${a.isWrite}`, a])).values(),
]

const clash = (a: Access, b: Access): boolean =>
  (a.isWrite || b.isWrite) &&
  a.room === b.room &&
  a.from < b.to &&
  b.from < a.to &&
  !(a.name === b.name && a.key !== undefined && a.key === b.key)

function accesses(by: Item, facts: Facts, homes: ReadonlyMap<string, Home>): readonly Access[] {
  const key = by.kind === 'running' ? undefined : spread(by, facts.order).join()
  const found: Access[] = []
  const note = (name: string, isWrite: boolean): void => {
    const home = homes.get(name)
    if (home?.kind !== 'tile') return
    const own = facts.values
      .get(name)
      ?.axes.map(({ axis }) => axis)
      .sort((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b))
      .join()
    const { room, offset, size } = home
    found.push({ name, room, from: offset, to: offset + size, key: own === key ? key : undefined, isWrite })
  }
  const noteBuffer = (name: string, isWrite: boolean): void => {
    if (facts.stored.has(name)) found.push({ name, room: `buffer ${name}`, from: 0, to: 1, key: undefined, isWrite })
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
