/** What has to hold for every source, right or wrong: no crash, diagnostics with a place, one layout, kernels that are well formed. */
import type { Module } from '../../compiler/attention.ts'
import { printModule } from '../../compiler/print-ir.ts'
import type { Program as Tree } from '../../grammar/ast.ts'
import { type Diagnostic, renderHuman, renderShort } from '../../grammar/diagnostic.ts'
import { parse } from '../../grammar/parse.ts'
import { printProgram } from '../../grammar/print.ts'
import type { SourceFile } from '../../grammar/source.ts'
import { analyze, compile, emitStage, type Result, type StageOptions } from '../../index.ts'

export interface Fault {
  readonly stage: string
  readonly what: string // equal for what is likely the same fault
  readonly details: string
}
export interface Examined {
  readonly fault: Fault | undefined
  readonly isAccepted: boolean
}

/** What takes most of the time, and may be left out for some: all ways to make kernels, and writing TypeScript. */
export interface Effort {
  readonly ways: 'all' | number // the nth only
  readonly ts: boolean
}

export async function examine(text: string, { ways, ts }: Effort = { ways: 'all', ts: true }): Promise<Examined> {
  let stage = 'parse'
  let isAccepted = false
  try {
    const file = { path: 'fuzz.attn', text }
    const tree = parse(file)
    checkDiagnostics(tree, file)
    stage = 'check'
    const module = analyze(file)
    checkDiagnostics(module, file)
    isAccepted = module.ok
    stage = 'fmt'
    if (tree.ok) checkLayout(tree.value, module)
    else if (module.ok) throw new Error('what cannot be parsed is accepted')
    stage = 'kernel'
    if (module.ok) checkKernels(file, module.value, ways)
    stage = 'ts'
    if (module.ok && ts) await compile(file, { target: 'ts', sizes: smallSizes(module.value) })
    return { fault: undefined, isAccepted }
  } catch (error) {
    return { fault: faultOf(stage, error), isAccepted }
  }
}

/** The same message from the same place is the same fault, whatever names and numbers it speaks of. */
function faultOf(stage: string, error: unknown): Fault {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  const [frame = ''] = stack.split('\n').filter((line) => /^\s+at /.test(line) && !/node_modules|test\/fuzz/.test(line))
  const where = /([\w-]+\.ts:\d+)/.exec(frame)?.[1] ?? ''
  const general = message
    .split('\n')[0]!
    .replace(/'[^']*'|\d+|[a-z]\w*_\w*/g, '_')
    .slice(0, 100)
  return { stage, what: `${stage}: ${general} (${where})`, details: stack.slice(0, 2000) }
}

function checkDiagnostics(result: Result<unknown>, file: SourceFile): void {
  const found: readonly Diagnostic[] = result.ok ? result.warnings : result.diagnostics
  if (!result.ok && !found.some(({ severity }) => severity === 'error')) throw new Error('a failure without an error')
  for (const one of found) {
    for (const { span } of [one.at, ...one.notes]) {
      const isInside = span.start >= 0 && span.start <= span.end && span.end <= span.file.text.length
      if (!isInside) throw new Error(`${one.code} lies outside of its file`)
    }
    if (one.at.span.file.path !== file.path) throw new Error(`${one.code} lies in ${one.at.span.file.path}`)
    for (const render of [renderHuman, renderShort]) {
      if (!render(one).includes(one.code)) throw new Error(`${one.code} is rendered without its code`)
    }
  }
}

/** The standard layout says the same, to the reader and to the compiler, and is its own. */
function checkLayout(tree: Tree, module: Result<Module>): void {
  const laid = { path: 'fuzz.attn', text: printProgram(tree) }
  const again = parse(laid)
  if (!again.ok) throw new Error(`fmt writes what is no source: ${again.diagnostics[0]?.code}`)
  if (printProgram(again.value) !== laid.text) throw new Error('fmt changes what it wrote')
  const other = analyze(laid)
  if (meaningOf(other) !== meaningOf(module)) throw new Error('fmt changes what a source means')
}

const meaningOf = (module: Result<Module>): string =>
  module.ok
    ? printModule(module.value)
    : module.diagnostics
        .map(({ code }) => code)
        .sort()
        .join()

/** With features as narrow as they may be: code is as long for any width, its making is not. */
function smallSizes({ attentions }: Module): Readonly<Record<string, number>> {
  const names = attentions.flatMap(({ axes }) => axes.map(({ name }) => name))
  return Object.fromEntries(['d', 'e'].filter((axis) => names.includes(axis)).map((axis) => [axis, 4]))
}

const allWays: readonly StageOptions[] = [
  {},
  { splits: 3, tile: { i: 8, j: 16 }, dtype: 'f16' },
  { plan: 'materialised' },
]

function checkKernels(file: SourceFile, module: Module, which: Effort['ways']): void {
  if (module.attentions.length === 0) return
  for (const [n, way] of allWays.entries()) {
    if (which !== 'all' && which % allWays.length !== n) continue
    const kernels = emitStage('kernel', file, { sizes: smallSizes(module), ...way })
    if (!kernels.ok) throw new Error('kernels of what was accepted are refused')
  }
  if (which === 'all') emitStage('plan', file)
}
