import type { Machine } from '../../compiler/kernel.ts'
import { sources } from '../../generated/sources.ts'
import { declareCall } from '../c-program.ts'
import { escapeDoc } from '../doc.ts'
import { Names } from '../names.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import { defineProgram, entryOf, nameProgram } from './program.ts'
import { reserved } from './reserved.ts'

/** What a warp's registers hold on tensor cores: of 32 rows scores and accumulators. f32 tiles are as large as shared memory has room. */
function tileFor(dtype: EmitSource['dtype'], width: number): Machine['tile'] {
  if (dtype === 'f32' || width > 128) return { i: 64, j: 64 }
  return { i: 128, j: width > 64 ? 64 : 128 }
}

/** CUDA C++ for GPUs that stands alone: NAME.cu, with the C header NAME.h. */
export const cuda: Target = {
  name: 'cuda',
  machine: machineOf({ i: 64, j: 64 }),
  choices: {
    tiles: [16, 32, 64, 128],
    splits: [1, 2, 4, 8],
    threads: false,
    near: { bytes: 320 * 2 ** 10, what: 'the registers and the shared memory of a block' },
  },
  machineFor: (dtype, sizes) => machineOf(tileFor(dtype, Math.max(0, ...Object.values(sizes)))),
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
  return [
    {
      path: `${name}.cu`,
      text: fill('cuda/main', {
        ...view,
        file: escapeDoc(`${name}.cu`),
        header: `${name}.h`,
        prelude: prelude(),
        programs: named.map(({ program, names }) => defineProgram(program, names).trimEnd()),
      }),
    },
    {
      path: `${name}.h`,
      text: fill('cuda/header', {
        ...view,
        guard: `ATTNC_${entries.join('_').toUpperCase()}_CUDA_H`,
        abi: sources['templates/native/attnc.h'],
        calls: named.map(({ program, names }) => declareCall('cuda/call', program, names)),
      }),
    },
  ]
}

const suffixes = ['_call', '_shapes', '_workspace', '_run']

const headers = [
  'templates/cuda/ptx.cuh',
  'templates/cuda/functions.cuh',
  'templates/cuda/tiles.cuh',
  'templates/cuda/launch.cuh',
  'templates/native/call.h',
] as const

/** The project's headers in one piece, so that what is generated stands alone. */
const prelude = (): string =>
  headers.map((name) => sources[name].replaceAll(/^#pragma once\n|^#include ".*"\n/gm, '').trim()).join('\n\n')

function machineOf(tile: Machine['tile']): Machine {
  return { tile, accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -126 } }
}
