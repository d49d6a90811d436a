/**
 * The plan that is always right: every reduction, scan, solution and loop gets a buffer and a kernel of scalar code, one element of
 * the buffer per block. Memory grows with the pairs. Nodes inside a `solve` that vary with its variable stay loops inside its kernel.
 */
import type { ResultDecl } from '../attention.ts'
import { type Expr, nodesOf, type Reduce, type Repeat, type RepeatLoop, withoutAxes } from '../ir.ts'
import { type Buffer, type Kernel, kernelCall, type Step } from '../kernel.ts'
import { factorsOf } from './forms.ts'
import { createLowering, type Lowering, type LoweringContext } from './lowering.ts'
import { type Kept, lowerScan, lowerSolve, store } from './scalar-loops.ts'

interface Frame {
  readonly variables: ReadonlySet<string>
  readonly steps: Step[]
}

export interface Materialised {
  readonly steps: readonly Step[]
  readonly buffers: readonly Buffer[]
}

/** `results` with their expressions, normalised and interned. `newName` makes names of buffers. */
export function materialise(
  results: readonly ResultDecl[],
  exprs: readonly Expr[],
  context: LoweringContext,
  newName: (base: string) => string,
): Materialised {
  const kept = new Map<Expr, Kept>(context.kept)
  const buffers: Buffer[] = []
  const frames: Frame[] = [{ variables: new Set(), steps: [] }]
  const loops = new Map<RepeatLoop, readonly Kept[]>()
  const own: LoweringContext = { ...context, kept, flat: true }

  const newBuffer = (base: string, e: Expr): Kept => {
    const name = newName(base)
    buffers.push({ name, axes: e.axes, storage: e.type === 'f32' ? 'f32' : e.type, role: 'workspace' })
    return { buffer: name, axes: e.axes }
  }
  const frameOf = (e: Expr): Frame => {
    const names = boundsOf(e)
    return [...frames].reverse().find((f) => [...f.variables].some((id) => names.has(id))) ?? (frames[0] as Frame)
  }
  /** Does `e` vary with a variable that is no buffer, so that it must stay inside the kernel of its `solve`? */
  const isInside = (e: Expr): boolean => [...boundsOf(e)].some((id) => !frames.some((f) => f.variables.has(id)))

  const ensure = (e: Expr): void => {
    if (kept.has(e)) return
    if (e.kind === 'repeat') {
      ensureLoop(e)
      return
    }
    for (const child of childrenToKeep(e)) ensure(child)
    if (e.kind === 'at' && e.of.kind !== 'input' && !kept.has(e.of) && !isInside(e.of)) keep(e.of, 'gathered')
    if (isInside(e)) return
    if (e.kind === 'reduce') {
      for (const part of sharedFactors(e)) keep(part, 'weight')
      keep(e, own.hint(e) ?? e.op)
    }
    if (e.kind === 'scan') keep(e, e.op)
    if (e.kind === 'solve') keep(e, 'solution')
  }
  const keep = (e: Expr, base: string): void => {
    if (kept.has(e)) return
    const buffer = newBuffer(base, e)
    const kernel = kernelFor(e, buffer)
    kept.set(e, buffer)
    frameOf(e).steps.push(kernel)
  }
  const kernelFor = (e: Expr, to: Kept): Kernel => {
    const grid = e.kind === 'scan' ? withoutAxes(e.axes, [e.over]) : e.axes
    const lowering = createLowering(own, [e], new Map(grid.map((axis) => [axis, 'single'])))
    if (e.kind === 'scan') lowerScan(e, to, lowering)
    else store(to, e.kind === 'solve' ? lowerSolve(e, lowering) : lowering.lower(e), lowering)
    return kernelOf(to.buffer, grid, lowering)
  }

  const ensureLoop = (e: Repeat): void => {
    const known = loops.get(e.loop) ?? startLoop(e.loop)
    kept.set(e, known[e.which] as Kept)
  }
  const startLoop = (loop: RepeatLoop): readonly Kept[] => {
    for (const { initial } of loop.carried) ensure(initial)
    const outer = frameOf(loop.count)
    const held = loop.carried.map(({ variable, initial }) => {
      const to = newBuffer('state', variable)
      outer.steps.push(copyInto(to, initial, variable))
      return to
    })
    const frame: Frame = { variables: new Set(loop.carried.map((c) => c.variable.id)), steps: [] }
    frames.push(frame)
    for (const [k, c] of loop.carried.entries()) kept.set(c.variable, held[k] as Kept)
    const next = loop.carried.map(({ variable, next }) => {
      ensure(next)
      const to = newBuffer('next', variable)
      frame.steps.push(copyInto(to, next, variable))
      return to
    })
    frames.pop()
    const count = createLowering(own, [loop.count], new Map()).lower(loop.count)
    const become = held.map((to, k) => ({ to: to.buffer, from: (next[k] as Kept).buffer }))
    outer.steps.push({ kind: 'rounds', count, steps: frame.steps, become })
    loops.set(loop, held)
    return held
  }
  const copyInto = (to: Kept, e: Expr, like: Expr): Kernel => {
    const lowering = createLowering(own, [e], new Map(like.axes.map((axis) => [axis, 'single'])))
    const value = lowering.lower(e)
    store(to, like.type === 'f32' && value.type === 'i32' ? kernelCall('float', value) : value, lowering)
    return kernelOf(to.buffer, like.axes, lowering)
  }

  for (const [k, result] of results.entries()) {
    const e = exprs[k] as Expr
    ensure(e)
    const lowering = createLowering(own, [e], new Map(result.axes.map((axis) => [axis, 'single'])))
    store({ buffer: result.name, axes: result.axes }, lowering.lower(e), lowering)
    frames[0]?.steps.push(kernelOf(result.name, result.axes, lowering))
  }
  return { steps: frames[0]?.steps ?? [], buffers }
}

