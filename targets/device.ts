/** What a caller says of the device that generated code is for. */
import { OptionError } from '../compiler/options.ts'
import type { Device, Target } from './target.ts'

/**
 * The features and limits that a target may count on. Limits that it does not depend on are left out: a browser lists many.
 * Throws an `OptionError` for what it does not know, and for a limit below what every device has.
 */
export function deviceFor(
  { name, device: known }: Pick<Target, 'name' | 'device'>,
  features: readonly string[] = [],
  limits: Readonly<Record<string, number>> = {},
): Device {
  const isAsked = features.length > 0 || Object.keys(limits).length > 0
  if (!known) {
    if (isAsked)
      throw new OptionError(features.length > 0 ? 'features' : 'limits', `target ${name} knows no features or limits`)
    return { features: [], limits: {} }
  }
  const strange = features.find((feature) => !known.features.includes(feature))
  if (strange !== undefined)
    throw new OptionError('features', `target ${name} makes no use of a feature ${strange}`, {
      name: strange,
      known: known.features,
    })
  return { features: known.features.filter((feature) => features.includes(feature)), limits: limitsFor(known, limits) }
}

function limitsFor({ limits: least }: Device, limits: Device['limits']): Device['limits'] {
  const named = Object.keys(least).filter((name) => Object.hasOwn(limits, name))
  if (named.length === 0 && Object.keys(limits).length > 0)
    throw new OptionError('limits', `limits has none of those that kernels depend on: ${Object.keys(least).join(', ')}`)
  for (const name of named) {
    const value = limits[name]!
    if (!Number.isSafeInteger(value)) throw new OptionError('limits', `limits.${name} cannot be ${String(value)}`)
    if (value < least[name]!)
      throw new OptionError('limits', `limits.${name} is ${value}, and every device has ${least[name]} at least`)
  }
  return Object.fromEntries(named.map((name) => [name, limits[name]!]))
}
