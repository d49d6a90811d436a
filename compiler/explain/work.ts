/** How much a plan computes and moves for given lengths, at least: with tiles that the mask leaves out, and without. */
import type { StorageType } from '../attention.ts'
import { evaluateScalar } from '../interpret.ts'
import { type Expr, nodesOf } from '../ir.ts'
import type { Buffer, Kernel, Program, Step } from '../kernel.ts'
import { own } from '../own.ts'
import type { Planned } from '../plan/make-plan.ts'
import type { Part, Pass, Plan, RoundsPlan, StreamPlan } from '../plan/plan.ts'
import { countNodes, type ElementsOf, flopsOf, none, type Operations, plus, times } from './count-operations.ts'
import type { Lengths } from './lengths.ts'
import { type Classifier, countTiles } from './picture.ts'
import { createWritten } from './written.ts'

export interface Work {
  readonly sizes: Readonly<Record<string, number>>
  readonly scaled: readonly string[] // longer than in the check line, or chosen where there is none
  readonly isChecked: boolean
  readonly passes: readonly PassWork[]
  readonly flops: number // in tiles that are entered
  readonly denseFlops: number // if all were
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly workspace: readonly { readonly name: string; readonly bytes: number }[]
  readonly intensity: number // flops by bytes read and written
}
/** Of one head and one of the batch; `pairs`: in tiles that are entered, the mean where these differ between heads. `perPair`: undefined where a part is no walk. */
export interface PassWork {
  readonly of: readonly string[]
  readonly row: string
  readonly stream: string
  readonly pass: number
  readonly times: number | null // rounds; null: a parameter without a value decides, and one is counted
  readonly pairs: number
  readonly densePairs: number
  readonly perPair: Operations
}

interface Count {
  readonly passes: readonly PassWork[]
  readonly own: Operations
  readonly dense: Operations
}
interface Counting {
  readonly program: Program
  readonly planned: Planned
  readonly lengths: Lengths
  readonly tile: (axis: string) => number
  readonly classifier: Classifier
}

export function countWork(plan: Plan, sizes: Lengths['sizes'], counting: Counting): Work {
  const { program } = counting
  const { passes, own, dense } = sumOf(plan.parts.map((part) => countPart(part, counting)))
  const bytes = (role: Buffer['role']) =>
    program.buffers.filter((b) => b.role === role).map((b) => ({ name: b.name, bytes: bytesOf(b, sizes) }))
  const total = (role: Buffer['role']): number => bytes(role).reduce((sum, b) => sum + b.bytes, 0)
  const [bytesRead, bytesWritten] = [total('input'), total('result')]
  const flops = flopsOf(own)
  return {
    sizes: counting.lengths.sizes,
    scaled: counting.lengths.scaled,
    isChecked: counting.lengths.isChecked,
    passes,
    flops,
    denseFlops: flopsOf(dense),
    bytesRead,
    bytesWritten,
    workspace: bytes('workspace'),
    intensity: flops / Math.max(1, bytesRead + bytesWritten),
  }
}

const widths: Readonly<Record<StorageType, number>> = { f32: 4, i32: 4, f16: 2, bf16: 2, bool: 1 }
const bytesOf = ({ axes, storage }: Buffer, sizes: Lengths['sizes']): number =>
  axes.reduce((n, axis) => n * (own(sizes, axis) ?? 1), widths[storage])

const sumOf = (all: readonly Count[]): Count => ({
  passes: all.flatMap(({ passes }) => passes),
  own: plus(...all.map(({ own }) => own)),
  dense: plus(...all.map(({ dense }) => dense)),
})

function countPart(part: Part, counting: Counting): Count {
  const { planned, lengths } = counting
  switch (part.kind) {
    case 'stream':
      return sumOf(part.passes.map((pass, n) => countPass(pass, n, part, counting)))
    case 'rounds': {
      const n = roundsOf(part, lengths)
      const { passes, own: once, dense } = sumOf(part.parts.map((inner) => countPart(inner, counting)))
      const all = passes.map((p) => ({ ...p, times: n === null || p.times === null ? null : p.times * n }))
      return { passes: all, own: times(once, n ?? 1), dense: times(dense, n ?? 1) }
    }
    case 'vector':
    case 'materialised': {
      const exprs = part.results.flatMap((result) => planned.exprs.get(result) ?? [])
      const all = countNodes(
        exprs,
        (axes) => product(axes, lengths.sizes),
        () => true,
      )
      return { passes: [], own: all, dense: all }
    }
  }
}

function roundsOf({ count }: RoundsPlan, { sizes, params }: Lengths): number | null {
  const isKnown = nodesOf(count).every((e) => e.kind !== 'param' || own(params, e.name) !== undefined)
  return isKnown ? Math.max(0, evaluateScalar(count, sizes, params)) : null
}

const product = (axes: readonly string[], sizes: Lengths['sizes']): number =>
  axes.reduce((n, axis) => n * (own(sizes, axis) ?? 1), 1)

