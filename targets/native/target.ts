import { sources } from '../../generated/sources.ts'
import { escapeDoc } from '../doc.ts'
import { Names } from '../names.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import { declareCall, defineProgram, entryOf, nameProgram } from './program.ts'
import { reserved } from './reserved.ts'

/** C++ for CPUs that stands alone: NAME.cc, with the C header NAME.h. */
export const native: Target = {
  name: 'native',
  machine: { tile: { i: 32, j: 64 }, accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -125 } },
  emit: async (source) => emit(source),
}

function emit(source: EmitSource): readonly OutFile[] {
  const { name, programs, version } = source
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
  const calls = named.map(({ program, names }) => declareCall(program, names))
  return [
    {
      path: `${name}.cc`,
      text: fill('native/main', {
        ...view,
        header: `${name}.h`,
        prelude: prelude(),
        programs: named.map(({ program, names }) => defineProgram(program, names).trimEnd()),
      }),
    },
    {
      path: `${name}.h`,
      text: fill('native/header', {
        ...view,
        guard: `ATTNC_${entries.join('_').toUpperCase()}_H`,
        abi: sources['templates/native/attnc.h'],
        calls,
      }),
    },
  ]
}

const suffixes = ['_call', '_shapes', '_workspace', '_run', '_scratch']

const headers = ['lanes', 'arithmetic', 'functions', 'storage', 'columns', 'product', 'few', 'call'] as const

/** The project's headers in one piece, so that what is generated stands alone. */
const prelude = (): string =>
  headers
    .map((name) => sources[`templates/native/${name}.h`].replaceAll(/^#pragma once\n|^#include ".*"\n/gm, '').trim())
    .join('\n\n')
