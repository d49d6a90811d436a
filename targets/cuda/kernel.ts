/** One kernel: a function of its arguments and of a block of work. */
import type { Kernel, Program } from '../../compiler/kernel.ts'
import { Block, indented } from '../block.ts'
import { sizeOf } from '../c-elements.ts'
import type { GivenNames } from '../c-lengths.ts'
import { docLines } from '../doc.ts'
import { atom } from '../expression.ts'
import { Names } from '../names.ts'
import { type Analysis, analyze } from '../nests/analyze.ts'
import type { Node } from '../nests/nest.ts'
import { type PrintedFragments, printFragments } from './fragments/kernel.ts'
import { layOutFragments } from './fragments/layout.ts'
import { printLoop, singleAt } from './loop.ts'
import { cudaTypes, printNodes } from './print.ts'
import { reserved } from './reserved.ts'
import { mostRegisters, sharedRoom } from './resources.ts'
import { ownArrays, printBlock } from './shared.ts'
import { type ArrayOf, type AxisSpot, extentOf, type Sheet, type Spot } from './spot.ts'

/** A kernel's text, and what it takes of a device. */
export interface PrintedKernel {
  readonly lines: readonly string[]
  readonly threads: number // of a block
  readonly elements: boolean // whether each thread does a block of work of its own
  readonly sharedBytes: number
  readonly scratchBytes: number // of tiles in global memory, for each block that works at a time
  readonly fragments: PrintedFragments | undefined // the same on tensor cores
}

export function printKernel(
  kernel: Kernel,
  program: Program,
  name: string,
  givenType: string,
  given: GivenNames,
): PrintedKernel {
  const analysis = analyze(kernel, program)
  const fragments = printOnTensorCores(kernel, program, name, givenType, given, analysis)
  const taken = [given.buffers, given.sizes, given.params].flatMap((all) => [...all.values()])
  const scope = new Names(reserved, [...taken, ...[...given.strides.values()].flat()])
  const sheet = sheetOf(program, analysis, scope, given)
  const isTiled = kernel.grid.some(({ tile }) => tile !== undefined)
  const elements = sheet.arrays.size === 0 && !isTiled
  const threads = elements || isTiled ? 128 : 32
  const body = new Block()
  const axes = openBlock(kernel, sheet, body)
  const spot: Spot = { sheet, block: body, path: [], axes, flags: new Map() }
  if (elements) printAlone(analysis.nodes, spot)
  else printBlock(analysis.nodes, spot)
  const room = layOut(sheet)
  const turn = elements
    ? 'for (int64_t turn = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; turn < work.blocks; turn += int64_t(gridDim.x) * blockDim.x) {'
    : 'for (int64_t turn = blockIdx.x; turn < work.blocks; turn += gridDim.x) {'
  return {
    lines: [
      ...docLines([kernel.doc]),
      `__global__ void __launch_bounds__(${threads}) ${name}(const __grid_constant__ launch::Work<${givenType}> work) {`,
      ...[...sheet.used].map((argument) => `  const auto ${argument} = work.given.${argument};`),
      ...room.lines.map(indented),
      `  ${turn}`,
      ...(fragments ? ['    if (work.redo && !work.redo[turn]) continue;'] : []),
      ...body.lines.map((line) => indented(indented(line))),
      '  }',
      '}',
    ],
    threads,
    elements,
    sharedBytes: room.sharedBytes,
    scratchBytes: room.scratchBytes,
    fragments,
  }
}

/** The form on tensor cores, where there is one that fits a device. */
function printOnTensorCores(
  kernel: Kernel,
  program: Program,
  name: string,
  givenType: string,
  given: GivenNames,
  { facts }: Analysis,
): PrintedFragments | undefined {
  const printed = tensorForm(kernel, program, name, givenType, given, facts)
  return printed && printed.sharedBytes <= sharedRoom && printed.accumulators <= mostRegisters ? printed : undefined
}

