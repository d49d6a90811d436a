/**
 * Orders what one walk over a token axis cannot hold into parts that run before it. What such a part computes varies over one token
 * axis at most, so that it is kept in a buffer of that length: statistics of columns for a walk over keys, values read at another
 * place, rounds of a `repeat`. The walk reads the buffers as it reads inputs.
 */
import type { Attention, ResultDecl } from '../attention.ts'
import {
  children,
  type Expr,
  type Input,
  input,
  mapChildren,
  nodesOf,
  type Repeat,
  type RepeatLoop,
  rewrite,
  spread,
} from '../ir.ts'
import { functionsIn } from './costly.ts'
import type { Interner } from './intern.ts'
import type { Obstacle, Part, StreamPlan } from './plan.ts'
import { pruneParts } from './prune-parts.ts'
import { createCuts, elementwise, tokenAxes, tokensOf, type Walk, walkOf } from './walks.ts'

export interface Request {
  readonly decl: ResultDecl
  readonly expr: Expr
}
export interface StageTools {
  readonly attention: Attention
  readonly names: Interner
  /** Whether the length of an axis is known only when a kernel runs. */
  readonly isOpen: (axis: string) => boolean
  /** Whether all sources of keys are to pass by in one walk. */
  readonly share: boolean
  /** Whether a head has more queries than a tile, as a rule. */
  readonly hasManyRows: boolean
  /** Plans results of rows of `row` as a walk over `streams`. `meaning` undoes the buffers: what an expression stands for. */
  readonly walk: (
    requests: readonly Request[],
    row: string,
    streams: readonly string[],
    meaning: (e: Expr) => Expr,
  ) => { readonly ok: true; readonly plan: StreamPlan } | { readonly ok: false; readonly obstacle: Obstacle }
}
export interface Staged {
  readonly parts: readonly Part[]
  readonly kept: readonly ResultDecl[]
  /** Why what is in a buffer was not computed where it is read, by the buffer's name. */
  readonly needs: ReadonlyMap<string, Obstacle>
  /** What is computed for each result, buffers included, in terms of inputs and earlier buffers. */
  readonly exprs: ReadonlyMap<ResultDecl, Expr>
}

/** Parts inside the rounds of a loop, or outside of all loops. */
interface Level {
  readonly outer: Level | undefined
  readonly variables: ReadonlySet<string>
  readonly kept: Map<Expr, Input>
  readonly parts: Part[]
}

/** Raised where a value would have to be kept that varies over both token axes. */
class Unstaged extends Error {
  readonly obstacle: Obstacle
  constructor(why: string, at: Expr, change: string) {
    super(why)
    this.obstacle = { why, at, change }
  }
}