function countPass(pass: Pass, number: number, plan: StreamPlan, counting: Counting): Count {
  const { row } = plan
  const { stream } = pass
  const { sizes } = counting.lengths
  const densePairs = product([row, stream], sizes)
  const pairs = livePairs(pass, plan, counting) ?? densePairs
  const [own, dense] = [pairs, densePairs].map((n) => operationsOf(pass, plan, elementsIn(plan, stream, n, counting)))
  const others = product(['b', 'h'], sizes)
  const isPair = (axes: readonly string[]): boolean => axes.includes(row) && axes.includes(stream)
  const ofOnePair = elementsIn(plan, stream, 1, counting)
  const of = plan.results.map(({ result }) => result.name)
  const perPair = operationsOf(pass, plan, (axes) => (isPair(axes) ? ofOnePair(axes) / others : 0))
  return {
    passes: [{ of, row, stream, pass: number + 1, times: 1, pairs, densePairs, perPair }],
    own: own ?? none,
    dense: dense ?? none,
  }
}

function livePairs(pass: Pass, { row }: StreamPlan, { classifier, lengths, tile }: Counting): number | undefined {
  const { domain, stream } = pass
  if (!domain || classifier.unknownIn(domain).length > 0) return undefined
  const { sizes } = lengths
  const places = placesOf(
    domain.axes.filter((axis) => axis !== row && axis !== stream),
    sizes,
  )
  const live = places.map((at) => countTiles(domain, row, stream, sizes, tile, classifier, at).live)
  return Math.round(live.reduce((sum, n) => sum + n, 0) / Math.max(1, live.length))
}

/** Heads and members of the batch that stand for all: each of them, or so many at about even distances, odd ones as often as even. */
const mostPlaces = 8
function placesOf(axes: readonly string[], sizes: Lengths['sizes']): readonly Readonly<Record<string, number>>[] {
  const all = product(axes, sizes)
  const count = Math.min(all, mostPlaces)
  return Array.from({ length: count }, (_, n) => {
    let rest = Math.floor((n * all) / count) + (all > count ? n % 2 : 0)
    const at: Record<string, number> = {}
    for (const axis of axes) {
      const size = own(sizes, axis) ?? 1
      at[axis] = rest % size
      rest = Math.floor(rest / size)
    }
    return at
  })
}

/** Values of pairs are computed for pairs of entered tiles, those of what streams for each tile of rows that they meet; in each block. */
const elementsIn =
  (plan: StreamPlan, stream: string, pairs: number, { lengths: { sizes }, tile, program }: Counting): ElementsOf =>
  (axes) => {
    const { row } = plan
    const others = [...new Set([...axes, ...blockAxes(plan, program)])].filter(
      (axis) => axis !== row && axis !== stream,
    )
    const height = Math.min(tile(row), Math.max(1, product([row], sizes)))
    return product(others, sizes) * (axes.includes(row) ? pairs : pairs / height)
  }

/** Axes that each block of a walk has one index of. */
function blockAxes({ results }: StreamPlan, { steps }: Program): readonly string[] {
  const name = results.map(({ result }) => result.name).join('_')
  const kernel = kernelsIn(steps).find((one) => one.name === name)
  return (kernel?.grid ?? []).flatMap(({ axis, tile }) => (tile === undefined ? [axis] : []))
}
const kernelsIn = (steps: readonly Step[]): readonly Kernel[] =>
  steps.flatMap((step) => (step.kind === 'rounds' ? kernelsIn(step.steps) : [step]))

function operationsOf(pass: Pass, plan: StreamPlan, elementsOf: ElementsOf): Operations {
  const { row } = plan
  const { stream } = pass
  const written = createWritten(plan)
  const isWalked = (e: Expr): boolean => e.axes.includes(stream)
  const roots = [...pass.running, ...pass.references].map((r) => written(r.of))
  const sums = pass.accumulators.map((a) => ({ a, body: written(a.body) }))
  const wide = (axes: readonly string[]): readonly string[] => [...new Set([...axes, row, stream])]
  const products = sums.map(({ a, body }) => {
    if (a.body.type !== 'f32') return none
    const features = body.axes.filter((axis) => axis === 'd' || axis === 'e')
    const one = features.length > 0 ? { ...none, multiplyAdds: 1 } : { ...none, operations: 1 }
    return times(one, elementsOf(wide(body.axes)))
  })
  const kept = [...roots.map((of) => times({ ...none, operations: 1 }, elementsOf(wide(of.axes))))]
  const weights = sums.flatMap(({ body }) => weightsOf(body))
  return plus(...products, ...kept, countNodes([...roots, ...weights], elementsOf, isWalked))
}
/** What a sum of products of weights and values multiplies: the product itself belongs to the sum. */
function weightsOf(body: Expr): readonly Expr[] {
  const hasFeature = body.axes.some((axis) => axis === 'd' || axis === 'e')
  if (!hasFeature || body.kind !== 'call') return [body]
  if (body.op === 'select') return body.args.slice(1).flatMap(weightsOf)
  return body.op === 'mul' || body.op === 'div' ? body.args.flatMap(weightsOf) : [body]
}
