/** One `attention` of a source to its IR. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import type { Attention, Axis, ResultDecl } from '../attention.ts'
import * as errors from '../errors.ts'
import { invariant } from '../invariant.ts'
import { type Expr, spread, unionAxes } from '../ir.ts'
import { type AxisTable, inMemoryOrder, meet } from './axes.ts'
import { declareAxes } from './axis-declarations.ts'
import { collectClauses } from './clauses.ts'
import { type Context, type Env, findBinding, isPoison, poison, report, settle } from './context.ts'
import { elaborateFixed } from './declarations.ts'
import { type Clauses, type Definitions, defineNames, hasDefaultResult, isDefault, predefined } from './definitions.ts'
import { elaborate, resolveAxes } from './expression.ts'
import { findAtEnd } from './findings.ts'
import type { FunctionTable } from './functions.ts'
import { findLengthCycles } from './length-cycles.ts'
import { describeAxes } from './lengths.ts'
import { checkNames } from './names.ts'
import { readChecks, readPrecision, readTile } from './settings.ts'
import { addFunctions } from './tables.ts'
import { findUnused } from './unused.ts'

interface CheckedAttention {
  /** Undefined after an error. */
  readonly attention: Attention | undefined
  readonly found: readonly Diagnostic[]
}

/** What an attention takes from its file. */
interface Surroundings {
  readonly functions: FunctionTable
  readonly checks: readonly ast.Check[]
  readonly library: string // the path of std.attn
  readonly seen: Context['seen']
}

export function checkAttention(a: ast.Attention, around: Surroundings): CheckedAttention {
  const found: Diagnostic[] = []
  const clauses = collectClauses(a, found)
  const late: { env?: Env } = {}
  const getEnv = (): Env => {
    invariant(late.env, 'an attention is elaborated before its names are known')
    return late.env
  }
  const table = declareAxes(a.clauses, (e, what) => defineLength(e, what, getEnv), found)
  const definitions = defineNames(clauses, a, getEnv)
  const context = createContext(table, definitions, found, around.seen)
  const env = createEnv(a, context, around.functions)
  late.env = env
  if (clauses.mask) definitions.read('mask')
  const values = readValues(clauses, definitions)
  const results = defineResults(env, clauses, a)
  const read = readDefinitions(env, clauses, definitions)
  const roots = [...results.map(({ expr }) => expr), ...values, read.score, read.mask, read.weight]
  const axes = describeAxes(
    env,
    a,
    [...definitions.inputs.values()],
    roots.filter((e) => e !== undefined),
  )
  findLengthCycles(env, definitions.params)
  const attention: Attention = {
    name: a.name.text,
    doc: a.doc === undefined ? [] : a.doc.split('\n'),
    span: a.span,
    axes,
    inputs: clauses.values.flatMap(({ name }) => definitions.inputs.get(name.text) ?? []),
    params: clauses.values.flatMap(({ name }) => definitions.params.get(name.text) ?? []),
    results: results.map((result) => orderAxes(result, axes)),
    score: read.score,
    mask: read.mask,
    weight: read.weight,
    names: context.marks.names,
    calls: context.marks.calls,
    tile: readTile(env, a, axes),
    precision: readPrecision(env, a),
    checks: readChecks(env, a, around.checks, axes),
  }
  if (found.some(isError)) return { attention: undefined, found }
  const finished = findAtEnd(env, attention, around.library)
  return { attention: found.some(isError) ? undefined : finished, found }
}

const isError = ({ severity }: Diagnostic): boolean => severity === 'error'

function createContext(
  axes: AxisTable,
  { bindings, findMask }: Definitions,
  found: Diagnostic[],
  seen: Context['seen'],
): Context {
  return {
    axes,
    seen,
    marks: {
      quotients: new Map(),
      whole: new Map(),
      moves: new Map(),
      sums: new Map(),
      solves: new Map(),
      names: new Map(),
      calls: new Map(),
    },
    findMask,
    attentionNames: { values: bindings, parent: undefined },
    sink: found,
    root: found,
    nodes: 0,
    work: 0,
    depth: 0,
    names: 0,
  }
}

