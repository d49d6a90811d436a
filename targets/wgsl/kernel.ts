/** One kernel as an entry point, with its bindings and the words that its groups share. */
import { type Buffer, type Kernel, type KernelExpr, type Load, type Program, type Value } from '../../compiler/kernel.ts'
import { escapeDoc } from '../doc.ts'
import { atom } from '../expression.ts'
import { Names } from '../names.ts'
import { analyze } from '../nests/analyze.ts'
import { type Facts, valuesIn } from '../nests/item.ts'
import { normalize } from '../nests/normalize.ts'
import { findBarriers } from './barriers.ts'
import { Block, indented } from './block.ts'
import { findHomes, type Homes, type Room } from './homes.ts'
import { singleAt } from './loop.ts'
import { groupSize } from './mapping.ts'
import { phasesOf } from './phases.ts'
import { printSteps } from './print.ts'
import { reserved } from './reserved.ts'
import { type AxisSpot, type GivenNames, isAtomic, packName, perWord, type Sheet, type Spot, sizeOf } from './sheet.ts'
import { wgslTypes } from './words.ts'

/** A buffer that a kernel is bound to: of the program, or words of its own for each group. */
export interface Binding {
  readonly buffer?: string // absent: words of its own
  readonly pack?: readonly string[] // buffers that are copied into one before
  readonly spill?: number // words for each group
  readonly writes: boolean
}
export interface PrintedKernel {
  readonly lines: readonly string[]
  readonly bindings: readonly Binding[] // in their order, after what every kernel is given
}

/** Storage buffers that every device binds at a time. */
const mostBuffers = 8

export function printKernel(kernel: Kernel, program: Program, entry: string, given: GivenNames): PrintedKernel {
  const printed = printWith(new Set(), kernel, program, entry, given)
  const over = printed.bindings.length - mostBuffers
  if (over <= 0) return printed
  const inputs = printed.bindings.flatMap(({ buffer, writes }) => (buffer === undefined || writes ? [] : [buffer]))
  return printWith(new Set(inputs.slice(-over - 1)), kernel, program, entry, given)
}

/** @param packed  buffers that share one binding: the last ones, which are the small ones of most attentions */
function printWith(
  packed: ReadonlySet<string>,
  kernel: Kernel,
  program: Program,
  entry: string,
  given: GivenNames,
): PrintedKernel {
  const { facts } = analyze(kernel, program, (load, to) => isReadInPlace(load, to, program))
  const steps = phasesOf(normalize(kernel).items, facts)
  const homes = findHomes(steps, facts)
  const sheet = sheetOf(program, facts, homes, entry, given, packed)
  const body = new Block()
  const axes = openBlock(kernel, sheet, body)
  for (const room of spillRooms)
    if (homes.sizes[room] > 0) body.line(`let ${room}First = group * ${homes.sizes[room]};`)
  const spot: Spot = { sheet, block: body, axes, locals: new Map(), own: undefined }
  body.line(...packLines(sheet))
  for (const [value, register] of sheet.registers) body.line(registerLine(value, register, sheet))
  printSteps(steps, spot, findBarriers(steps, facts, homes.of))
  const bindings = bindingsOf(sheet, homes)
  return {
    bindings: bindings.map(({ binding }) => binding),
    lines: [
      ...bindings.map(({ text }, n) => `@group(0) @binding(${n + 1}) ${text};`),
      ...roomLines(sheet, homes),
      `/// ${escapeDoc(kernel.doc)}`,
      `@compute @workgroup_size(${groupSize})`,
      `fn ${entry}(`,
      '  @builtin(workgroup_id) groupId: vec3<u32>,',
      '  @builtin(num_workgroups) groups: vec3<u32>,',
      '  @builtin(local_invocation_index) localIndex: u32,',
      ') {',
      ...body.lines.map(indented),
      '}',
    ],
  }
}

const spillRooms = ['spill', 'spillMark'] as const

/** Whether products read these elements where they lie: f32, at the indices of the tile's own axes. */
function isReadInPlace(load: Load, to: Value, { buffers }: Program): boolean {
  const buffer = buffers.find(({ name }) => name === load.buffer)
  if (buffer?.storage !== 'f32' || load.outside !== 'never') return false
  const indices = Object.values(load.index)
  const isOwn = (e: KernelExpr, axis: string): boolean => e.kind === 'index' && e.axis === axis && e.of === 'element'
  return to.axes.every(({ axis }) => indices.some((e) => isOwn(e, axis))) && indices.every((e) => valuesIn(e).length === 0)
}

function sheetOf(
  program: Program,
  facts: Facts,
  homes: Homes,
  entry: string,
  given: GivenNames,
  packed: ReadonlySet<string>,
): Sheet {
  const buffers = new Map(program.buffers.map(({ name }) => [name, `${entry}_${name}`]))
  buffers.set(packName, `${entry}_packed`)
  const rooms: Record<Room, string> = {
    tile: `${entry}_tiles`,
    mark: `${entry}_marks`,
    spill: `${entry}_spill`,
    spillMark: `${entry}_spillMarks`,
  }
  const names = new Names(reserved, [...buffers.values(), ...Object.values(rooms), 'spillFirst', 'spillMarkFirst'])
  for (const axis of facts.order) names.reuse(axis)
  const registers = new Map(
    [...homes.of].flatMap(([name, home]) => (home.kind === 'own' ? [[name, names.fresh(name)] as const] : [])),
  )
  return {
    program, facts, homes: homes.of, names, given, buffers, rooms, registers,
    packed, uniforms: new Map(), told: new Set(), used: new Set(),
  } // prettier-ignore
}

