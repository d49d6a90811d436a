/** Calls of the compiler, with all that can be wrong as findings. */
import { OptionError } from '../compiler/options.ts'
import type { Result, Success } from '../grammar/diagnostic.ts'
import { didYouMean } from '../grammar/suggest.ts'
import { type Failed, failed, type Problem, problem } from './problem.ts'

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

function problemOf({ option, message, unknown }: OptionError): Problem {
  if (unknown && (option === 'sizes' || option === 'tile')) {
    const { hint = `there is ${unknown.known.join(', ')}` } = didYouMean(unknown.name, unknown.known)
    return problem('ATTN0303', `there is no axis '${unknown.name}'`, hint)
  }
  if (option === 'sizes') return problem('ATTN0324', message)
  return problem(option === 'target' ? 'ATTN0301' : 'ATTN0302', message)
}
