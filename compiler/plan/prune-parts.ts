/** Drops parts whose results nothing reads: what was prepared for a walk that then could not be planned. */
import type { ResultDecl } from '../attention.ts'
import { type Expr, nodesOf } from '../ir.ts'
import type { Part } from './plan.ts'

export function pruneParts(
  parts: readonly Part[],
  wanted: readonly string[],
  exprs: ReadonlyMap<ResultDecl, Expr>,
): { readonly parts: readonly Part[]; readonly read: ReadonlySet<string> } {
  const read = new Set(wanted)
  const note = (e: Expr | undefined): void => {
    for (const x of e ? nodesOf(e) : []) if (x.kind === 'input') read.add(x.name)
  }
  const isRead = (decls: readonly ResultDecl[]): boolean => decls.some((decl) => read.has(decl.name))
  const prune = (all: readonly Part[]): readonly Part[] => all.toReversed().flatMap(pruneOne).toReversed()
  const pruneOne = (part: Part): readonly Part[] => {
    if (part.kind === 'rounds') {
      if (!isRead(part.become.map(({ to }) => to))) return []
      for (const { to, from } of part.become) read.add(to.name).add(from.name)
      return [{ ...part, parts: prune(part.parts) }]
    }
    const decls = part.kind === 'stream' ? part.results.map((r) => r.result) : part.results
    if (!isRead(decls)) return []
    for (const decl of decls) note(exprs.get(decl))
    for (const decl of decls) read.add(decl.name)
    return [part]
  }
  return { parts: prune(parts), read }
}
