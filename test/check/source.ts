import type { Attention } from '../../compiler/attention.ts'
import { checkFile } from '../../compiler/check/check.ts'
import type { Expr } from '../../compiler/ir.ts'
import { printExpr } from '../../compiler/print-ir.ts'
import { verifyModule } from '../../compiler/verify-ir.ts'
import { type Diagnostic, renderShort } from '../../grammar/diagnostic.ts'
import { type SourceFile, textOf } from '../../grammar/source.ts'

export type Files = Readonly<Record<string, string>>

/** Files that import each other by name; `main.attn` is checked. */
export function check(main: string, others: Files = {}) {
  const files: Record<string, SourceFile> = {}
  for (const [path, text] of Object.entries({ 'main.attn': main, ...others })) files[path] = { path, text }
  const result = checkFile(files['main.attn']!, (_, path) => files[path] ?? { problem: 'there is no such file' })
  const found: readonly Diagnostic[] = result.ok ? result.warnings : result.diagnostics
  return { result, found }
}

/** The one attention of a source without errors. */
export function attentionOf(source: string, others: Files = {}): Attention {
  const { result } = check(source, others)
  if (!result.ok) throw new Error(result.diagnostics.map(renderShort).join('\n'))
  const faults = verifyModule(result.value)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return result.value.attentions[0]!
}

/** Clauses in an attention with the usual inputs, and with the usual score and normalize where they are not among them. */
export function frame(clauses: string): string {
  const has = (name: string): boolean => new RegExp(`^ *‹?${name}‹?›? *=`, 'm').test(clauses)
  return [
    'attention a {',
    '  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]',
    ...clauses
      .trim()
      .split('\n')
      .map((line) => `  ${line.trim()}`),
    ...(has('score') ? [] : ['  score = dot(q, k)']),
    ...(has('normalize') ? [] : ['  normalize = softmax[j](score)']),
    '}',
  ].join('\n')
}

export const framed = (clauses: string): Attention => attentionOf(frame(clauses))

/** The IR of `output x = ...` among clauses, as text. */
export function ir(clauses: string): string {
  return printExpr(resultOf(framed(clauses), 'x'))
}

export function resultOf(a: Attention, name: string): Expr {
  const result = a.results.find((r) => r.name === name)
  if (!result) throw new Error(`no result ${name}`)
  return result.expr
}

export const codes = (source: string, others: Files = {}): readonly string[] =>
  check(source, others).found.map(({ code }) => code)

/** `ATTN0100 'text'` of each diagnostic: its code and the text that it points at. */
export const places = (source: string, others: Files = {}): readonly string[] =>
  check(source, others).found.map(({ code, at }) => `${code} '${textOf(at.span)}'`)

export { printExpr }
