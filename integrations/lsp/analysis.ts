/** What is known of one text with its imports. Each part is found when it is first asked for, and once. */
import type { Attention } from '../../compiler/attention.ts'
import { checkFile, library, type ReadImport } from '../../compiler/check/check.ts'
import type { Expr } from '../../compiler/ir.ts'
import type * as ast from '../../grammar/ast.ts'
import { type Diagnostic, succeed } from '../../grammar/diagnostic.ts'
import { type Recovered, recover } from '../../grammar/recover.ts'
import type { SourceFile } from '../../grammar/source.ts'
import { analyze } from '../../index.ts'
import { type Imported, type Resolved, resolve } from './resolve.ts'

type Seen = (real: string, file: SourceFile | undefined) => void

export class Analysis {
  readonly file: SourceFile
  readonly #dependencies = new Map<string, SourceFile | undefined>()
  readonly #importsOf: (seen: Seen) => ReadImport
  readonly #attentions = new Map<ast.Attention, Attention | undefined>()
  readonly #values = new Map<ast.Expr, Expr>()
  #resolved: Resolved | undefined
  #findings: readonly Diagnostic[] | undefined

  constructor(file: SourceFile, importsOf: (seen: Seen) => ReadImport) {
    this.file = file
    this.#importsOf = importsOf
  }

  /** Whether what it was made of is still there. */
  isCurrent(read: (real: string) => SourceFile | undefined): boolean {
    return [...this.#dependencies].every(([real, file]) => read(real) === file)
  }

  get recovered(): Recovered {
    return recover(this.file)
  }

  get resolved(): Resolved {
    if (this.#resolved) return this.#resolved
    const readImport = this.#readImport()
    const imports = this.recovered.program.imports.map((clause): Imported => {
      const file = readImport(this.file, clause.path)
      return { clause, file: 'problem' in file ? undefined : file }
    })
    this.#resolved = resolve(this.recovered, imports)
    return this.#resolved
  }

  /** All that the compiler has to say of it. */
  get findings(): readonly Diagnostic[] {
    if (this.#findings) return this.#findings
    const module = analyze(this.file, this.#readImport())
    const found = module.ok ? module.warnings : module.diagnostics
    this.#findings = this.file === library ? [] : found // that it hides itself
    return this.#findings
  }

  /** What an expression means to the checker: its axes and its type. In a function, at its first call. */
  valueOf(e: ast.Expr): Expr | undefined {
    const known = this.#values.get(e)
    if (known) return known
    const { items } = this.recovered.program
    const holder = items.find(({ span }) => span.start <= e.span.start && e.span.end <= span.end)
    const attentions = items.filter((item) => item.kind === 'attention')
    for (const attention of holder?.kind === 'attention' ? [holder] : attentions) {
      this.attention(attention)
      const value = this.#values.get(e)
      if (value) return value
    }
    return undefined
  }

  /** An attention as checked; undefined if something is wrong with it. */
  attention(one: ast.Attention): Attention | undefined {
    if (this.#attentions.has(one)) return this.#attentions.get(one)
    const depth = new Map<ast.Expr, number>()
    const readImport = this.#readImport()
    const isReadable = (file: SourceFile) => (clause: ast.Import) => !('problem' in readImport(file, clause.path))
    const module = checkFile(this.file, readImport, {
      only: (other) => other === one,
      toTree: (file) => {
        const { program } = recover(file)
        return succeed({ ...program, imports: program.imports.filter(isReadable(file)) })
      },
      seen: (e, value, calls) => {
        const before = depth.get(e)
        if (before !== undefined && before <= calls) return
        depth.set(e, calls)
        if (!this.#values.has(e) || calls === 0) this.#values.set(e, value)
      },
    })
    const found = module.ok ? module.value.attentions[0] : undefined
    this.#attentions.set(one, found)
    return found
  }

  #readImport(): ReadImport {
    return this.#importsOf((real, file) => void this.#dependencies.set(real, file))
  }
}
