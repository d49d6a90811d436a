/** Inputs and params of an attention as declared: types, ranges, defaults. */
import type * as ast from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import type { DeclaredRange, InputDecl, ParamDecl, StorageType } from '../attention.ts'
import * as errors from '../errors.ts'
import { type ElementType, type Expr, nodesOf } from '../ir.ts'
import { type Env, isPoison, poison, report } from './context.ts'
import { elaborate, resolveAxes } from './expression.ts'
import { toFloat } from './operators.ts'

export const storages: readonly StorageType[] = ['f32', 'f16', 'bf16', 'i32', 'bool']
const isStorage = (name: string): name is StorageType => storages.some((s) => s === name)

const elementOf = (storage: StorageType): ElementType => (storage === 'f16' || storage === 'bf16' ? 'f32' : storage)

/** Undefined after an error in its axes. */
export function declareInput(env: Env, decl: ast.InputDecl): InputDecl | undefined {
  const axes = resolveAxes(env, decl.axes)
  const storage = decl.type && readStorage(env, decl.type)
  const type = storage ? elementOf(storage) : 'f32'
  const range = decl.range && declareRange(env, decl.range, type)
  if (!axes) return undefined
  return {
    name: decl.name.text,
    axes: axes.map(({ axis }) => axis),
    type,
    storage,
    range,
    indexes: undefined,
    span: decl.span,
  }
}

function readStorage(env: Env, type: ast.Name): StorageType | undefined {
  if (isStorage(type.text)) return type.text
  report(env, errors.unknownType(type.span, type.text, storages))
  return undefined
}

/** The type of a param is declared or that of its default; without either it is f32. */
export function declareParam(env: Env, decl: ast.Param | ast.Const): ParamDecl {
  const storage = decl.type && readStorage(env, decl.type)
  if (decl.type && (storage === 'f16' || storage === 'bf16')) report(env, errors.paramStorage(decl.type.span, storage))
  const value = decl.value && elaborateFixed(env, decl.value, `the value of '${decl.name.text}'`)
  const known = value && !isPoison(value) ? value : undefined
  const type = storage ? elementOf(storage) : (known?.type ?? 'f32')
  if (decl.kind === 'const' && !decl.value) report(env, errors.constWithoutValue(decl.name.span, decl.name.text))
  const range = decl.range && declareRange(env, decl.range, type)
  const given = known && decl.value && convertDefault(env, known, type, decl.value.span, decl.name)
  if (given && range && decl.value && decl.range && isOutside(given, range)) {
    report(env, errors.defaultOutOfRange(decl.value.span, decl.name.text, decl.range.span))
  }
  const time = decl.kind === 'const' ? 'compile' : 'run'
  return { name: decl.name.text, type, default: given, time, range, span: decl.span }
}

const isOutside = (value: Expr, { lo, hi }: DeclaredRange): boolean =>
  value.kind === 'const' &&
  ((lo.kind === 'const' && value.value < lo.value) || (hi.kind === 'const' && value.value > hi.value))

function convertDefault(env: Env, value: Expr, type: ElementType, span: Span, name: ast.Name): Expr | undefined {
  if (value.type === type) return value
  if (value.type === 'i32' && type === 'f32') return toFloat(value)
  report(env, errors.wrongDefault(span, name.text, type, value.type))
  return undefined
}

/** An expression of sizes, params and constants. */
export function elaborateFixed(env: Env, e: ast.Expr, what: string): Expr {
  const value = elaborate(e, env)
  if (isPoison(value)) return poison
  if (nodesOf(value).every(({ kind }) => ['const', 'size', 'param', 'call'].includes(kind))) return value
  report(env, errors.notFixed(e.span, what))
  return poison
}

function declareRange(env: Env, range: ast.Range, type: ElementType): DeclaredRange | undefined {
  const bounds = [range.low, range.high].map((e) => convertBound(env, e, type))
  const [lo, hi] = bounds
  if (type === 'bool') report(env, errors.rangeOfBool(range.span))
  if (!lo || !hi) return undefined
  if (lo.kind === 'const' && hi.kind === 'const' && lo.value > hi.value) report(env, errors.emptyRange(range.span))
  return { lo, hi }
}

function convertBound(env: Env, e: ast.Expr, type: ElementType): Expr | undefined {
  const value = elaborateFixed(env, e, 'a declared range')
  if (isPoison(value) || type === 'bool') return undefined
  if (value.type === type) return value
  if (value.type === 'i32' && type === 'f32') return toFloat(value)
  report(env, errors.wrongRangeType(e.span, type, value.type))
  return undefined
}
