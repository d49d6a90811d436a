import type { Machine } from '../../compiler/kernel.ts'
import { sources } from '../../generated/sources.ts'
import { declareCall } from '../c-program.ts'
import { escapeDoc } from '../doc.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import type { PrintedFragments } from './fragments/kernel.ts'
import { defineProgram, entryOf, fragmentsOf, nameProgram, namesOfFile } from './program.ts'
import { mostRegisters, sharedRoom } from './resources.ts'
import { emitTorch } from './torch.ts'

/** Tiles of rows and keys for 16 bits, the largest first; what none of them is for takes the last. */
const tiles: readonly Machine['tile'][] = [
  ...[128, 96, 64, 48, 32].map((j) => ({ i: 128, j })),
  ...[96, 64, 32, 16].map((j) => ({ i: 64, j })),
  { i: 64, j: 64 },
]

/** Where a head has few rows: a warp each, so that many blocks share the keys. */
const narrow: readonly Machine['tile'][] = [64, 48, 32, 16].map((j) => ({ i: 16, j }))

/** CUDA C++ for GPUs that stands alone: NAME.cu, with the C header NAME.h. */
export const cuda: Target = {
  name: 'cuda',
  machine: machineOf({ i: 64, j: 64 }),
  choices: {
    tiles: [16, 32, 48, 64, 96, 128],
    splits: [1, 2, 4, 8],
    threads: false,
    near: { bytes: 320 * 2 ** 10, what: 'the registers and the shared memory of a block' },
  },
  machinesFor: (dtype, _, __, rows) => {
    if (rows === 'few') return (dtype === 'f32' ? narrow.slice(0, 1) : narrow).map(machineOf)
    return dtype === 'f32' ? [machineOf({ i: 64, j: 64 })] : tiles.map(machineOf)
  },
  fits: (program) => {
    const all = fragmentsOf(program)
    return all.length > 0 && all.every((one) => one.registers <= mostRegisters && one.sharedBytes <= sharedRoom)
  },
  refuses: (program) =>
    fragmentsOf(program)
      .map(refusal)
      .find((reason) => reason !== undefined),
  weighs: (program) => fragmentsOf(program).length > 0,
  makesLibraries: true,
  makesExtensions: true,
  emit: async (source) => emit(source),
}

function refusal({ name, sharedBytes, accumulators }: PrintedFragments): string | undefined {
  const kernel = name.replace(/_on_tensor_cores$/, '')
  const knob = 'ask for smaller tiles, as --tile i=64,j=32, or leave --tile out'
  if (sharedBytes > sharedRoom)
    return `the tiles of ${kernel} take ${kibibytes(sharedBytes)} of shared memory, and a block has ${kibibytes(sharedRoom)}: ${knob}`
  if (accumulators > mostRegisters)
    return `the tiles of ${kernel} take ${accumulators} registers of a thread, and it has ${mostRegisters}: ${knob}`
  return undefined
}
const kibibytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`

function emit(source: EmitSource): readonly OutFile[] {
  const { name, programs, version } = source
  const entries = programs.map(entryOf)
  const file = namesOfFile(programs)
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
    ...(source.torch ? emitTorch(source) : []),
  ]
}

const headers = [
  'templates/cuda/ptx.cuh',
  'templates/cuda/functions.cuh',
  'templates/cuda/tiles.cuh',
  'templates/native/call.h',
  'templates/cuda/launch.cuh',
] as const

/** The project's headers in one piece, so that what is generated stands alone. */
const prelude = (): string =>
  headers.map((name) => sources[name].replaceAll(/^#pragma once\n|^#include ".*"\n/gm, '').trim()).join('\n\n')

function machineOf(tile: Machine['tile']): Machine {
  return { tile, accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -126 }, blocks: 512 }
}
