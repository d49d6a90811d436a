/** Kernels as functions of a module: each runs some of the blocks of its grid. */
import type { Kernel, KernelExpr, Load, Program, Value } from '../../../compiler/kernel.ts'
import { analyze } from '../../nests/analyze.ts'
import { valuesIn } from '../../nests/item.ts'
import { kernelsOf } from '../program.ts'
import type { Block } from './block.ts'
import * as codes from './code.ts'
import { add, type Code, call, code, isLess, multiply, subtract } from './code.ts'
import type { ValueType } from './instructions.ts'
import { singleAt } from './loop.ts'
import { type Encoded, Module } from './module.ts'
import { printNodes } from './nodes.ts'
import { strideAlong } from './product.ts'
import { type AxisSpot, type Given, layoutOf, lengthOf, type Sheet, sizeOf } from './spot.ts'
import { lowest } from './words.ts'

/** A module of all kernels. */
export interface Compiled extends Encoded {
  readonly imports: readonly string[] // functions that it takes from its surroundings
  readonly names: ReadonlyMap<Kernel, string> // of its exports
  readonly ownBytes: number // what one thread needs of the memory for its tiles
}

/** The form of a kernel for several threads. */
export const sharedName = (kernel: string): string => `${kernel}Shared`

const alignment = 64
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment

/** @param threads  whether kernels can also be run by several threads, which share its memory */
export function compileKernels(programs: readonly Program[], threads = false): Compiled {
  const module = new Module()
  const names = new Map<Kernel, string>()
  let ownBytes = 0
  for (const program of programs) {
    for (const kernel of kernelsOf(program.steps)) {
      const name = `kernel${names.size}`
      names.set(kernel, name)
      ownBytes = Math.max(ownBytes, writeKernel(kernel, program, name, module, threads))
    }
  }
  return { ...module.encode(threads ? 'shareable' : 'own'), imports: module.imported, names, ownBytes }
}

/** What kernels are given after the thread's own memory and the blocks: addresses of buffers, lengths that are not fixed, parameters. */
export const givenOf = ({ buffers, axes, sizes, params }: Program) => ({
  buffers: buffers.map(({ name }) => name),
  sizes: axes.map(({ name }) => name).filter((name) => sizes[name] === undefined),
  params: params.filter((param) => param.time === 'run' || param.default),
})

/** Writes a kernel: blocks from one number to another; for threads, blocks as they are handed out. Gives the bytes of its tiles. */
function writeKernel(kernel: Kernel, program: Program, name: string, module: Module, threads: boolean): number {
  const { buffers, sizes, params } = givenOf(program)
  const types: readonly ValueType[] = [
    ...[...buffers, ...sizes].map(() => 'i32' as const),
    ...params.map(({ type }) => (type === 'f32' ? ('f32' as const) : ('i32' as const))),
  ]
  let bytes = 0
  const oneBlock = module.define(`${name} block`, ['i32', 'i32', ...types], undefined, (body, param) => {
    const from = (offset: number, all: readonly string[]): ReadonlyMap<string, Code> =>
      new Map(all.map((one, n) => [one, param(offset + n)]))
    const given: Given = {
      own: param(0),
      buffers: from(2, buffers),
      sizes: from(2 + buffers.length, sizes),
      params: from(
        2 + buffers.length + sizes.length,
        params.map((one) => one.name),
      ),
    }
    bytes = writeBlock(kernel, program, given, param(1), module, body)
    return undefined
  })
  const write = (body: Block, param: (n: number) => Code): undefined => {
    const rest = types.map((_, n) => param(3 + n))
    body.count('rounds', param(1), param(2), 1, (n, inner) => inner.line(call(oneBlock, param(0), n, ...rest)))
  }
  module.define(name, ['i32', 'i32', 'i32', ...types], undefined, write, true)
  if (!threads) return bytes
  /** `param(1)`: where the number of the next block lies. */
  const share = (body: Block, param: (n: number) => Code): undefined => {
    const rest = types.map((_, n) => param(3 + n))
    body.repeat('rounds', (inner) => {
      const n = inner.variable(code('i32.atomic.rmw.add', [param(1), codes.one], [0]))
      const isLeft = inner.keep(isLess(n, param(2)))
      inner.when(isLeft, (some) => some.line(call(oneBlock, param(0), n, ...rest)))
      return isLeft
    })
  }
  module.define(sharedName(name), ['i32', 'i32', 'i32', ...types], undefined, share, true)
  return bytes
}

