/** Instructions of SASS by what they are for, found by compiling kernels of one PTX instruction each with ptxas 13. */
export type Kind =
  | 'product' // of tensor cores
  | 'read' // of a tile in shared memory, by ldmatrix
  | 'copy' // to shared memory, by cp.async
  | 'function' // of the unit for exponentials and reciprocals, conversions included
  | 'fused' // additions and multiplications of f32, two at a time included
  | 'select' // comparisons, selections, minimum and maximum
  | 'pack' // two numbers to 16 bits each
  | 'integer'
  | 'product of integers'
  | 'exchange' // between lanes
  | 'spill'
  | 'branch'
  | 'exit'
  | 'other'

const table: Readonly<Record<Exclude<Kind, 'other'>, readonly number[]>> = {
  product: [0x03c, 0x03d],
  read: [0x03b],
  copy: [0x1ae],
  function: [0x108, 0x104, 0x105, 0x106, 0x107, 0x10b],
  fused: [0x023, 0x021, 0x020, 0x049, 0x04a, 0x04b, 0x030, 0x031, 0x032],
  select: [0x009, 0x076, 0x00b, 0x008, 0x00a, 0x00c, 0x007, 0x017, 0x01c],
  pack: [0x03e],
  integer: [0x010, 0x012, 0x019, 0x011, 0x016, 0x013, 0x036, 0x01a, 0x002, 0x003, 0x004],
  'product of integers': [0x024, 0x025, 0x026],
  exchange: [0x189],
  spill: [0x183, 0x187],
  branch: [0x147],
  exit: [0x14d, 0x150],
}
const kinds = new Map(
  Object.entries(table).flatMap(([kind, operations]) => operations.map((one) => [one, kind as Kind])),
)

export const kindOf = (operation: number): Kind => kinds.get(operation) ?? 'other'

/** Of these kinds: minimum and maximum of two and three, and products of two numbers. */
export const operations: Readonly<Record<'extremes' | 'multiplications', readonly number[]>> = {
  extremes: [0x009, 0x076],
  multiplications: [0x020],
}
