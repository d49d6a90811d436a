/** Names the state that pulled expressions need, and orders it into passes: what is stuck behind a statistic comes a pass later. */
import { type Bound, bound, call, constant, type Expr, f32, i32, mapChildren, nodesOf, type Reduce } from '../ir.ts'
import { renderTerm, type Term } from './algebra.ts'
import { conditionsOf } from './extremes.ts'
import type { Interner } from './intern.ts'
import type { Accumulator, Degree, Pass, Reference, Running, Wait } from './plan.ts'
import type { Puller } from './pull.ts'
import type { Shift } from './pull-scope.ts'
import { directionOf, type RunningSum, runningIn } from './running.ts'

interface Draft {
  readonly level: number // passes run in the order of their levels
  readonly stream: string
  readonly domain: Expr | undefined
  readonly references: Map<string, Reference>
  readonly accumulators: Map<string, Accumulator>
  readonly running: Map<string, Running>
  direction: Pass['direction'] | undefined // undefined: either
  merges: boolean
  readonly waits: Map<string, Wait>
}

/** What a walk goes over, and which places of it count. */
interface Places {
  readonly stream: string
  readonly domain: Expr | undefined
}

export interface State {
  /** `e` with every reduction over the stream replaced by the name of its final value; their state is noted. */
  readonly name: (e: Expr) => Expr
  readonly passes: () => readonly Pass[]
}