function registerLine(value: string, register: string, { facts, homes }: Sheet): string {
  const type = wgslTypes[facts.values.get(value)?.type ?? 'f32']
  const home = homes.get(value)
  const size = home?.kind === 'own' ? home.size : 1
  return `var ${register}: ${size === 1 ? type : `array<${type}, ${size}>`};`
}

interface Bound {
  readonly binding: Binding
  readonly text: string
}

/** What the kernel's text reads and writes, in the order of its bindings. */
function bindingsOf(sheet: Sheet, homes: Homes): readonly Bound[] {
  const { program, facts, buffers, rooms, used, packed } = sheet
  const own = program.buffers.filter(({ name }) => used.has(name) && !packed.has(name))
  const pack = program.buffers.flatMap(({ name }) => (used.has(name) && packed.has(name) ? [name] : []))
  return [
    ...own.map((buffer): Bound => {
      const { name } = buffer
      const writes = facts.stored.has(name)
      const access = writes ? 'read_write' : 'read'
      const text = `var<storage, ${access}> ${buffers.get(name)}: array<${wordType(buffer, sheet)}>`
      return { binding: { buffer: name, writes }, text }
    }),
    ...(pack.length > 0
      ? [{ binding: { pack, writes: false }, text: `var<storage, read> ${buffers.get(packName)}: array<u32>` }]
      : []),
    ...spillRooms.flatMap((room): readonly Bound[] => {
      const type = room === 'spill' ? 'f32' : 'i32'
      const text = `var<storage, read_write> ${rooms[room]}: array<${type}>`
      return homes.sizes[room] > 0 ? [{ binding: { spill: homes.sizes[room], writes: true }, text }] : []
    }),
  ]
}

/** Where the parts of a packed buffer begin, as the host lays them: at multiples of 64 words. */
function packLines(sheet: Sheet): readonly string[] {
  const parts = sheet.program.buffers.filter(({ name }) => sheet.packed.has(name))
  return parts.map((buffer, n) => {
    const name = sheet.buffers.get(buffer.name)
    const before = parts[n - 1]
    if (!before) return `let ${name}_first = 0;`
    const elements = before.axes.map((axis) => sizeOf(axis, sheet).text).join(' * ') || '1'
    const words = `(${elements} + ${perWord(before) - 1}) / ${perWord(before)}`
    return `let ${name}_first = ${sheet.buffers.get(before.name)}_first + (max(${words}, 1) + 63) / 64 * 64;`
  })
}

function wordType(buffer: Buffer, sheet: Sheet): string {
  if (perWord(buffer) === 1) return buffer.storage === 'f32' ? 'f32' : 'i32'
  return isAtomic(buffer, sheet) ? 'atomic<u32>' : 'u32'
}

function roomLines(sheet: Sheet, { sizes }: Homes): readonly string[] {
  const told = { f32: 'told', i32: 'toldNumber', bool: 'toldTruth' } as const
  return [
    ...(sizes.tile > 0 ? [`var<workgroup> ${sheet.rooms.tile}: array<f32, ${sizes.tile}>;`] : []),
    ...(sizes.mark > 0 ? [`var<workgroup> ${sheet.rooms.mark}: array<i32, ${sizes.mark}>;`] : []),
    ...[...sheet.told].map((type) => `var<workgroup> ${sheet.rooms.tile}_${told[type]}: ${wgslTypes[type]};`),
  ]
}

/** The indices of a group: the last axis of the grid runs fastest. Groups beyond the grid have nothing to do. */
function openBlock({ grid }: Kernel, sheet: Sheet, body: Block): ReadonlyMap<string, AxisSpot> {
  const axes = new Map<string, AxisSpot>()
  const blocks = blocksOf(grid, (axis) => sizeOf(axis, sheet).text, (a, b) => `(${a} + ${b - 1}) / ${b}`)
  body.line(
    'let local = i32(localIndex);',
    'let group = i32(groupId.x + groupId.y * groups.x);',
    `if (group >= ${blocks}) { return; }`,
  )
  let rest = 'group'
  grid.toReversed().forEach(({ axis, tile }, n) => {
    const isFirst = n === grid.length - 1
    const size = sizeOf(axis, sheet).text
    const count = tile === undefined ? size : `((${size} + ${tile - 1}) / ${tile})`
    const index = isFirst ? rest : `${rest} % ${count}`
    const name = sheet.names.fresh(tile === undefined ? axis : `${axis}0`)
    body.line(`let ${name} = ${tile === undefined ? index : `(${index}) * ${tile}`};`)
    if (!isFirst) {
      const next = sheet.names.fresh('block')
      body.line(`let ${next} = ${rest} / ${count};`)
      rest = next
    }
    if (tile === undefined) axes.set(axis, singleAt(atom(name)))
    else {
      const counted = sheet.names.fresh(`${axis}Count`)
      body.line(`let ${counted} = min(${tile}, ${size} - ${name});`)
      axes.set(axis, { single: false, first: atom(name), count: atom(counted), inner: undefined })
    }
  })
  return axes
}

/** The number of groups of a grid, as an expression of lengths. */
export const blocksOf = (
  grid: Kernel['grid'],
  size: (axis: string) => string,
  divideUp: (length: string, by: number) => string,
): string =>
  grid
    .map(({ axis, tile }) => {
      const length = size(axis)
      return tile === undefined ? length : grid.length > 1 ? `(${divideUp(length, tile)})` : divideUp(length, tile)
    })
    .join(' * ') || '1'

