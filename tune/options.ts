/** What a point means to the compiler, and to a call: the same as what was tuned. */
export { optionsOf, threadsOf, uses, withChoice } from '../runtime/tuned/choice.ts'
