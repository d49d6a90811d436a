import { reservedWith } from '../c-reserved.ts'

/** What names of a source may not be called here: words of C and C++, and names of this target's headers. */
export const reserved = reservedWith(
  `vec block memory scratch lane ${Array.from({ length: 16 }, (_, n) => `index${n}`).join(' ')}`,
)
