/** Changes anywhere in a tree of a plan or a program: what planted faults are made of. */
import { type Expr, rewrite } from '../../compiler/ir.ts'
import type { Kernel, KernelCall, KernelExpr, Loop, Program, Statement, Step, TileLoop } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import type { Planned } from '../../compiler/plan/make-plan.ts'
import type { Accumulator, Part, Pass, StreamPlan } from '../../compiler/plan/plan.ts'

// Plans

export const editPasses = (plan: Planned, change: (pass: Pass, nth: number) => Pass): Planned =>
  editStreams(plan, (part) => ({ ...part, passes: part.passes.map(change) }))

export function editStreams(plan: Planned, change: (part: StreamPlan) => StreamPlan): Planned {
  const visit = (part: Part): Part =>
    part.kind === 'stream' ? change(part) : part.kind === 'rounds' ? { ...part, parts: part.parts.map(visit) } : part
  return { ...plan, parts: plan.parts.map(visit) }
}

export const editAccumulators = (plan: Planned, change: (a: Accumulator) => Accumulator): Planned =>
  editPasses(plan, (pass) => ({ ...pass, accumulators: pass.accumulators.map(change) }))

export const editDomains = (plan: Planned, change: (domain: Expr) => Expr | undefined): Planned =>
  editPasses(plan, (pass) => (pass.domain ? { ...pass, domain: change(pass.domain) } : pass))

export const editFinish = (plan: Planned, change: (e: Expr) => Expr): Planned =>
  editStreams(plan, (part) => ({
    ...part,
    results: part.results.map((one) => ({ ...one, finish: rewrite(one.finish, change) })),
  }))

/** Whether an accumulator holds a value for each feature. */
export const isVector = ({ body }: Accumulator): boolean => body.axes.includes('e')
export const isTotal = (a: Accumulator): boolean => a.op === 'sum' && !isVector(a)

// Programs

/** Where a statement stands: the loops around it, outermost first. */
export interface Site {
  readonly kernel: Kernel
  readonly loops: readonly Loop[]
}
type Edit = (s: Statement, site: Site) => Statement | readonly Statement[]

export const editSteps = (program: Program, change: (step: Step) => Step): Program => {
  const visit = (step: Step): Step => change(step.kind === 'rounds' ? { ...step, steps: step.steps.map(visit) } : step)
  return { ...program, steps: program.steps.map(visit) }
}

export const editKernels = (program: Program, change: (kernel: Kernel) => Kernel): Program =>
  editSteps(program, (step) => (step.kind === 'kernel' ? change(step) : step))

/** Every statement, those in loops before the loop. */
export function editStatements(program: Program, change: Edit): Program {
  const list = (body: readonly Statement[], site: Site): readonly Statement[] =>
    body.flatMap((s) => change(s.kind === 'loop' ? inLoop(s, site) : s, site))
  const inLoop = (loop: Loop, { kernel, loops }: Site): Loop => {
    const site = { kernel, loops: [...loops, loop] }
    const { over } = loop
    const head = over.kind === 'tiles' ? { over: { ...over, head: list(over.head, site) } } : {}
    return { ...loop, ...head, body: list(loop.body, site) }
  }
  return editKernels(program, (kernel) => ({ ...kernel, body: list(kernel.body, { kernel, loops: [] }) }))
}

/** Statements of one kind. */
export const editKind = <Kind extends Statement['kind']>(
  program: Program,
  kind: Kind,
  change: (s: Extract<Statement, { kind: Kind }>, site: Site) => Statement | readonly Statement[],
): Program =>
  editStatements(program, (s, site) => (s.kind === kind ? change(s as Extract<Statement, { kind: Kind }>, site) : s))

/** Loops over tiles of the streamed axis. */
export const editTileLoops = (
  program: Program,
  change: (over: TileLoop, loop: Loop, site: Site) => Partial<TileLoop>,
): Program =>
  editKind(program, 'loop', (loop, site) =>
    loop.over.kind === 'tiles' ? { ...loop, over: { ...loop.over, ...change(loop.over, loop, site) } } : loop,
  )

/** Every expression of every statement, operands first. */
export const editExprs = (program: Program, change: (e: KernelExpr, s: Statement, site: Site) => KernelExpr): Program =>
  editStatements(program, (s, site) => mapExprs(s, (e) => rewriteKernel(e, (x) => change(x, s, site))))

export function rewriteKernel(e: KernelExpr, change: (e: KernelExpr) => KernelExpr): KernelExpr {
  return change(e.kind === 'call' ? { ...e, args: e.args.map((arg) => rewriteKernel(arg, change)) } : e)
}

function mapExprs(s: Statement, change: (e: KernelExpr) => KernelExpr): Statement {
  const all = <T extends Readonly<Record<string, KernelExpr>>>(index: T): T =>
    Object.fromEntries(Object.entries(index).map(([axis, e]) => [axis, change(e)])) as T
  switch (s.kind) {
    case 'load':
      return { ...s, index: all(s.index) }
    case 'map':
    case 'mask':
      return { ...s, expr: change(s.expr) }
    case 'reduce':
      return { ...s, of: change(s.of) }
    case 'store':
      return { ...s, index: all(s.index), value: change(s.value) }
    case 'loop': {
      const { over } = s
      const carried = s.carried.map((c) => ({ ...c, initial: change(c.initial) }))
      if (over.kind !== 'tiles') return { ...s, carried }
      const [from, to] = [over.from && change(over.from), over.to && change(over.to)]
      return { ...s, carried, over: { ...over, from, to } }
    }
    default:
      return s
  }
}

export const isCall = (e: KernelExpr, op: Op): e is KernelCall => e.kind === 'call' && e.op === op

/** The value that a loop carries, changed where it is passed on to the next round. */
export function editNext(
  program: Program,
  which: (name: string, site: Site) => boolean,
  change: (next: KernelExpr, old: KernelExpr, loop: Loop) => KernelExpr,
): Program {
  return editKind(program, 'loop', (loop, site) => {
    const chosen = loop.carried.filter(({ value }) => which(value.name, site))
    if (chosen.length === 0) return loop
    const changed = new Map(chosen.map(({ value, next }) => [next, { ...value, name: `${next}_changed` }]))
    const maps = chosen.map(({ value, next }): Statement => {
      const [old, now] = [value, { ...value, name: next }].map(
        ({ type, name }) => ({ kind: 'value', type, name }) as const,
      )
      return { kind: 'map', to: changed.get(next)!, expr: change(now!, old!, loop) }
    })
    const carried = loop.carried.map((c) => ({ ...c, next: changed.get(c.next)?.name ?? c.next }))
    return { ...loop, carried, body: [...loop.body, ...maps] }
  })
}
