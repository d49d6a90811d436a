/** A program in CUDA: what its kernels are given, and the functions that callers see. */
import type { Buffer, Kernel, Program } from '../../compiler/kernel.ts'
import { type GivenNames, sizeText } from '../c-lengths.ts'
import { type CallNames, kernelsOf, nameCall, runLines, viewOfCall } from '../c-program.ts'
import { Names, safeName } from '../names.ts'
import { fill } from '../template.ts'
import type { PrintedFragments } from './fragments/kernel.ts'
import { eachOf } from './fragments/layout.ts'
import { blocksOf, type PrintedKernel, printKernel, tensorForm } from './kernel.ts'
import { reserved } from './reserved.ts'
import { spellings } from './words.ts'

/** The names of everything a program brings into its file. */
export interface ProgramNames extends CallNames {
  readonly scratch: string
  readonly kernels: ReadonlyMap<Kernel, string>
}

export const entryOf = ({ name }: Pick<Program, 'name'>): string => safeName(name, reserved)

export function nameProgram(program: Program, file: Names): ProgramNames {
  const entry = entryOf(program)
  return {
    ...nameCall(program, entry, file, reserved),
    scratch: file.fresh(`${entry}_scratch`),
    kernels: new Map(kernelsOf(program.steps).map((kernel) => [kernel, file.fresh(`${entry}_${kernel.name}`)])),
  }
}

/** The forms on tensor cores that a program's kernels have, whatever they take of a device. */
export function fragmentsOf(program: Program): readonly PrintedFragments[] {
  const { kernels, type, given } = nameProgram(program, new Names(reserved))
  return [...kernels].flatMap(([kernel, name]) => tensorForm(kernel, program, name, type, given) ?? [])
}

/** How a kernel is started: threads of a block, and bytes of shared memory. */
export interface LaunchOf {
  readonly name: string
  readonly threads: number
  readonly sharedBytes: number
  readonly tile: { readonly rows: number; readonly columns: number } // 1 where there is none
}

/** The kernels that the programs of one source become, named as in its file. */
export function launchesOf(programs: readonly Program[]): readonly LaunchOf[] {
  const file = namesOfFile(programs)
  return programs.flatMap((program) => {
    const { kernels, type, given } = nameProgram(program, file)
    return [...kernels].flatMap(([kernel, name]): readonly LaunchOf[] => {
      const { fragments, threads, sharedBytes } = printKernel(kernel, program, name, type, given)
      const tile = tileOf(kernel)
      const own = { name, threads, sharedBytes, tile }
      return fragments
        ? [own, { ...own, name: fragments.name, threads: fragments.threads, sharedBytes: fragments.sharedBytes }]
        : [own]
    })
  })
}

function tileOf({ grid, body }: Kernel): LaunchOf['tile'] {
  const loops = body.flatMap((one) => (one.kind === 'loop' && one.over.kind === 'tiles' ? [one.over.tile] : []))
  return { rows: grid.find(({ tile }) => tile !== undefined)?.tile ?? 1, columns: loops[0] ?? 1 }
}

const suffixes = ['_call', '_shapes', '_workspace', '_run']

/** The names of a file: those that callers see are taken. */
export function namesOfFile(programs: readonly Program[]): Names {
  const entries = programs.map(entryOf)
  return new Names(
    reserved,
    entries.flatMap((entry) => [entry, ...suffixes.map((suffix) => `${entry}${suffix}`)]),
  )
}

/** The kernels of one program and the functions that callers see. */
export function defineProgram(program: Program, names: ProgramNames): string {
  const { type, scratch, kernels, given } = names
  const printed = new Map(
    [...kernels].map(([kernel, name]) => [kernel, printKernel(kernel, program, name, type, given)]),
  )
  const size = (axis: string): string => sizeText(axis, program, given)
  const start = (kernel: Kernel): readonly string[] => startLines(kernel, size, program, names, printed.get(kernel)!)
  const copy = (to: string, from: string, bytes: string): string =>
    `if (error == cudaSuccess) error = cudaMemcpyAsync(${to}, ${from}, ${bytes}, cudaMemcpyDeviceToDevice, stream);`
  return fill('cuda/program', {
    ...viewOfCall(program, names, reserved, spellings),
    scratch,
    kernels: [...printed.values()].flatMap(({ lines, fragments }) =>
      (fragments ? [lines, fragments.lines] : [lines]).map((all) => all.join('\n')),
    ),
    tiles: [...printed].flatMap(([kernel, one]) => {
      const blocks = blocksOf(kernel, size)
      const bytes = one.fragments ? redoneBytes(blocks, one) : `launch::tileBytes(${blocks}, ${one.scratchBytes})`
      return one.scratchBytes === 0 && !one.fragments ? [] : [`most = launch::larger(most, ${bytes});`]
    }),
    steps: runLines(program.steps, program, names, { start, copy, spellings }),
  })
}

function startLines(
  kernel: Kernel,
  size: (axis: string) => string,
  program: Program,
  { kernels, given }: ProgramNames,
  { threads, elements, sharedBytes, scratchBytes, fragments }: PrintedKernel,
): readonly string[] {
  const name = kernels.get(kernel)
  const blocks = blocksOf(kernel, size)
  const start = (call: string): string => `if (error == cudaSuccess) error = ${call};`
  if (elements) return [start(`launch::startElements(${name}, given, ${blocks}, ${threads}, stream)`)]
  const room = `${threads}, ${sharedBytes}, scratch, ${scratchBytes}`
  if (!fragments) return [start(`launch::start(${name}, given, ${blocks}, ${room}, stream)`)]
  const wanted = fragments.tiles.map(({ buffer }) => alignedText(buffer, given))
  const results = program.buffers.filter(
    ({ role, storage }) => role === 'result' && (storage === 'f16' || storage === 'bf16'),
  )
  const aligned = [...new Set([...wanted, ...results.map((buffer) => alignedText(buffer, given))])].join(' && ')
  return [
    '{',
    `  const int64_t blocks = ${blocks};`,
    `  unsigned char *redo = reinterpret_cast<unsigned char *>(scratch + launch::tileBytes(blocks, ${scratchBytes}));`,
    `  if (!(${aligned}) || blocks > launch::longestGrid) redo = nullptr;`,
    `  if (redo) ${start(`launch::startTiles(${fragments.name}, given, blocks, ${fragments.threads}, ${fragments.sharedBytes}, redo, stream)`)}`,
    `  ${start(`launch::start(${name}, given, blocks, ${room}, stream, redo)`)}`,
    '}',
  ]
}

const redoneBytes = (blocks: string, { scratchBytes }: PrintedKernel): string =>
  `launch::tileBytes(${blocks}, ${scratchBytes}) + ${blocks}`

/** Whether rows of a tensor begin where they can be copied 16 bytes at a time. */
function alignedText(buffer: Buffer, { buffers, strides }: GivenNames): string {
  const { name, axes } = buffer
  const own = (strides.get(name) ?? []).map((stride) => `given.${stride}`)
  const last = own.at(axes.length - 1) ?? '1'
  return `tiles::isAligned<${eachOf(buffer)}>(${[`given.${buffers.get(name)}`, last, ...own.slice(0, -1)].join(', ')})`
}
