/** `-MD -MF -MT -MP` of `build`: the dependency file that goes with what is written. */
import { join, parse, resolve } from 'node:path'
import { hasLineEnd, quoteForMake, renderDepfile } from '../runtime/depfile.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import type { FileToWrite } from '../runtime/write.ts'
import type { Options } from './program.ts'

/** What is wrong with the flags as such. */
export function checkDepfile(options: Options, writes: boolean): Outcome<undefined> {
  const { depfile, depfilePath, depfileTarget = [], depfilePhony } = options
  const given = [depfilePath && '-MF', depfileTarget.length > 0 && '-MT', depfilePhony && '-MP'].filter(Boolean)
  if (!depfile && given.length > 0)
    return failed(problem('ATTN0300', `${given.join(' and ')} without -MD`, '-MD asks for a dependency file'))
  if (depfile && !writes)
    return failed(problem('ATTN0300', '-MD says what written files depend on, and nothing is written', '-o FOLDER'))
  return done(undefined)
}

export interface Made {
  readonly files: readonly { readonly path: string }[] // as their paths were asked for; the main one first
  readonly inputs: readonly string[]
  readonly mains: number // how many of the files are main ones
}

/** The file, if one was asked for: `-MF` names it, else it lies beside the main file and is named after it. */
export function depfileOf(options: Options, { files, inputs, mains }: Made): Outcome<readonly FileToWrite[]> {
  const [main] = files
  if (!options.depfile || !main) return done([])
  if (options.depfilePath === undefined && mains > 1)
    return failed(problem('ATTN0300', `-MD for ${mains} sources needs a name for its one file`, '-MF FILE'))
  const { dir, name } = parse(main.path)
  const path = options.depfilePath ?? join(dir, `${name}.d`)
  const absolute = [...new Set(inputs.map((input) => resolve(input)))]
  const bad = [...absolute, ...files.map((file) => file.path)].find(hasLineEnd)
  if (bad !== undefined)
    return failed(
      problem('ATTN0312', `cannot write ${path}: a path in it would hold a line end, ${JSON.stringify(bad)}`),
    )
  const targets = options.depfileTarget ?? files.map((file) => quoteForMake(file.path))
  return done([{ path, content: renderDepfile({ targets, inputs: absolute, phony: options.depfilePhony ?? false }) }])
}
