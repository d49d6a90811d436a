/** A kernel's work in order, who does which part of it, and where its values live. */
import type { Kernel, KernelExpr, Load, Program, Value } from '../../compiler/kernel.ts'
import { analyze } from '../nests/analyze.ts'
import { everyItem, type Facts, type Item, valuesIn } from '../nests/item.ts'
import { normalize } from '../nests/normalize.ts'
import { findHomes, type Homes } from './homes.ts'
import { type Group, leastGroup } from './mapping.ts'
import type { Offer } from './offer.ts'
import { phasesOf, type Step } from './phases.ts'
import { findJoint, type Joint } from './quads.ts'

export interface Layout {
  readonly pairs: number // elements of a tile of rows times those of a tile that passes by
  readonly facts: Facts
  readonly steps: readonly Step[]
  readonly group: Group
  readonly joint: Joint
  readonly homes: Homes
}

export function layOut(kernel: Kernel, program: Program, offer: Offer): Layout {
  const { items } = normalize(kernel)
  const plain = offer.halves ? withPlainHalves(program) : program
  const { facts } = analyze(kernel, plain, { inPlace: (load, to) => isReadInPlace(load, to, plain) })
  const steps = phasesOf(items, facts)
  const pairs = pairsOf(kernel, items)
  const size = groupSizeOf(pairs, offer)
  const alone: Group = { size, quads: new Set() }
  const joint = offer.quads
    ? findJoint(steps, facts, findHomes(steps, facts, alone, offer).of, size)
    : { folds: new Set<never>(), quads: alone.quads }
  const group: Group = { size, quads: joint.quads }
  return { pairs, facts, steps, group, joint, homes: findHomes(steps, facts, group, offer) }
}

function pairsOf({ grid }: Kernel, items: readonly Item[]): number {
  const rows = grid.reduce((product, { tile = 1 }) => product * tile, 1)
  const passing = everyItem(items).map((item) =>
    item.kind === 'repeat' && item.loop.over.kind === 'tiles' ? item.loop.over.tile : 1,
  )
  return rows * Math.max(1, ...passing)
}

/** Pairs for each invocation: with fewer of them invocations wait for each other, with more there are too few invocations. */
const pairsEach = 16

function groupSizeOf(pairs: number, { invocations }: Offer): number {
  const powerBelow = (n: number): number => 2 ** Math.floor(Math.log2(n))
  return Math.max(leastGroup, Math.min(powerBelow(invocations), powerBelow(pairs / pairsEach)))
}

/** Where a device has the type, elements of f16 are read as easily as those of f32. */
const withPlainHalves = (program: Program): Program => ({
  ...program,
  buffers: program.buffers.map((buffer) => (buffer.storage === 'f16' ? { ...buffer, storage: 'f32' } : buffer)),
})

/** Whether products read these elements where they lie: numbers of the device, at the indices of the tile's own axes. */
function isReadInPlace(load: Load, to: Value, { buffers }: Program): boolean {
  const buffer = buffers.find(({ name }) => name === load.buffer)
  if (buffer?.storage !== 'f32' || load.outside !== 'never') return false
  const indices = Object.values(load.index)
  const isOwn = (e: KernelExpr, axis: string): boolean => e.kind === 'index' && e.axis === axis && e.of === 'element'
  return (
    to.axes.every(({ axis }) => indices.some((e) => isOwn(e, axis))) && indices.every((e) => valuesIn(e).length === 0)
  )
}
