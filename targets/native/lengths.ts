/** Lengths and parameters of a call, in the words of this target. */
import type { KernelExpr, Program } from '../../compiler/kernel.ts'
import { type GivenNames, definitions as inWords, printUniform as printInWords } from '../c-lengths.ts'
import { spellings } from './words.ts'

export { sizeText } from '../c-lengths.ts'

export const printUniform = (e: KernelExpr, program: Program, names: GivenNames): string =>
  printInWords(e, program, names, spellings)

/** Statements that define every length and parameter; a fault makes them return false. */
export const definitions = (
  program: Program,
  names: GivenNames,
  lengthOf: (axis: string) => string, // the name of what was measured
): readonly string[] => inWords(program, names, lengthOf, spellings)
