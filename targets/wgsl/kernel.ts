/** One kernel as an entry point, with its bindings and the words that its groups share. */
import type { Buffer, Kernel, Program } from '../../compiler/kernel.ts'
import { escapeDoc } from '../doc.ts'
import { atom } from '../expression.ts'
import { Names } from '../names.ts'
import { findBarriers } from './barriers.ts'
import { Block, indented } from './block.ts'
import type { Homes, Room } from './homes.ts'
import { type Layout, layOut } from './layout.ts'
import { singleAt } from './loop.ts'
import type { Offer, Use } from './offer.ts'
import { printSteps } from './print.ts'
import { quadLines } from './quads.ts'
import { reserved } from './reserved.ts'
import { declaration, sharedBytes, sharedOf } from './shared.ts'
import {
  type AxisSpot,
  firstOf,
  type GivenNames,
  isAtomic,
  isHalf,
  perWord,
  type Sheet,
  type Spot,
  sizeOf,
} from './sheet.ts'
import { wgslTypes } from './words.ts'

/** What a kernel is bound to: a buffer of the program, several in one, or words of its own for each group. */
export type Binding = { readonly writes: boolean } & (
  | { readonly kind: 'buffer'; readonly buffer: string }
  | { readonly kind: 'pack'; readonly buffers: readonly string[] } // copied into one before
  | { readonly kind: 'pool'; readonly pool: number } // which the host has laid side by side
  | { readonly kind: 'spill'; readonly words: number }
)
export interface PrintedKernel {
  readonly lines: readonly string[]
  readonly bindings: readonly Binding[] // in their order, after what every kernel is given
  readonly use: Use
}

/** Buffers of workspace that lie side by side, so that a kernel can be bound to all of them at once. */
export type Pools = readonly (readonly string[])[]

/** @param pools  of buffers that kernels with too many of them write; undefined: not known yet */
export function printKernel(
  kernel: Kernel,
  program: Program,
  entry: string,
  given: GivenNames,
  offer: Offer,
  pools?: Pools,
): PrintedKernel {
  const none: Sharing = { pack: [], whole: [], pools: pools ?? [] }
  const layout = layOut(kernel, program, offer)
  const print = (sharing: Sharing): PrintedKernel => printWith(sharing, layout, kernel, program, entry, given, offer)
  const bare = print(none)
  if (bare.bindings.length <= offer.buffers || !pools) return bare
  const written = new Set(bare.bindings.flatMap((b) => (b.kind === 'buffer' && b.writes ? [b.buffer] : [])))
  const whole = pools.filter((pool) => pool.filter((name) => written.has(name)).length > 1)
  const pooled = print({ ...none, whole })
  const over = pooled.bindings.length - offer.buffers
  if (over <= 0) return pooled
  const read = pooled.bindings.flatMap((b) => (b.kind === 'buffer' && !b.writes ? [b.buffer] : []))
  return print({ ...none, whole, pack: read.slice(-over - 1) })
}

/** `pack`: the last ones that are read, which are the small ones of most attentions. `whole`: pools that are bound as one. */
interface Sharing {
  readonly pack: readonly string[]
  readonly whole: Pools
  readonly pools: Pools
}

function printWith(
  sharing: Sharing,
  layout: Layout,
  kernel: Kernel,
  program: Program,
  entry: string,
  given: GivenNames,
  offer: Offer,
): PrintedKernel {
  const { facts, steps, homes, group, joint } = layout
  const sheet = sheetOf(program, layout, entry, given, sharing, offer)
  const body = new Block()
  const axes = openBlock(kernel, sheet, body)
  const leaders = `${entry}_leaders`
  if (group.quads.size > 0) body.line(...quadLines(leaders))
  for (const room of spillRooms)
    if (homes.sizes[room] > 0) body.line(`let ${room}First = group * ${homes.sizes[room]};`)
  const spot: Spot = { sheet, block: body, axes, locals: new Map(), own: undefined }
  for (const buffers of [sharing.pack, ...sharing.whole]) body.line(...firstLines(buffers, sheet))
  for (const [value, register] of sheet.registers) body.line(registerLine(value, register, sheet))
  printSteps(steps, spot, findBarriers(steps, facts, homes.of, program.sizes, joint.folds))
  const bindings = bindingsOf(sheet, homes, sharing)
  const shared = sharedOf(sheet, homes, leaders)
  return {
    bindings: bindings.map(({ binding }) => binding),
    use: {
      sharedBytes: sharedBytes(shared),
      invocations: group.size,
      buffers: bindings.length,
    },
    lines: [
      ...bindings.map(({ text }, n) => `@group(0) @binding(${n + 1}) ${text};`),
      ...shared.map(declaration),
      `/// ${escapeDoc(kernel.doc)}`,
      `@compute @workgroup_size(${group.size})`,
      `fn ${entry}(`,
      '  @builtin(workgroup_id) groupId: vec3<u32>,',
      '  @builtin(num_workgroups) groups: vec3<u32>,',
      '  @builtin(local_invocation_index) localIndex: u32,',
      ...(group.quads.size > 0 ? ['  @builtin(subgroup_invocation_id) subgroupIndex: u32,'] : []),
      ') {',
      ...body.lines.map(indented),
      '}',
    ],
  }
}