export function planStages(wanted: readonly Request[], tools: StageTools): Staged {
  const { attention, names } = tools
  const { cutAt, walkFor, heldBy } = createCuts(
    tools.isOpen,
    wanted.map((r) => r.expr),
    tools,
  )
  const exprs = new Map<ResultDecl, Expr>()
  const kept: ResultDecl[] = []
  const originals = new Map<Expr, Expr>() // by buffer
  const taken = new Set([...attention.inputs, ...attention.params, ...attention.results].map((x) => x.name))
  const top: Level = { outer: undefined, variables: new Set(), kept: new Map(), parts: [] }

  const newBuffer = (base: string, like: Expr): ResultDecl => {
    let name = base
    for (let n = 2; taken.has(name); n++) name = `${base}${n}`
    taken.add(name)
    const decl = { name, expr: like, axes: like.axes, span: like.span ?? attention.span }
    kept.push(decl)
    return decl
  }
  const reasons = new Map<Expr, Obstacle>()
  const inputOf = (decl: ResultDecl, original: Expr): Input => {
    const made = names.intern(input(decl.name, original.type, original.axes, original.span)) as Input
    originals.set(made, original)
    return made
  }

  // Buffers in place of what is kept

  const find = (e: Expr, level: Level | undefined): Input | undefined =>
    level && (level.kept.get(e) ?? find(e, level.outer))
  const substitute = (e: Expr, level: Level): Expr => {
    const memo = new Map<Expr, Expr>()
    const visit = (x: Expr): Expr => {
      const known = memo.get(x)
      if (known) return known
      const out = find(x, level) ?? mapChildren(x, visit)
      memo.set(x, out)
      return out
    }
    return names.intern(visit(e))
  }
  const meaning = (e: Expr): Expr => names.intern(rewrite(e, (x) => originals.get(x) ?? x))

  // What has to be kept

  /** The outermost parts of `e` that a walk cannot hold (no walk: that an element by itself cannot). */
  const cutsOf = (e: Expr, walk: Walk, level: Level): readonly Expr[] => {
    const cuts = new Set<Expr>()
    const seen = new Set<Expr>()
    const visit = (x: Expr): void => {
      if (seen.has(x) || find(x, level)) return
      seen.add(x)
      const cut = cutAt(x, walk)
      if (cut) cuts.add(cut)
      if (cut && (walk.stream !== undefined || !reasons.has(cut))) reasons.set(cut, reasonOf(x, walk.stream))
      for (const child of cut ? [] : children(x)) visit(child)
      if (cut && x.kind === 'at') for (const { index } of x.places) visit(index)
    }
    visit(e)
    return [...cuts]
  }
  const levelFor = (e: Expr, level: Level): Level => {
    const free = new Set(nodesOf(e).flatMap((x) => (x.kind === 'bound' ? [x.id] : [])))
    let at = level
    while (at.outer && ![...at.variables].some((id) => free.has(id))) at = at.outer
    return at
  }

  /** Sees to it that every part of `all` that a walk cannot hold is in a buffer. */
  const prepare = (all: readonly Expr[], walk: Walk, level: Level): void => {
    const cuts = [...new Set(all.flatMap((e) => cutsOf(e, walk, level)))]
    for (const folds of groupBy(cuts.filter(walkFor), (e) => JSON.stringify(walkFor(e))).values())
      for (const [at, own] of groupBy(folds, (e) => levelFor(e, level)))
        keep(own, walkFor(folds[0] as Expr) as Walk, at)
    for (const e of cuts.filter((x) => !walkFor(x))) {
      if (find(e, level)) continue
      if (e.kind === 'repeat') runLoop(e, levelFor(e, level))
      else keep([e], elementwise, levelFor(e, level))
    }
  }
  const keep = (all: readonly Expr[], walk: Walk, level: Level): void => {
    const requests = requestsFor(all, level)
    if (requests.length > 0) planRows(requests, walk, level)
    noteKept(requests, level)
  }
  /** What is not in a buffer yet, with the buffer that it will be in. */
  const requestsFor = (all: readonly Expr[], level: Level): readonly Request[] =>
    all
      .filter((e) => !find(e, level))
      .map((expr) => {
        if (tokensOf(expr.axes).length > 1)
          throw new Unstaged(
            'a value per query and key is read at another place',
            expr,
            'let what is read at another place vary over queries or over keys alone',
          )
        return { decl: newBuffer(baseNameOf(expr), expr), expr }
      })
  const noteKept = (requests: readonly Request[], level: Level): void => {
    for (const { decl, expr } of requests) if (!find(expr, level)) level.kept.set(expr, inputOf(decl, expr))
  }

  const loops = new Map<RepeatLoop, readonly Input[]>()
  const runLoop = (e: Repeat, level: Level): void => {
    const states = loops.get(e.loop) ?? planLoop(e.loop, level, e)
    loops.set(e.loop, states)
    level.kept.set(e, states[e.which] as Input)
  }
  const planLoop = (loop: RepeatLoop, level: Level, e: Expr): readonly Input[] => {
    for (const { variable } of loop.carried)
      if (tokensOf(variable.axes).length > 1)
        throw new Unstaged(
          'a round that carries a value per query and key',
          variable,
          'carry values per query and values per key, from which a pair follows',
        )
    for (const { variable } of loop.carried) reasons.set(variable, reasonOf(e, undefined))
    const states = loop.carried.map(({ variable, initial }) => ({
      decl: newBuffer('state', variable),
      expr: spread(typed(initial, variable), variable.axes),
    }))
    plan(states, level)
    const inputs = states.map(({ decl }, k) => inputOf(decl, loop.carried[k]?.variable as Expr))
    const inner: Level = {
      outer: level,
      variables: new Set(loop.carried.map((c) => c.variable.id)),
      kept: new Map(loop.carried.map((c, k) => [names.intern(c.variable), inputs[k] as Input])),
      parts: [],
    }
    const next = loop.carried.map(({ variable, next }) => ({
      decl: newBuffer('next_state', variable),
      expr: spread(typed(next, variable), variable.axes),
    }))
    plan(next, inner)
    const become = states.map(({ decl }, k) => ({ to: decl, from: next[k]?.decl as ResultDecl }))
    level.parts.push({ kind: 'rounds', count: loop.count, parts: inner.parts, become })
    return inputs
  }

  // Parts

  /** Adds the parts that compute `requests`, those that they need before them. */
  const plan = (requests: readonly Request[], level: Level): void => {
    const groups = [...tokenAxes, undefined].map((row) => ({ row, own: requests.filter((r) => rowOf(r) === row) }))
    for (const [n, { row, own }] of groups.entries()) {
      if (own.length === 0) continue
      const later = groups.slice(n + 1).flatMap((g) => neededOf(g.own, walkOf(g.row), walkOf(row), level))
      planRows([...own, ...later], walkOf(row), level)
      noteKept(later, level)
    }
  }
  /** What `requests` need of another walk that is planned before theirs: it computes that beside its own. */
  const neededOf = (requests: readonly Request[], own: Walk, walk: Walk, level: Level): readonly Request[] => {
    if (walk.stream === undefined) return []
    const cuts = [...new Set(requests.flatMap((r) => cutsOf(r.expr, own, level)))]
    const fits = (e: Expr): boolean => {
      const asked = walkFor(e)
      return asked?.row === walk.row && asked?.stream === walk.stream && levelFor(e, level) === level
    }
    return requestsFor(cuts.filter(fits), level)
  }
  /** The token axis that a request's rows are counted along; one along both is computed an element at a time. */
  const rowOf = (r: Request): string | undefined => {
    const axes = tokensOf([...r.decl.axes, ...r.expr.axes])
    return axes.length > 1 ? undefined : axes[0]
  }
  const materialised = (requests: readonly Request[], reason: Obstacle, level = top): void => {
    for (const r of requests) exprs.set(r.decl, substitute(r.expr, level))
    level.parts.push({ kind: 'materialised', results: requests.map((r) => r.decl), reason })
  }

  const planRows = (requests: readonly Request[], walk: Walk, level: Level): void => {
    const failed = planTogether(requests, walk, level)
    if (!failed) return
    if (requests.length === 1) materialised(requests, failed, level)
    else for (const r of requests) planRows([r], walk, level)
  }
  const tryPrepare = (requests: readonly Request[], walk: Walk, level: Level): Obstacle | undefined => {
    try {
      const all = requests.map((r) => r.expr)
      prepare(all, walk, level)
      return undefined
    } catch (error) {
      if (error instanceof Unstaged) return error.obstacle
      throw error
    }
  }
  /** Undefined, or why these requests cannot be one part. */
  const planTogether = (requests: readonly Request[], walk: Walk, level: Level): Obstacle | undefined => {
    const obstacle = tryPrepare(requests, walk, level)
    if (obstacle) return obstacle
    const placed = requests.map((r) => ({ decl: r.decl, expr: substitute(r.expr, level) }))
    for (const { decl, expr } of placed) exprs.set(decl, expr)
    const { row } = walk
    const streams = heldBy(
      walk,
      placed.map(({ expr }) => expr),
    )
    if (row === undefined || streams.length === 0) {
      level.parts.push({ kind: 'vector', results: requests.map((r) => r.decl) })
      return undefined
    }
    const walked = tools.walk(placed, row, streams, meaning)
    if (!walked.ok) return walked.obstacle
    level.parts.push(walked.plan)
    return undefined
  }

  plan(wanted, top)
  const { parts, read } = pruneParts(
    top.parts,
    wanted.map((r) => r.decl.name),
    exprs,
  )
  const inUse = kept.filter((decl) => read.has(decl.name))
  const needs = new Map(
    inUse.flatMap(({ name, expr }) => {
      const reason = reasons.get(expr)
      return reason ? [[name, reason] as const] : []
    }),
  )
  return { parts, kept: inUse, needs, exprs }
}

