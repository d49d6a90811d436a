/** The axes of a checked attention: where each length comes from and when it is known. */
import type * as ast from '../../grammar/ast.ts'
import type { SourceFile, Span } from '../../grammar/source.ts'
import type { Axis, InputDecl } from '../attention.ts'
import * as errors from '../errors.ts'
import { type Expr, nodesOf } from '../ir.ts'
import { type AxisTable, conventionalAxes, featureAxes, fixedLength, isPair, lengthRoot, tokenRoot } from './axes.ts'
import { type Env, isPoison, report } from './context.ts'
import { maxWidth } from './settings.ts'

/** Every axis that occurs: conventional ones first, then as declared. An axis without a length is reported. */
export function describeAxes(
  env: Env,
  a: ast.Attention,
  inputs: readonly InputDecl[],
  roots: readonly Expr[],
): readonly Axis[] {
  const table = env.context.axes
  const nodes = nodesOf(...roots, ...lengthsOf(table))
  const places = findPlaces(nodes, inputs, a.span.file)
  const ordered = [...conventionalAxes, ...[...table.entries.keys()].filter((name) => !conventionalAxes.includes(name))]
  const occurs = new Set(ordered.filter((name) => places.has(name) || table.entries.get(name)?.span))
  for (const name of occurs) addTargets(table, name, occurs)
  const given = new Set(inputs.flatMap(({ axes }) => axes))
  const compile = findCompileTime(table, nodes)
  return ordered
    .filter((name) => occurs.has(name))
    .map((name): Axis => {
      const entry = table.entries.get(name)
      const span = entry?.span ?? places.get(name) ?? a.name.span
      const length = describeLength(table, name)
      if (length.kind === 'input' && !given.has(name))
        report(env, errors.axisWithoutLength(span, name, Boolean(entry?.span)))
      if (length.kind === 'divides' && !given.has(name)) report(env, errors.axisWithoutLength(span, name, true))
      checkFixed(env, name, span)
      return { name, length, time: compile.has(lengthRoot(table, name)) ? 'compile' : 'run', span }
    })
}

function describeLength(table: AxisTable, name: string): Axis['length'] {
  const rule = table.entries.get(name)?.rule
  if (!rule) return { kind: 'input' }
  if (rule.kind === 'fixed') return { kind: 'fixed', value: rule.value() }
  if (rule.kind === 'part')
    return { kind: 'part', of: rule.of, role: rule.outer === name ? 'outer' : 'inner', by: rule.by() }
  return rule
}

function lengthsOf(table: AxisTable): readonly Expr[] {
  return [...table.entries.values()].flatMap(({ rule }) => {
    if (rule?.kind === 'fixed') return [rule.value()]
    return rule?.kind === 'part' ? [rule.by()] : []
  })
}

/** Where each axis is met first in the attention's own file: in an input, else in an expression. */
function findPlaces(
  nodes: readonly Expr[],
  inputs: readonly InputDecl[],
  own: SourceFile,
): ReadonlyMap<string, Span | undefined> {
  const places = new Map<string, Span | undefined>()
  const meetAt = (axis: string, span: Span | undefined): void => {
    if (!places.get(axis)) places.set(axis, span?.file === own ? span : undefined)
  }
  for (const { axes, span } of inputs) for (const axis of axes) meetAt(axis, span)
  for (const e of nodes) {
    if (isPoison(e)) continue
    if (e.kind === 'index' || e.kind === 'size') meetAt(e.axis, e.span)
    if (e.kind === 'reduce') for (const axis of e.over) meetAt(axis, e.span)
    if (e.kind === 'scan') meetAt(e.over, e.span)
    for (const axis of e.axes) meetAt(axis, e.span)
  }
  return places
}

function addTargets(table: AxisTable, name: string, occurs: Set<string>): void {
  const rule = table.entries.get(name)?.rule
  if (rule && rule.kind !== 'fixed') occurs.add(rule.of)
}

/**
 * The roots of lengths that are known when a kernel is made: feature axes, and what a pair expression is reduced over besides
 * i, j and the places of their parts.
 */
function findCompileTime(table: AxisTable, nodes: readonly Expr[]): ReadonlySet<string> {
  const found = new Set(featureAxes.map((axis) => lengthRoot(table, axis)))
  for (const e of nodes) {
    const over = e.kind === 'reduce' ? e.over : e.kind === 'scan' ? [e.over] : []
    if (over.length === 0 || (e.kind !== 'reduce' && e.kind !== 'scan') || !isPair(table, e.of.axes)) continue
    for (const axis of over) if (!tokenRoot(table, axis)) found.add(lengthRoot(table, axis))
  }
  for (const token of ['i', 'j']) found.delete(lengthRoot(table, token))
  return found
}

function checkFixed(env: Env, name: string, span: Span): void {
  const length = fixedLength(env.context.axes, name)
  if (length === undefined) return
  if (featureAxes.includes(name)) {
    if (length < 1 || length > maxWidth) report(env, errors.widthOutOfRange(span, name, length, maxWidth))
    return
  }
  const least = env.context.axes.entries.get(name)?.rule?.kind === 'part' ? 1 : 0
  if (length < least) report(env, errors.lengthTooSmall(span, name, length))
}
