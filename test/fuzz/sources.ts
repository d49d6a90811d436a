/** Sources of all kinds, from nearly right to noise. */
import fc from 'fast-check'
import { printProgram } from '../../grammar/print.ts'
import { looseProgram } from './loose.ts'
import { mutated, spliced } from './mutate.ts'
import { randomProgram } from './random-programs.ts'
import { program, token } from './syntax.ts'

export const anySource: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: mutated },
  { weight: 2, arbitrary: spliced },
  { weight: 2, arbitrary: looseProgram },
  { weight: 2, arbitrary: randomProgram.map(({ source }) => source) },
  { weight: 2, arbitrary: program.map(printProgram) },
  { weight: 1, arbitrary: fc.array(token, { maxLength: 80 }).map((tokens) => `attention a { ${tokens.join(' ')}`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
)
