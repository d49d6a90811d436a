import { running } from '../../generated/running.ts'
import { sources } from '../../generated/sources.ts'

const headers = ['arithmetic.h', 'attnc.h', 'lanes.h'] as const

/** The source of what measures the limits of a machine, by the names of its files; the first is the main one. */
export const machineFiles: Readonly<Record<string, string>> = {
  'machine.cc': running['templates/native/machine.cc'],
  ...Object.fromEntries(headers.map((name) => [name, sources[`templates/native/${name}`]])),
}
