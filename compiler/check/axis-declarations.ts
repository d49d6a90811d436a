/** The axis table of an attention, from its `axis` and `split` clauses. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import type { Expr } from '../ir.ts'
import { type AxisEntry, type AxisRule, type AxisTable, conventionalAxes } from './axes.ts'

/** Elaborates a length when it is first asked for. */
type LengthOf = (e: ast.Expr, what: string) => () => Expr

export function declareAxes(clauses: readonly ast.Clause[], lengthOf: LengthOf, found: Diagnostic[]): AxisTable {
  const entries = new Map<string, AxisEntry>()
  const declare = (name: ast.Name, rule: AxisRule | undefined): void => {
    const before = entries.get(name.text)
    if (before?.span) found.push(errors.axisDeclaredTwice(name.span, name.text, before.span))
    else entries.set(name.text, { name: name.text, span: name.span, rule })
  }
  for (const clause of clauses) {
    if (clause.kind === 'axis') for (const decl of clause.axes) declare(decl.name, ruleOf(decl, lengthOf))
    if (clause.kind === 'split') declareSplit(clause, declare, lengthOf)
  }
  const names = [...conventionalAxes, ...entries.keys()]
  for (const { name, at } of targetsOf(clauses)) {
    if (!names.includes(name)) found.push(errors.unknownAxis(at, name, names))
  }
  for (const name of conventionalAxes) {
    if (!entries.has(name)) entries.set(name, { name, span: undefined, rule: undefined })
  }
  return { entries: withoutCycles(entries, found), raised: new Map() }
}

function ruleOf({ name, rule }: ast.AxisDecl, lengthOf: LengthOf): AxisRule | undefined {
  if (!rule) return undefined
  if (rule.kind === 'length') return { kind: 'fixed', value: lengthOf(rule.value, `the length of '${name.text}'`) }
  return { kind: rule.kind, of: rule.of.text }
}

function declareSplit(s: ast.Split, declare: (name: ast.Name, rule: AxisRule) => void, lengthOf: LengthOf): void {
  const by = lengthOf(s.by, `the size of the parts of '${s.axis.text}'`)
  const rule: AxisRule = { kind: 'part', of: s.axis.text, outer: s.outer.text, inner: s.inner.text, by }
  declare(s.outer, rule)
  declare(s.inner, rule)
}

/** The axes that declarations refer to. */
const targetsOf = (clauses: readonly ast.Clause[]): readonly { readonly name: string; readonly at: Span }[] =>
  clauses.flatMap((clause) => {
    if (clause.kind === 'split') return [{ name: clause.axis.text, at: clause.axis.span }]
    if (clause.kind !== 'axis') return []
    return clause.axes.flatMap(({ rule }) =>
      rule && rule.kind !== 'length' ? [{ name: rule.of.text, at: rule.of.span }] : [],
    )
  })

/** Drops the rules of axes that are declared by themselves, or by axes that there are not. */
function withoutCycles(entries: ReadonlyMap<string, AxisEntry>, found: Diagnostic[]): ReadonlyMap<string, AxisEntry> {
  const target = (name: string): string | undefined => {
    const rule = entries.get(name)?.rule
    return rule && rule.kind !== 'fixed' ? rule.of : undefined
  }
  const out = new Map(entries)
  const reported = new Set<string>()
  for (const entry of entries.values()) {
    const path = [entry.name]
    let next = target(entry.name)
    while (next !== undefined && !path.includes(next)) {
      path.push(next)
      next = target(next)
    }
    const dangling = entry.rule && entry.rule.kind !== 'fixed' && !entries.has(entry.rule.of)
    if (next === entry.name || dangling) out.set(entry.name, { ...entry, rule: undefined })
    if (next !== entry.name || reported.has(entry.name) || !entry.span) continue
    for (const name of path) reported.add(name)
    found.push(errors.cyclicAxis(entry.span, [...path, entry.name]))
  }
  return out
}
