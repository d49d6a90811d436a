import { sources } from '../../generated/sources.ts'

const names = ['machine.cc', 'arithmetic.h', 'attnc.h', 'lanes.h'] as const

/** The source of what measures the limits of a machine, by the names of its files; the first is the main one. */
export const machineFiles: Readonly<Record<string, string>> = Object.fromEntries(
  names.map((name) => [name, sources[`templates/native/${name}`]]),
)
