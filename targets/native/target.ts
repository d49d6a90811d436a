import type { Machine, Program, Statement } from '../../compiler/kernel.ts'
import { sources } from '../../generated/sources.ts'
import { declareCall, kernelsOf } from '../c-program.ts'
import { escapeDoc } from '../doc.ts'
import { Names } from '../names.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import { entryOf } from './entry.ts'
import { defineProgram, nameProgram, type ProgramNames } from './program.ts'
import { reserved } from './reserved.ts'

function machineOf(tile: Machine['tile']): Machine {
  return { tile, together: 64, accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -125 } }
}

/** Long tiles save work at their ends. Where data says which tiles are empty, fewer of them are: short ones save more. */
function asksDataWhatToSkip(body: readonly Statement[]): boolean {
  return body.some(
    (one) =>
      one.kind === 'loop' &&
      ((one.over.kind === 'tiles' && one.over.head.some(({ kind }) => kind === 'load')) ||
        asksDataWhatToSkip(one.body)),
  )
}

/** C++ for CPUs that stands alone: NAME.cc, with the C header NAME.h. */
export const native: Target = {
  name: 'native',
  machine: machineOf({ i: 32, j: 64 }),
  machinesFor: () => [machineOf({ i: 32, j: 128 }), machineOf({ i: 32, j: 64 })],
  fits: (program) => !kernelsOf(program.steps).some(({ body }) => asksDataWhatToSkip(body)),
  choices: {
    tiles: [8, 16, 24, 32, 48, 64, 96, 128, 192, 256],
    splits: [1, 2, 4, 8],
    threads: true,
    near: { bytes: 2 ** 20, what: 'the second-level cache of a core' },
  },
  makesLibraries: true,
  emit: async (source) => emit(source),
}

function emit(source: EmitSource): readonly OutFile[] {
  const { name, programs, version, library = false } = source
  const entries = programs.map(entryOf)
  const file = new Names(
    reserved,
    entries.flatMap((entry) => [entry, ...suffixes.map((suffix) => `${entry}${suffix}`)]),
  )
  const named = programs.map((program) => ({ program, names: nameProgram(program, file) }))
  const view = {
    version,
    source: escapeDoc(`${name}.attn`),
    summary: programs.map((program) => program.name).join(', '),
  }
  const calls = named.map(({ program, names }) => declareCall('native/call', program, names))
  return [
    {
      path: `${name}.cc`,
      text: library ? levels(named, name, view) : main(named, name, view),
    },
    {
      path: `${name}.h`,
      text: fill('native/header', {
        ...view,
        guard: `ATTNC_${entries.join('_').toUpperCase()}_H`,
        abi: sources['templates/native/attnc.h'],
        calls,
        levelled: library ? entries : [],
      }),
    },
  ]
}

interface Named {
  readonly program: Program
  readonly names: ProgramNames
}

function main(named: readonly Named[], name: string, view: object): string {
  const programs = named.map(({ program, names }) => defineProgram(program, names, 'extern "C"').trimEnd())
  return fill('native/main', { ...view, header: `${name}.h`, prelude: prelude(), programs })
}

/** All in one file for each level of instructions, and functions that take the one that a machine has. */
function levels(named: readonly Named[], name: string, view: object): string {
  const text = prelude()
  return fill('native/library', {
    ...view,
    header: `${name}.h`,
    itself: `${name}.cc`, // not __FILE__, which is the path that a build was started with
    includes: [...new Set(text.match(include))],
    prelude: text
      .replaceAll(include, '')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim(),
    programs: named.map(({ program, names }) => defineProgram(program, names, 'static').trimEnd()),
    entries: named.map(({ names }) => names.entry),
    levels: x86Levels,
  })
}

/** Headers of the system, those that only some machines have included. */
const include = /^(?:#include <.*>|#if .*\n(?:#include <.*>\n|#elif .*\n)+#endif)$/gm

/** Best first; what none of them fits runs on what every machine of its kind has. */
const x86Levels = [
  { name: 'avx512', lanes: 16, needs: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx2', 'fma', 'f16c', 'bmi2'] },
  { name: 'avx2', lanes: 8, needs: ['avx2', 'fma', 'f16c', 'bmi2'] },
].map(({ name, lanes, needs }) => ({
  name,
  lanes,
  target: needs.join(','),
  macros: needs.map((need) => `__${need.toUpperCase()}__`),
  test: needs.map((need) => `__builtin_cpu_supports("${need}")`).join(' && '),
}))

const suffixes = ['_call', '_shapes', '_workspace', '_run', '_scratch', '_isa']

const headers = ['lanes', 'arithmetic', 'doubles', 'functions', 'storage', 'columns', 'product', 'few', 'call'] as const

/** The project's headers in one piece, so that what is generated stands alone. */
const prelude = (): string =>
  headers
    .map((name) => sources[`templates/native/${name}.h`].replaceAll(/^#pragma once\n|^#include ".*"\n/gm, '').trim())
    .join('\n\n')
