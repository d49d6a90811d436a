/** Calls of the compiler, with all that can be wrong as findings. */
import { OptionError } from '../compiler/options.ts'
import type { Result, Success } from '../grammar/diagnostic.ts'
import { type Failed, failed, type Problem, problem } from './problem.ts'
import { unknownNames } from './unknown-names.ts'

/** Faults of the source, and options that do not fit it. */
export async function attempt<T>(work: () => Promise<Result<T>> | Result<T>): Promise<Success<T> | Failed> {
  try {
    const result = await work()
    return result.ok ? result : failed(...result.diagnostics)
  } catch (error) {
    if (error instanceof OptionError) return failed(problemOf(error))
    throw error
  }
}

const named: Readonly<Partial<Record<OptionError['option'], readonly ['ATTN0302' | 'ATTN0305', string]>>> = {
  results: ['ATTN0305', 'result'],
  features: ['ATTN0302', 'feature'],
}

function problemOf({ option, message, unknown }: OptionError): Problem {
  if (option === 'target') return problem('ATTN0301', message)
  if (option === 'resources') return problem('ATTN0328', message)
  const [code, what] = named[option] ?? (['ATTN0303', 'axis'] as const)
  const [nothing] = unknown ? unknownNames(code, what, [unknown.name], unknown.known) : []
  return nothing ?? problem(option === 'sizes' || option === 'shape' ? 'ATTN0324' : 'ATTN0302', message)
}