/** The form on tensor cores, whatever it takes of a device. */
export function tensorForm(
  kernel: Kernel,
  program: Program,
  name: string,
  givenType: string,
  given: GivenNames,
  facts = analyze(kernel, program).facts,
): PrintedFragments | undefined {
  const layout = layOutFragments(kernel, program, facts)
  const open = (own: Sheet, block: Block) => openBlock(kernel, own, block)
  return layout && printFragments(layout, program, `${name}_on_tensor_cores`, givenType, given, open)
}

/** What one thread does where it has no need of others. */
function printAlone(nodes: readonly Node[], spot: Spot): void {
  for (const node of nodes) {
    if (node.kind === 'loop') printLoop(node, spot, printAlone)
    else printNodes([node], spot)
  }
}

function sheetOf(program: Program, { facts, places, nodes }: Analysis, names: Names, given: GivenNames): Sheet {
  for (const axis of facts.order) names.reuse(axis)
  const own = ownArrays(nodes, { facts, places })
  const arrays = new Map(
    [...places].flatMap(([name, { stored }]): readonly [string, ArrayOf][] =>
      stored ? [[name, { name: names.fresh(name), axes: stored.map(({ axis }) => axis), own: own.has(name) }]] : [],
    ),
  )
  return { program, facts, places, names, given, arrays, used: new Set(), locals: new Map() }
}

/** Tiles in shared memory, and where it is full, in memory of the block's own. */
function layOut(sheet: Sheet): { lines: readonly string[]; sharedBytes: number; scratchBytes: number } {
  const lines: string[] = []
  const used = { shared: 0, scratch: 0 }
  for (const [value, { name, axes, own }] of sheet.arrays) {
    if (own) continue
    const type = cudaTypes[sheet.facts.values.get(value)?.type ?? 'f32']
    const elements = axes.reduce((product, axis) => product * extentOf(axis, sheet), 1)
    const bytes = Math.ceil((elements * (type === 'bool' ? 1 : 4)) / 16) * 16
    const room = used.shared + bytes <= sharedRoom ? 'shared' : 'scratch'
    lines.push(`${type} *const ${name} = reinterpret_cast<${type} *>(${room} + ${used[room]});`)
    used[room] += bytes
  }
  const heads = [
    ...(used.shared > 0 ? ['char *const shared = ptx::sharedMemory();'] : []),
    ...(used.scratch > 0 ? [`char *const scratch = work.scratch + int64_t(blockIdx.x) * ${used.scratch};`] : []),
  ]
  return { lines: [...heads, ...lines], sharedBytes: used.shared, scratchBytes: used.scratch }
}

/** The indices of a block of work: its last axis runs fastest, and the last blocks come first, which causal masks leave the most to. */
function openBlock({ grid }: Kernel, sheet: Sheet, body: Block): ReadonlyMap<string, AxisSpot> {
  const axes = new Map<string, AxisSpot>()
  if (grid.length > 0) body.line('int64_t block = work.blocks - 1 - turn;')
  grid.toReversed().forEach(({ axis, tile }, n) => {
    const isLast = n === grid.length - 1
    const size = isLast && tile === undefined ? '' : sizeOf(axis, sheet).text
    const blocks = tile === undefined ? size : `((${size} + ${tile - 1}) / ${tile})`
    const index = isLast ? 'int32_t(block)' : `int32_t(block % ${blocks})`
    const name = sheet.names.reuse(tile === undefined ? axis : `${axis}0`)
    body.line(`const int32_t ${name} = ${index}${tile === undefined ? '' : ` * ${tile}`};`)
    if (!isLast) body.line(`block /= ${blocks};`)
    if (tile === undefined) axes.set(axis, singleAt(atom(name)))
    else {
      const count = sheet.names.reuse(`${axis}Count`)
      body.line(`const int32_t ${count} = num::smallest(${tile}, ${size} - ${name});`)
      axes.set(axis, { single: false, first: atom(name), count: atom(count), inner: undefined })
    }
  })
  return axes
}

/** The number of blocks of a kernel's grid, as an expression of lengths. */
export function blocksOf({ grid }: Kernel, size: (axis: string) => string): string {
  const counts = grid.map(({ axis, tile }) =>
    tile === undefined ? `int64_t(${size(axis)})` : `int64_t((${size(axis)} + ${tile - 1}) / ${tile})`,
  )
  return counts.join(' * ') || '1'
}