function groupBy<K, V>(all: readonly V[], key: (value: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>()
  for (const value of all) groups.set(key(value), [...(groups.get(key(value)) ?? []), value])
  return groups
}

/** Why a walk over `stream` reads `x` from a buffer. */
function reasonOf(x: Expr, stream: string | undefined): Obstacle {
  if (x.kind === 'repeat') return { why: 'rounds follow one another', at: x }
  if (x.kind === 'at') return { why: 'another place than its own is read', at: x }
  if (x.kind === 'call' && functionsIn(x).length > 0)
    return { why: `each tile of rows would compute ${functionsIn(x).join(', ')} of it again`, at: x }
  if (x.kind === 'call' || (x.kind === 'reduce' && tokensOf(x.over).length === 0))
    return { why: 'each tile of rows would fold features of it again', at: x }
  const over = x.kind === 'reduce' || x.kind === 'scan' ? [x.over].flat().join(', ') : ''
  if (over === stream) return { why: `no pair enters this fold over ${over}`, at: x }
  const reader =
    stream === undefined ? 'what reads it has each element by itself' : `what reads it walks along ${stream}`
  return { why: `the fold is over ${over}, and ${reader}`, at: x }
}

const typed = (e: Expr, variable: Expr): Expr =>
  variable.type === 'f32' && e.type === 'i32'
    ? { kind: 'call', op: 'float', args: [e], type: 'f32', axes: e.axes, span: e.span }
    : e

/** Names that a reader of generated code understands: what is folded, and over what. */
const baseNameOf = (e: Expr): string =>
  e.kind === 'reduce'
    ? `${e.axes.includes('j') && !e.axes.includes('i') ? 'column' : 'row'}_${e.op}`
    : e.kind === 'scan'
      ? e.op
      : e.kind === 'call'
        ? `${e.axes.includes('j') ? 'key' : 'query'}_features`
        : 'gathered'