const kernelOf = (name: string, grid: readonly string[], lowering: Lowering): Kernel => ({
  kind: 'kernel',
  name,
  doc: `${name}, one element at a time`,
  grid: grid.map((axis) => ({ axis, tile: undefined })),
  body: lowering.scopes[0]?.statements ?? [],
})

function childrenToKeep(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'call':
      return e.args
    case 'spread':
      return [e.of]
    case 'at':
      return [e.of, ...e.places.map((p) => p.index)]
    case 'reduce':
    case 'scan':
      return e.domain ? [e.of, e.domain] : [e.of]
    case 'solve':
      return [e.lo, e.hi, e.of]
    case 'random':
      return [e.seed, ...e.counters]
    default:
      return []
  }
}

const costly: readonly string[] = [
  'exp',
  'exp2',
  'log',
  'tanh',
  'sigmoid',
  'softplus',
  'pow',
  'erf',
  'sin',
  'cos',
  'div',
  'sqrt',
  'random',
]
/** Factors of a sum that vary over fewer axes than its body and are not cheap: computed once, not once per feature. */
function sharedFactors(e: Reduce): readonly Expr[] {
  if (e.op !== 'sum') return []
  const factors = factorsOf(e.of)
  return factors.filter(
    (f) =>
      f.axes.length < e.of.axes.length &&
      nodesOf(f).some((x) => x.kind === 'call' && costly.includes(x.op)) &&
      f.axes.length > 0,
  )
}

const frees = new WeakMap<Expr, ReadonlySet<string>>()
/** The bound variables that `e` varies with and does not bind itself. */
function boundsOf(e: Expr): ReadonlySet<string> {
  const known = frees.get(e)
  if (known) return known
  const of = (all: readonly Expr[], without: readonly string[] = []): readonly string[] =>
    all.flatMap((x) => [...boundsOf(x)]).filter((id) => !without.includes(id))
  const found =
    e.kind === 'bound'
      ? [e.id]
      : e.kind === 'solve'
        ? [...of([e.lo, e.hi]), ...of([e.of], [e.variable.id])]
        : e.kind === 'repeat'
          ? [
              ...of([e.loop.count, ...e.loop.carried.map((c) => c.initial)]),
              ...of(
                e.loop.carried.map((c) => c.next),
                e.loop.carried.map((c) => c.variable.id),
              ),
            ]
          : of(childrenToKeep(e))
  const out = new Set(found)
  frees.set(e, out)
  return out
}