export function createState(
  shifts: readonly Shift[],
  sums: readonly RunningSum[],
  puller: Puller,
  names: Interner,
): State {
  const drafts: Draft[] = []
  const named = new Map<Expr, Expr>()
  const levels = new Map<string, number>()

  const name = (e: Expr): Expr => {
    const known = named.get(e)
    if (known) return known
    const made = puller.isStatistic(e) ? nameReduction(e) : names.intern(mapChildren(e, name))
    if (e.kind === 'bound') noteBound(e)
    named.set(e, made)
    return made
  }

  /** The draft of a level that a walk in the direction of `read` can be. */
  const draftAt = (level: number, { stream, domain }: Places, read: readonly RunningSum[]): Draft => {
    const direction = read[0] && directionOf(read[0])
    const fits = (d: Draft): boolean => !direction || !d.direction || d.direction === direction
    const known = drafts.find((d) => d.level === level && d.stream === stream && d.domain === domain && fits(d))
    const draft = known ?? newDraft(level, { stream, domain })
    draft.direction ??= direction
    for (const sum of read.toReversed()) addRunning(draft, sum)
    return draft
  }
  const newDraft = (level: number, { stream, domain }: Places): Draft => {
    const made: Draft = {
      level,
      stream,
      domain,
      references: new Map(),
      accumulators: new Map(),
      running: new Map(),
      direction: undefined,
      merges: true,
      waits: new Map(),
    }
    drafts.push(made)
    return made
  }
  const addRunning = (draft: Draft, { element, scan }: RunningSum): void => {
    const op = scan.op === 'cummax' ? 'max' : 'sum'
    const id = totalId(element)
    draft.running.set(id, {
      id,
      elementId: element.id,
      op,
      inclusive: !scan.exclusive,
      of: name(puller.render(scan.of)),
    })
    if (op === 'max' || runningIn(scan.of, sums).length > 0) draft.merges = false
  }
  /** Those that are read as elements, also as parts of what a reference is of. */
  const runningOf = (e: Expr): readonly RunningSum[] => {
    const behind = shifts.filter((s) => nodesOf(e).includes(s.difference)).flatMap((s) => runningIn(s.x, sums))
    return [...new Set([...runningIn(e, sums), ...behind])]
  }
  const levelOf = (e: Expr | undefined): number =>
    e ? Math.max(0, ...nodesOf(e).map((x) => (x.kind === 'bound' ? (levels.get(x.id) ?? 0) : 0))) : 0

  const noteBound = (e: Bound): void => {
    const sum = sums.find((s) => s.element === e)
    if (sum && !levels.has(e.id)) levels.set(e.id, levelOfElement(sum))
    noteReference(e)
  }
  /** A running sum is an element of every walk after those that its body needs. */
  const levelOfElement = ({ scan }: RunningSum): number => {
    const of = name(puller.render(scan.of))
    const used = shifts.filter((s) => nodesOf(of).includes(s.difference))
    for (const s of used) noteReference(s.reference as Bound)
    return Math.max(levelOf(of), ...used.map((s) => levelOf(s.reference)))
  }
  const noteReference = (e: Bound): void => {
    const shift = shifts.find((s) => s.reference === e)
    if (shift && !levels.has(e.id)) addReference(shift, e.id)
  }
  const addReference = (shift: Shift, id: string): void => {
    const of = name(puller.hasStatistic(shift.x) ? puller.settle(shift.x) : shift.x)
    const domain = shift.domain && name(shift.domain)
    const level = Math.max(levelOf(of), levelOf(domain)) + 1
    const read = runningIn(shift.x, sums)
    const draft = draftAt(level, { stream: shift.stream, domain }, read)
    if (read.length > 0) draft.merges = false
    levels.set(id, level)
    noteWait(draft, id, [of, domain], { why: 'what it is the extreme of depends on that', at: shift.x })
    const moment = (m: number) =>
      shift.kind === 'mean' ? accumulate(draft, 'sum', momentBody(shift.difference, m), [shift]) : undefined
    const [countId, firstId, secondId] = [moment(0), moment(1), moment(2)]
    draft.references.set(id, {
      id,
      kind: shift.kind,
      of,
      differenceId: idOf(shift.difference),
      isAtId: idOf(shift.isAt),
      countId,
      firstId,
      secondId,
    })
  }
  const momentBody = (x: Expr, m: number): Expr =>
    m === 0 ? f32(1) : m === 1 ? x : names.intern(call('pow', [x, i32(m)]))

  const nameReduction = (e: Reduce): Expr => {
    const body = name(e.of)
    const domain = e.domain && name(e.domain)
    const inner = Math.max(levelOf(body), levelOf(domain))
    const nodes = new Set(nodesOf(e.of))
    const used = shifts.filter((s) => nodes.has(s.difference) || nodes.has(s.isAt))
    for (const s of used) noteReference(s.reference as Bound)
    const runsBeside = (s: Shift): boolean =>
      (e.op === 'sum' || e.op === 'count' || e.op === 'any') &&
      s.stream === e.over[0] &&
      s.domain === e.domain &&
      levelOf(s.reference) > inner &&
      follows(body, s)
    // Two moments of different references would need products of both; the later pass has both at hand.
    const moments = used.filter((s) => runsBeside(s) && momentOf(body, s) > 0)
    // A difference is taken relative to a reference that still runs only in that reference's own pass; elsewhere it must be final.
    const level = Math.max(
      inner + 1,
      ...used.map((s) => levelOf(s.reference) + (runsBeside(s) && moments.length < 2 ? 0 : 1)),
    )
    const own = used.filter((s) => runsBeside(s) && levelOf(s.reference) === level)
    const op = e.op === 'mean' || e.op === 'logsumexp' ? 'sum' : e.op
    const read = runningOf(e.of)
    const draft = draftAt(level, { stream: e.over[0] as string, domain }, read)
    if (!read.every((sum) => op === 'sum' && isExponential(body, sum))) draft.merges = false
    const id = accumulate(draft, op, body, own)
    const late = read.find(({ element }) => inner > 0 && levels.get(element.id) === inner)
    if (late)
      noteWait(draft, id, [name(puller.render(late.scan.of))], {
        why: 'a running sum in it depends on that',
        at: late.scan,
      })
    else if (inner + 1 === level) noteWait(draft, id, [body, domain], heldFast(e, domain))
    else
      for (const s of used.filter(({ reference }) => levelOf(reference) + 1 === level))
        noteWait(draft, id, [s.reference], {
          why: moments.length > 1 ? twoMoments : notFollowed,
          at: e.of.span ? e.of : e,
        })
    return names.intern(bound(id, e.type, e.axes))
  }
  const heldFast = (e: Reduce, domain: Expr | undefined): Wait['reason'] => {
    const [wall] = puller.walls.get(e) ?? []
    if (wall) return { why: 'that stands inside an expression which no rule opens', at: wall.span ? wall : e }
    return levelOf(domain) > 0
      ? { why: 'which places count depends on that', at: e.domain }
      : { why: 'that stands inside the fold', at: e.of.span ? e.of : e }
  }
  /** Notes for a fold of a later pass which final state of the pass before it its parts read. */
  const noteWait = (draft: Draft, id: string, parts: readonly (Expr | undefined)[], reason: Wait['reason']): void => {
    const read = nodesOf(...parts.filter((e) => e !== undefined)).flatMap((x) => (x.kind === 'bound' ? [x.id] : []))
    const on = [...new Set(read)].filter((x) => levels.get(x) === draft.level - 1)
    if (draft.level > 1 && !draft.waits.has(id)) draft.waits.set(id, { id, on, reason })
  }

  /** Does a body depend on a reference only by an exponential, a power or whether it is -inf, so that its state can follow? */
  const follows = (body: Expr, { difference, isAt }: Shift): boolean => {
    const buries = (x: Expr): boolean => x !== difference && nodesOf(x).some((y) => y === difference || y === isAt)
    if (body.type === 'bool') return conditionsOf(body).every((c) => c === isAt || !buries(c))
    const [t, ...more] = puller.expand(body)
    const isOpen = (g: Expr): boolean =>
      g === isAt ||
      !buries(g) ||
      (g.kind === 'call' && g.op === 'lt' && g.args[0]?.kind === 'const' && g.args[0].value === -Infinity)
    return (
      t !== undefined &&
      more.length === 0 &&
      ![...t.factors.keys(), ...t.exponent.keys()].some(buries) &&
      t.guards.every(isOpen)
    )
  }

  /** Does a body depend on a running sum by an exponential, so that a state can follow what was summed before or after it? */
  const isExponential = (body: Expr, { element }: RunningSum): boolean => {
    const [t, ...more] = puller.expand(body)
    const buries = (x: Expr): boolean => x !== element && nodesOf(x).includes(element)
    return (
      t !== undefined &&
      more.length === 0 &&
      !t.factors.has(element) &&
      ![...t.factors.keys(), ...t.exponent.keys(), ...t.guards].some(buries)
    )
  }
  const runningDegrees = (draft: Draft, body: Expr): readonly Degree[] => {
    const [t] = puller.expand(body)
    return sums.flatMap(({ element }) => {
      const rate = t?.exponent.get(element) ?? 0
      const reference = totalId(element)
      return rate !== 0 && draft.running.has(reference) ? [{ ...still, reference, rate }] : []
    })
  }

  const accumulate = (draft: Draft, op: Accumulator['op'], body: Expr, own: readonly Shift[]): string => {
    if (op === 'sum' && body.kind === 'const' && body.value === 1)
      return accumulate(draft, 'count', constant(true, 'bool'), [])
    const key = `${op} ${names.id(body)}`
    const known = draft.accumulators.get(key)
    if (known) return known.id
    const degrees =
      op === 'count' || op === 'any'
        ? own.map(({ reference }) => ({ ...still, reference: idOf(reference), isAt: true }))
        : op === 'sum'
          ? [...own.map((shift) => degreeOf(draft, body, shift, own)), ...runningDegrees(draft, body)]
          : []
    const id = `a${drafts.reduce((n, d) => n + d.accumulators.size, 0)}`
    draft.accumulators.set(key, { id, op, body, degrees })
    levels.set(id, draft.level)
    return id
  }
  /** How a body depends on a reference; the lower moments that its transformation needs are added to the state. */
  const degreeOf = (draft: Draft, body: Expr, shift: Shift, own: readonly Shift[]): Degree => {
    const [t] = puller.expand(body)
    const reference = idOf(shift.reference)
    if (!t || shift.kind === 'largest') {
      return { ...still, reference, power: t?.factors.get(shift.difference) ?? 0 }
    }
    const moment = momentOf(body, shift)
    const below = (m: number): string => accumulate(draft, 'sum', withMoment(t, shift.difference, m), own)
    return {
      reference,
      rate: t.exponent.get(shift.difference) ?? 0,
      moment,
      power: 0,
      isAt: t.guards.includes(shift.isAt),
      lower: Array.from({ length: moment }, (_, m) => below(m)),
    }
  }
  const momentOf = (body: Expr, { kind, difference }: Shift): number =>
    kind === 'largest' ? 0 : (puller.expand(body)[0]?.factors.get(difference) ?? 0)
  const withMoment = (t: Term, x: Expr, moment: number): Expr => {
    const factors = new Map(t.factors)
    factors.delete(x)
    if (moment > 0) factors.set(x, moment)
    return names.intern(renderTerm({ ...t, factors }))
  }

  const passes = (): readonly Pass[] =>
    [...drafts]
      .sort((a, b) => a.level - b.level)
      .map(({ stream, domain, references, accumulators, running, direction, merges, waits }) => ({
        stream,
        domain,
        direction: direction ?? 'up',
        merges,
        running: [...running.values()],
        references: [...references.values()],
        accumulators: [...accumulators.values()],
        waits: [...waits.values()],
      }))
  return { name, passes }
}

const twoMoments = 'moments of two references would need products of both'
const notFollowed = 'it depends on that other than by an exponential or a power'
const still: Degree = { reference: '', rate: 0, moment: 0, power: 0, isAt: false, lower: [] }
/** `c0` is an element, `s0` the value over all places walked. */
const totalId = (element: Bound): string => element.id.replace('c', 's')
const idOf = (e: Expr): string => (e.kind === 'bound' ? e.id : '')