function writeBlock(kernel: Kernel, program: Program, given: Given, block: Code, module: Module, body: Block): number {
  const lane = kernel.grid.findLast(({ tile }) => tile !== undefined)?.axis
  const { facts, places, nodes } = analyze(kernel, program, {
    inPlace: (load, to, values) => isReadInPlace(load, to, lane, values, program),
  })
  const arrays = new Map<string, number>()
  const sheet: Sheet = { program, module, facts, places, given, arrays, locals: new Map(), lane, moment: 0 }
  let bytes = 0
  for (const [name, { stored }] of places) {
    if (!stored) continue
    arrays.set(name, bytes)
    bytes = aligned(bytes + 4 * lengthOf(layoutOf(name, sheet)))
  }
  const axes = openBlock(kernel, sheet, block, body)
  printNodes(nodes, { sheet, block: body, path: [], axes, flags: new Map(), oneLane: undefined })
  return bytes
}

/** Whether products read these elements where they lie: f32, at the indices of the tile's own axes, at distances that are known. */
function isReadInPlace(
  load: Load,
  to: Value,
  lane: string | undefined,
  values: ReadonlyMap<string, Value>,
  program: Program,
): boolean {
  const buffer = program.buffers.find(({ name }) => name === load.buffer)
  if (buffer?.storage !== 'f32' || load.outside !== 'never') return false
  if (to.axes.some(({ axis }) => axis === lane || strideAlong(load, axis, { program }) === undefined)) return false
  const isOwn = (e: KernelExpr, axis: string): boolean => e.kind === 'index' && e.axis === axis && e.of === 'element'
  const others = Object.values(load.index).filter((e) => !to.axes.some(({ axis }) => isOwn(e, axis)))
  const isUniform = (e: KernelExpr): boolean =>
    valuesIn(e).every((name) => values.get(name)?.axes.length === 0) && !to.axes.some(({ axis }) => mentions(e, axis))
  return others.every(isUniform)
}

const mentions = (e: KernelExpr, axis: string): boolean =>
  e.kind === 'index'
    ? e.axis === axis && e.of === 'element'
    : e.kind === 'call' && e.args.some((arg) => mentions(arg, axis))

/** The indices of a block: the last axis of its grid runs fastest. */
function openBlock({ grid }: Kernel, sheet: Sheet, block: Code, body: Block): ReadonlyMap<string, AxisSpot> {
  const axes = new Map<string, AxisSpot>()
  let rest = block
  grid.toReversed().forEach(({ axis, tile }, n) => {
    const size = sizeOf(axis, sheet)
    const blocks =
      tile === undefined
        ? size
        : body.keep(code('i32.div_s', [add(size, codes.integer(tile - 1)), codes.integer(tile)]))
    const isLast = n === grid.length - 1
    const index = isLast ? rest : body.keep(code('i32.rem_s', [rest, blocks]))
    if (!isLast) rest = body.keep(code('i32.div_s', [rest, blocks]))
    if (tile === undefined) {
      axes.set(axis, singleAt(index))
      return
    }
    const first = body.keep(multiply(index, codes.integer(tile)))
    const count = body.keep(lowest(codes.integer(tile), body.keep(subtract(size, first))))
    axes.set(axis, { single: false, first, count, inner: undefined })
  })
  return axes
}
