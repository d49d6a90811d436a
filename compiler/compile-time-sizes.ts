/** Lengths that have to be known when code is generated. */
import type { Attention } from './attention.ts'
import { knownScalar } from './known-scalar.ts'
import { own } from './own.ts'

/** Lengths of compile-time axes: given, else declared, else d = e = 64 and the first check line for others. */
export function compileTimeSizes(
  attention: Attention,
  given: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  // Without a prototype: an axis may be called `constructor`.
  const sizes: Record<string, number> = Object.create(null)
  const find = (name: string): number | undefined => {
    if (sizes[name] !== undefined) return sizes[name]
    const axis = attention.axes.find((a) => a.name === name)
    if (axis?.time !== 'compile') return undefined
    const { length } = axis
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
