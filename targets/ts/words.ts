/** How kernels spell the operations in TypeScript, and small pieces of code. */
import type { Op } from '../../compiler/ops.ts'
import { type Code, invoke, join, type Spelling, tightness } from '../expression.ts'
import { named, sigmoidBy, spellings } from '../javascript.ts'

export { constant } from '../javascript.ts'

const { sum, product } = tightness

/** Kernels have an exponential function of their own. */
export const kernelSpellings: Readonly<Record<Op, Spelling>> = {
  ...spellings,
  exp: named('quickExp'),
  sigmoid: sigmoidBy(named('quickExp')),
}

/** A name or a literal. */
export const isSimple = ({ text }: Code): boolean => /^-?[\w$.]+$/.test(text)
export const largest = (...codes: readonly Code[]): Code => invoke('Math.max', ...codes)
export const smallest = (...codes: readonly Code[]): Code => invoke('Math.min', ...codes)
export const plus = (a: Code, b: Code): Code => (a.text === '0' ? b : b.text === '0' ? a : join('+', sum, a, b))
export const times = (a: Code, b: Code): Code => {
  if (a.text === '1' || b.text === '0') return b
  return b.text === '1' || a.text === '0' ? a : join('*', product, a, b)
}