function createEnv(a: ast.Attention, context: Context, around: FunctionTable): Env {
  const fns = a.clauses.filter((clause) => clause.kind === 'fn')
  const functions = addFunctions(around, fns, { origin: 'attention', names: context.attentionNames }, context.root)
  const [values, axes] = [[...context.attentionNames.values.keys()], [...context.axes.entries.keys()]]
  for (const fn of fns) checkNames(fn, { functions, values, axes, found: context.root })
  return {
    context,
    names: context.attentionNames,
    axisParams: new Map(),
    inAttention: true,
    functions,
    inMask: false,
    calls: [],
  }
}

/** The length of an axis, or of a part: an i32 of sizes, params and constants. Elaborated once. */
function defineLength(e: ast.Expr, what: string, getEnv: () => Env): () => Expr {
  let value: Expr | 'open' | undefined
  return () => {
    const env = getEnv()
    if (value === 'open') {
      report(env, errors.cyclicLength(e.span, what))
      return poison
    }
    if (value) return value
    value = 'open'
    const made = settle(env.context, () => elaborateFixed(env, e, what))
    value = made
    if (isPoison(made) || made.type === 'i32') return made
    settle(env.context, () => report(env, errors.integerExpected(e.span, what)))
    value = poison
    return poison
  }
}

// Results.

type Result = Omit<ResultDecl, 'axes'> & { readonly as: readonly string[] | undefined }

function defineResults(env: Env, clauses: Clauses, a: ast.Attention): readonly Result[] {
  const named = clauses.outputs.filter((output) => !isDefault(output))
  const first = hasDefaultResult(clauses, env.context) ? [defineDefault(env, clauses, a)] : []
  return [...first, ...named.map((output) => defineResult(env, output))]
}

function defineDefault(env: Env, clauses: Clauses, a: ast.Attention): Result {
  const output = clauses.outputs.find(isDefault)
  const span = output?.span ?? clauses.normalize?.span ?? a.name.span
  const expr = findBinding(env.context.attentionNames, 'out')?.(output?.value.span ?? span) ?? poison
  return output ? inOrder(env, output, 'out', expr) : { name: 'out', expr, as: undefined, span }
}

const defineResult = (env: Env, output: ast.Output): Result =>
  inOrder(env, output, output.name?.text ?? 'out', elaborate(output.value, env))

/** A result that is given more axes than it varies over has the same value along them. */
function inOrder(env: Env, { order, span }: ast.Output, name: string, e: Expr): Result {
  const as = order && resolveAxes(env, order)?.map(({ axis }) => axis)
  if (!as || isPoison(e)) return { name, expr: e, as: undefined, span }
  const [met = e] = meet(env.context.axes, [e], as)
  if (isPoison(met)) return { name, expr: poison, as: undefined, span }
  const lacking = met.axes.filter((axis) => !as.includes(axis))
  if (lacking.length > 0) report(env, errors.resultLacksAxes(order?.[0]?.span ?? span, lacking))
  return { name, expr: spread(met, unionAxes(met.axes, as), met.span), as, span }
}

/** Memory order: b, h, i, j, declared axes as declared, d, e, unless `as` says otherwise. */
function orderAxes({ as, ...result }: Result, axes: readonly Axis[]): ResultDecl {
  return { ...result, axes: as ?? inMemoryOrder(result.expr.axes, axes) }
}

/** The values of all names, those included that nothing asks for; in their order, which keeps chains of lets flat. */
const readValues = (clauses: Clauses, { read }: Definitions): readonly Expr[] =>
  clauses.values.flatMap(({ name }) => (predefined.includes(name.text) ? [] : read(name.text)))

interface Read {
  readonly score: Expr | undefined
  readonly mask: Expr | undefined
  readonly weight: Expr | undefined
}

function readDefinitions(env: Env, clauses: Clauses, definitions: Definitions): Read {
  const { read } = definitions
  const score = clauses.score && read('score')
  if (clauses.normalize) read('normalize')
  for (const { rule } of env.context.axes.entries.values()) {
    if (rule?.kind === 'fixed') rule.value()
    if (rule?.kind === 'part') rule.by()
  }
  // After an error nothing is said of what is unused: the text that uses it may be the wrong one.
  const { root } = env.context
  if (!root.some(isError)) root.push(...findUnused(clauses, definitions))
  return { score, mask: clauses.mask && read('mask'), weight: clauses.normalize && read('weight') }
}
