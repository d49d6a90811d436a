import { built } from '../../generated/built.ts'
import { sources } from '../../generated/sources.ts'

const headers = ['arithmetic.h', 'attnc.h', 'lanes.h'] as const

/** The source of what measures the limits of a machine, by the names of its files; the first is the main one. */
export const machineFiles: Readonly<Record<string, string>> = {
  'machine.cc': built['templates/native/machine.cc'],
  ...Object.fromEntries(headers.map((name) => [name, sources[`templates/native/${name}`]])),
}
