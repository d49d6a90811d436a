/** The names of one attention: each is elaborated when it is first asked for, so that clauses may stand in any order. */
import type * as ast from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { InputDecl, ParamDecl } from '../attention.ts'
import * as errors from '../errors.ts'
import { bool, type Expr, f32, input, param, spread, unionAxes } from '../ir.ts'
import { featureAxes, meet } from './axes.ts'
import {
  type Binding,
  type Context,
  type Env,
  findBinding,
  isPoison,
  nameValue,
  poison,
  report,
  settle,
} from './context.ts'
import { declareInput, declareParam } from './declarations.ts'
import { elaborate } from './expression.ts'
import { apply, operand, select, toFloat } from './operators.ts'
import { fold, isTrue } from './reductions.ts'

export const predefined: readonly string[] = ['score', 'mask', 'normalize', 'weight', 'out']

/** What the clauses of an attention say of its values. */
export interface Clauses {
  readonly values: readonly (ast.InputDecl | ast.Param | ast.Const | ast.Let | ast.View)[]
  readonly score: ast.Definition | undefined
  readonly mask: ast.Definition | undefined
  readonly normalize: ast.Definition | undefined
  readonly outputs: readonly ast.Output[]
}

export interface Definitions {
  readonly bindings: ReadonlyMap<string, Binding>
  readonly inputs: ReadonlyMap<string, InputDecl>
  readonly params: ReadonlyMap<string, ParamDecl>
  /** Names that some expression asked for. */
  readonly used: ReadonlySet<string>
  readonly findMask: (asked: Span, env: Env) => Expr | undefined
  /** A value by its name, which is not used by that. */
  readonly read: (name: string) => Expr
}

export const isDefault = (output: ast.Output): boolean => !output.name || output.name.text === 'out'

export function defineNames(clauses: Clauses, attention: ast.Attention, env: () => Env): Definitions {
  const [inputs, params, used] = [new Map<string, InputDecl>(), new Map<string, ParamDecl>(), new Set<string>()]
  const lazy = createLazy(env)
  const makers = new Map<string, (asked: Span) => Expr>()
  for (const decl of clauses.values) {
    if (!makers.has(decl.name.text)) makers.set(decl.name.text, () => defineValue(decl, inputs, params, env()))
  }
  makers.set('score', (asked) => defineScore(clauses, asked, env()))
  makers.set('mask', () => defineMask(clauses, env()))
  makers.set('normalize', (asked) => defineNormalize(clauses, asked, env()))
  makers.set('weight', (asked) => defineWeight(clauses, asked, env()))
  makers.set('out', (asked) => defineOut(clauses, attention, asked, env()))
  const binding =
    (name: string, make: (asked: Span) => Expr): Binding =>
    (asked) => {
      used.add(name)
      return lazy.get(name, asked, make)
    }
  return {
    bindings: new Map([...makers].map(([name, make]) => [name, binding(name, make)])),
    inputs,
    params,
    used,
    findMask: (asked, at) => findMask(clauses, lazy, asked, at),
    read: (name) => lazy.get(name, attention.name.span, makers.get(name) ?? (() => poison)),
  }
}

interface Lazy {
  readonly get: (name: string, asked: Span, make: (asked: Span) => Expr) => Expr
  /** The way from `name` back to itself, if it is being elaborated. */
  readonly path: (name: string) => readonly string[] | undefined
}

/** Elaborates each name once and finds those that depend on themselves. */
function createLazy(env: () => Env): Lazy {
  const done = new Map<string, Expr>()
  const open: string[] = []
  const path = (name: string): readonly string[] | undefined => {
    const start = open.indexOf(name)
    return start < 0 ? undefined : [...open.slice(start), name]
  }
  const get: Lazy['get'] = (name, asked, make) => {
    const known = done.get(name)
    if (known) return known
    const circle = path(name)
    if (circle) {
      report(env(), errors.cyclicDefinition(asked, circle))
      return poison
    }
    open.push(name)
    const value = settle(env().context, () => make(asked))
    open.pop()
    done.set(name, value)
    return value
  }
  return { get, path }
}

/** The mask as the domain of a reduction. The mask itself may not depend on it. */
function findMask(clauses: Clauses, lazy: Lazy, asked: Span, env: Env): Expr | undefined {
  if (!clauses.mask) return undefined
  const path = lazy.path('mask')
  if (path) {
    report(env, errors.maskNeedsItself(asked, path, clauses.mask.nameSpan))
    return poison
  }
  const mask = findBinding(env.context.attentionNames, 'mask')?.(asked) ?? poison
  return isTrue(mask) ? undefined : mask
}