const spillRooms = ['spill', 'spillMark'] as const

function sheetOf(
  program: Program,
  { facts, homes, group, joint }: Layout,
  entry: string,
  given: GivenNames,
  { pack, whole }: Sharing,
  offer: Offer,
): Sheet {
  const buffers = new Map(program.buffers.map(({ name }) => [name, `${entry}_${name}`]))
  const shared = new Map([
    ...pack.map((name) => [name, `${entry}_packed`] as const),
    ...whole.flatMap((pool, n) => pool.map((name) => [name, `${entry}_pool${n}`] as const)),
  ])
  const rooms: Record<Room, string> = {
    tile: `${entry}_tiles`,
    mark: `${entry}_marks`,
    spill: `${entry}_spill`,
    spillMark: `${entry}_spillMarks`,
  }
  const bindings = [...buffers.values(), ...[...buffers.values()].map(firstOf), ...shared.values()]
  const names = new Names(reserved, [...bindings, ...Object.values(rooms), 'spillFirst', 'spillMarkFirst'])
  for (const axis of facts.order) names.reuse(axis, `axis ${axis}`)
  const registers = new Map(
    [...homes.of].flatMap(([name, home]) => (home.kind === 'own' ? [[name, names.fresh(name)] as const] : [])),
  )
  return {
    program,
    facts,
    offer,
    group,
    joint: joint.folds,
    homes: homes.of,
    names,
    given,
    buffers,
    rooms,
    registers,
    shared,
    uniforms: new Map(),
    told: new Set(),
    used: new Set(),
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
function bindingsOf(sheet: Sheet, homes: Homes, { pack, whole, pools }: Sharing): readonly Bound[] {
  const { program, facts, buffers, rooms, used, shared } = sheet
  const own = program.buffers.filter(({ name }) => used.has(name) && !shared.has(name))
  // Of a buffer that a kernel writes to, it cannot only read another part.
  const isBeside = (name: string): boolean =>
    pools.some((pool) => pool.includes(name) && pool.some((other) => facts.stored.has(other)))
  const access = (writes: boolean): string => (writes ? 'read_write' : 'read')
  return [
    ...own.map((buffer): Bound => {
      const { name } = buffer
      const writes = facts.stored.has(name) || isBeside(name)
      const text = `var<storage, ${access(writes)}> ${buffers.get(name)}: array<${wordType(buffer, sheet)}>`
      return { binding: { kind: 'buffer', buffer: name, writes }, text }
    }),
    ...(pack.length > 0 ? [packBinding(pack, shared)] : []),
    ...whole.map((pool): Bound => {
      const writes = pool.some((name) => facts.stored.has(name))
      const text = `var<storage, ${access(writes)}> ${shared.get(pool[0]!)}: array<u32>`
      return { binding: { kind: 'pool', pool: pools.indexOf(pool), writes }, text }
    }),
    ...spillRooms.flatMap((room): readonly Bound[] => {
      const text = `var<storage, read_write> ${rooms[room]}: array<${room === 'spill' ? 'f32' : 'i32'}>`
      return homes.sizes[room] > 0 ? [{ binding: { kind: 'spill', words: homes.sizes[room], writes: true }, text }] : []
    }),
  ]
}

const packBinding = (pack: readonly string[], shared: Sheet['shared']): Bound => ({
  binding: { kind: 'pack', buffers: pack, writes: false },
  text: `var<storage, read> ${shared.get(pack[0]!)}: array<u32>`,
})

/** Where buffers begin within a binding, as the host lays them: at multiples of 64 words. */
function firstLines(names: readonly string[], sheet: Sheet): readonly string[] {
  const parts = names.map((name) => sheet.program.buffers.find((buffer) => buffer.name === name)!)
  return parts.map((buffer, n) => {
    const first = firstOf(sheet.buffers.get(buffer.name)!)
    const before = parts[n - 1]
    if (!before) return `let ${first} = 0;`
    const elements = before.axes.map((axis) => sizeOf(axis, sheet).text).join(' * ') || '1'
    const words = `(${elements} + ${perWord(before) - 1}) / ${perWord(before)}`
    return `let ${first} = ${firstOf(sheet.buffers.get(before.name)!)} + (max(${words}, 1) + 63) / 64 * 64;`
  })
}

function wordType(buffer: Buffer, sheet: Sheet): string {
  if (isHalf(buffer, sheet)) return 'f16'
  if (perWord(buffer) === 1) return buffer.storage === 'f32' ? 'f32' : 'i32'
  return isAtomic(buffer, sheet) ? 'atomic<u32>' : 'u32'
}

/** The indices of a group: the last axis of the grid runs fastest. Groups beyond the grid have nothing to do. */
function openBlock({ grid }: Kernel, sheet: Sheet, body: Block): ReadonlyMap<string, AxisSpot> {
  const axes = new Map<string, AxisSpot>()
  const blocks = blocksOf(
    grid,
    (axis) => sizeOf(axis, sheet).text,
    (a, b) => `(${a} + ${b - 1}) / ${b}`,
  )
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
