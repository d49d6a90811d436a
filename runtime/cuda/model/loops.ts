/** The loop of a kernel that multiplies tiles, and the instructions of a round for a whole tile. */
import type { Instruction } from './instructions.ts'
import { kindOf } from './operations.ts'

interface Stretch {
  readonly first: number // instruction
  readonly end: number
  readonly next: readonly number[] // stretches
}

/** The instructions of one round: of all ways through the loop the one that copies and multiplies all there is in the fewest. */
export function roundOf(all: readonly Instruction[]): readonly Instruction[] | undefined {
  const stretches = stretchesOf(all)
  const loops = loopsOf(stretches).map(({ head, members }) => ({
    head,
    members,
    products: [...members].reduce((sum, n) => sum + workOf(instructionsOf(stretches[n]!, all)), 0),
  }))
  const most = Math.max(0, ...loops.map(({ products }) => products))
  // Of loops in each other the inner one.
  const [main] = loops
    .filter(({ products }) => products === most && most > 0)
    .sort((a, b) => a.members.size - b.members.size)
  return main && shortest(main.head, main.members, stretches, all)
}

const instructionsOf = ({ first, end }: Stretch, all: readonly Instruction[]): readonly Instruction[] =>
  all.slice(first, end)

const workOf = (some: readonly Instruction[]): number =>
  some.filter(({ operation }) => ['product', 'read', 'copy'].includes(kindOf(operation))).length

function stretchesOf(all: readonly Instruction[]): readonly Stretch[] {
  const at = new Map(all.map(({ address }, n) => [address, n]))
  const ends = (n: number): boolean => ['branch', 'exit'].includes(kindOf(all[n]!.operation))
  const targets = all.flatMap(({ target }) => (target === undefined ? [] : (at.get(target) ?? [])))
  const starts = [
    ...new Set([0, ...targets, ...all.flatMap((_, n) => (ends(n) && n + 1 < all.length ? [n + 1] : []))]),
  ].sort((a, b) => a - b)
  const stretchAt = new Map(starts.map((start, n) => [start, n]))
  return starts.map((first, n) => {
    const end = starts[n + 1] ?? all.length
    const last = all[end - 1]!
    const target = last.target === undefined ? undefined : stretchAt.get(at.get(last.target) ?? -1)
    const goesOn = !ends(end - 1) || last.conditional
    const behind = goesOn && end < all.length ? stretchAt.get(end) : undefined
    return { first, end, next: [target, behind].filter((one) => one !== undefined) }
  })
}

/** Natural loops: those who reach the source of an edge back to a stretch that dominates it, without passing that one. */
function loopsOf(
  stretches: readonly Stretch[],
): readonly { readonly head: number; readonly members: ReadonlySet<number> }[] {
  const before = stretches.map(() => [] as number[])
  stretches.forEach(({ next }, n) => {
    for (const one of next) before[one]!.push(n)
  })
  const dominators = dominatorsOf(stretches, before)
  const loops = new Map<number, Set<number>>()
  stretches.forEach(({ next }, n) => {
    for (const head of next.filter((one) => dominators[n]?.has(one))) {
      const members = loops.get(head) ?? new Set([head])
      const rest = [n]
      for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
        if (members.has(one)) continue
        members.add(one)
        rest.push(...before[one]!.filter((other) => dominators[other]))
      }
      loops.set(head, members)
    }
  })
  return [...loops].map(([head, members]) => ({ head, members }))
}

/** Of each stretch that is reached, those that every way to it passes. */
function dominatorsOf(
  stretches: readonly Stretch[],
  before: readonly (readonly number[])[],
): readonly (Set<number> | undefined)[] {
  const reached = new Set<number>()
  const rest = [0]
  for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
    if (reached.has(one)) continue
    reached.add(one)
    rest.push(...stretches[one]!.next)
  }
  const own = stretches.map((_, n) => (reached.has(n) ? new Set(n === 0 ? [0] : reached) : undefined))
  for (let changed = true; changed; ) {
    changed = false
    for (const n of reached) {
      if (n === 0) continue
      const [first, ...others] = before[n]!.flatMap((one) => own[one] ?? [])
      const common = new Set([...(first ?? [])].filter((one) => others.every((other) => other.has(one))))
      common.add(n)
      changed ||= common.size !== own[n]!.size
      own[n] = common
    }
  }
  return own
}

interface Way {
  readonly work: number
  readonly length: number
  readonly stretches: readonly number[]
}

function shortest(
  head: number,
  members: ReadonlySet<number>,
  stretches: readonly Stretch[],
  all: readonly Instruction[],
) {
  const known = new Map<number, Way | undefined>()
  const from = (n: number, open: ReadonlySet<number>): Way | undefined => {
    if (known.has(n)) return known.get(n)
    const { next, first, end } = stretches[n]!
    const ends: readonly (Way | undefined)[] = next.map((one) => {
      if (one === head) return { work: 0, length: 0, stretches: [] }
      return members.has(one) && !open.has(one) ? from(one, new Set([...open, one])) : undefined
    })
    const best = ends
      .filter((way) => way !== undefined)
      .sort((a, b) => b.work - a.work || a.length - b.length)
      .at(0)
    const own = instructionsOf(stretches[n]!, all)
    const way = best && {
      work: best.work + workOf(own),
      length: best.length + end - first,
      stretches: [n, ...best.stretches],
    }
    known.set(n, way)
    return way
  }
  return from(head, new Set([head]))?.stretches.flatMap((n) => instructionsOf(stretches[n]!, all))
}