function defineValue(
  decl: Clauses['values'][number],
  inputs: Map<string, InputDecl>,
  params: Map<string, ParamDecl>,
  env: Env,
): Expr {
  const name = decl.name.text
  switch (decl.kind) {
    case 'input-decl': {
      const declared = declareInput(env, decl)
      if (!declared) return poison
      inputs.set(name, declared)
      const [value = poison] = meet(env.context.axes, [input(name, declared.type, declared.axes, decl.name.span)])
      return value
    }
    case 'param':
    case 'const': {
      const declared = declareParam(env, decl)
      params.set(name, declared)
      return param(name, declared.type, decl.name.span)
    }
    case 'view': {
      const value = elaborate(decl.value, env)
      if (!isPoison(value) && !isGather(value)) report(env, errors.viewNotGather(decl.value.span, name))
      return nameValue(env, name, value)
    }
    case 'let':
      return nameValue(env, name, elaborate(decl.value, env))
  }
}

const isGather = (e: Expr): boolean => e.kind === 'input' || (e.kind === 'at' && isGather(e.of))

// Clauses with a meaning of their own.

function defineScore({ score }: Clauses, asked: Span, env: Env): Expr {
  if (!score) {
    report(env, errors.missingDefinition(asked, 'score'))
    return poison
  }
  return overPairs(env, defineNumber(score, 'score', env), score.value.span)
}

function defineNormalize({ normalize }: Clauses, asked: Span, env: Env): Expr {
  if (!normalize) {
    report(env, errors.missingDefinition(asked, 'normalize'))
    return poison
  }
  return defineNumber(normalize, 'normalize', env)
}

function defineNumber(definition: ast.Definition, name: string, env: Env): Expr {
  const { span } = definition.value
  const value = elaborate(definition.value, env)
  if (isPoison(value) || !hasNoFeatures(env, value, name, span)) return poison
  if (value.type !== 'bool') return toFloat(value)
  report(env, errors.boolAsNumber(span, `'${name}'`))
  return poison
}

function defineMask({ mask }: Clauses, env: Env): Expr {
  if (!mask) return bool(true)
  const { span } = mask.value
  const value = elaborate(mask.value, { ...env, inMask: true })
  if (isPoison(value) || !hasNoFeatures(env, value, 'mask', span)) return poison
  if (value.type === 'bool') return value
  report(env, errors.maskNotBool(span, value.type))
  return poison
}

function hasNoFeatures(env: Env, e: Expr, name: string, span: Span): boolean {
  const features = e.axes.filter((axis) => featureAxes.includes(axis))
  if (features.length > 0) report(env, errors.variesOverFeature(span, name, features))
  return features.length === 0
}

/** score and weight vary over i and j by declaration. */
function overPairs(env: Env, e: Expr, span: Span): Expr {
  if (isPoison(e)) return poison
  const [met = e] = meet(env.context.axes, [e], ['i', 'j'])
  return isPoison(met) ? poison : spread(met, unionAxes(met.axes, ['i', 'j']), span)
}

/** if mask then normalize else 0 */
function defineWeight({ normalize: clause }: Clauses, asked: Span, env: Env): Expr {
  const get = (name: string): Expr => findBinding(env.context.attentionNames, name)?.(asked) ?? poison
  const [mask, normalize] = [get('mask'), get('normalize')]
  if (isPoison(mask, normalize)) return poison
  const span = clause?.value.span ?? asked
  if (isTrue(mask)) return overPairs(env, normalize, span)
  return overPairs(
    env,
    select(env, operand(mask, span), operand(normalize, span), operand(f32(0, span), span), span),
    span,
  )
}

/** The unnamed output, or sum[j](weight * v). */
function defineOut(clauses: Clauses, attention: ast.Attention, asked: Span, env: Env): Expr {
  const output = clauses.outputs.find(isDefault)
  if (output) return elaborate(output.value, env)
  const v = findBinding(env.context.attentionNames, 'v')
  if (!clauses.normalize || !v) {
    report(env, errors.missingResult(attention.name.span, attention.name.text, clauses.normalize !== undefined))
    return poison
  }
  const span = clauses.normalize.span
  const weight = findBinding(env.context.attentionNames, 'weight')?.(asked) ?? poison
  const values = v(asked)
  if (isPoison(weight, values)) return poison
  if (values.type === 'bool') {
    report(env, errors.boolAsNumber(values.span ?? span, "'sum[j](weight * v)'"))
    return poison
  }
  const body = operand(apply(env, 'mul', [weight, toFloat(values)], span), span)
  return fold(env, { name: 'sum', over: [{ axis: 'j', where: undefined }], where: undefined, body, span })
}

/** Whether the attention has the default result although no output asks for it. */
export const hasDefaultResult = (clauses: Clauses, context: Context): boolean =>
  clauses.outputs.some(isDefault) ||
  clauses.outputs.length === 0 ||
  (clauses.normalize !== undefined && findBinding(context.attentionNames, 'v') !== undefined)
