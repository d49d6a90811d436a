import { didYouMean } from '../grammar/suggest.ts'
import { type Problem, problem } from './problem.ts'

const quote = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

/** A problem for each name that was given and that nothing has. */
export const unknownNames = (
  code: 'ATTN0302' | 'ATTN0303' | 'ATTN0304' | 'ATTN0305' | 'ATTN0306' | 'ATTN0381',
  what: string,
  given: Iterable<string>,
  known: readonly string[],
): readonly Problem[] =>
  [...given]
    .filter((name) => !known.includes(name))
    .map((name) => {
      const hint = didYouMean(name, known).hint ?? (known.length > 0 ? `there is ${quote(known)}` : 'there is none')
      return problem(code, `there is no ${what} '${name}'`, hint)
    })
