/** Lengths that have to be known when code is generated. */
import type { Attention } from './attention.ts'
import { knownScalar } from './known-scalar.ts'
import { own } from './own.ts'

/** A further axis of a fixed length up to this, such as that of a convolution's taps, is held whole: nobody streams so few places. */
const short = 8

/**
 * Lengths of compile-time axes: given, else declared, else d = e = 64 and the first check line for others. Short axes beside queries and
 * keys whose length the source fixes are among them.
 */
export function compileTimeSizes(
  attention: Attention,
  given: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  // Without a prototype: an axis may be called `constructor`.
  const sizes: Record<string, number> = Object.create(null)
  const find = (name: string): number | undefined => {
    if (sizes[name] !== undefined) return sizes[name]
    const axis = attention.axes.find((a) => a.name === name)
    if (axis === undefined) return undefined
    const { length } = axis
    if (axis.time !== 'compile') {
      const fixed =
        length.kind === 'fixed' && !['b', 'h', 'i', 'j'].includes(name) ? knownScalar(length.value, {}) : undefined
      if (fixed !== undefined && fixed > 0 && fixed <= short) sizes[name] = fixed
      return undefined
    }
    const value =
      length.kind === 'like'
        ? (own(given, name) ?? find(length.of) ?? own(given, length.of) ?? checked(attention, length.of))
        : length.kind === 'fixed'
          ? knownScalar(length.value, { ...sizes, ...given })
          : length.kind === 'part' && length.role === 'inner'
            ? knownScalar(length.by, { ...sizes, ...given })
            : (own(given, name) ?? (name === 'd' || name === 'e' ? 64 : checked(attention, name)))
    if (value !== undefined) sizes[name] = value
    return value
  }
  for (const axis of attention.axes) find(axis.name)
  for (const { name, length } of attention.axes)
    if (length.kind === 'like' && sizes[name] !== undefined) sizes[length.of] ??= sizes[name]
  return sizes
}

const checked = (attention: Attention, name: string): number | undefined => own(attention.checks[0]?.sizes, name)
