/** The instructions of WebAssembly that kernels use, by their names in the text format, with their opcodes (core specification 3.0, 5.4). */

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128'

const simple = {
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_s': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.le_s': 0x4c,
  'i32.ge_s': 0x4e,
  'f32.eq': 0x5b,
  'f32.ne': 0x5c,
  'f32.lt': 0x5d,
  'f32.gt': 0x5e,
  'f32.le': 0x5f,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.div_s': 0x6d,
  'i32.rem_s': 0x6f,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_s': 0x75,
  'i32.shr_u': 0x76,
  'f32.abs': 0x8b,
  'f32.neg': 0x8c,
  'f32.ceil': 0x8d,
  'f32.floor': 0x8e,
  'f32.nearest': 0x90,
  'f32.sqrt': 0x91,
  'f32.add': 0x92,
  'f32.sub': 0x93,
  'f32.mul': 0x94,
  'f32.div': 0x95,
  'f32.min': 0x96,
  'f32.max': 0x97,
  'f32.convert_i32_s': 0xb2,
  'f32.demote_f64': 0xb6,
  'f64.promote_f32': 0xbb,
  select: 0x1b,
} as const

const saturating = { 'i32.trunc_sat_f32_s': 0 } as const

/** After the prefix 0xfd. */
const vector = {
  'i32x4.splat': 0x11,
  'f32x4.splat': 0x13,
  'i32x4.eq': 0x37,
  'i32x4.ne': 0x38,
  'i32x4.lt_s': 0x39,
  'i32x4.gt_s': 0x3b,
  'i32x4.le_s': 0x3d,
  'i32x4.ge_s': 0x3f,
  'f32x4.eq': 0x41,
  'f32x4.ne': 0x42,
  'f32x4.lt': 0x43,
  'f32x4.gt': 0x44,
  'f32x4.le': 0x45,
  'v128.not': 0x4d,
  'v128.and': 0x4e,
  'v128.andnot': 0x4f,
  'v128.or': 0x50,
  'v128.xor': 0x51,
  'v128.bitselect': 0x52,
  'v128.any_true': 0x53,
  'f32x4.ceil': 0x67,
  'f32x4.floor': 0x68,
  'f32x4.nearest': 0x6a,
  'i32x4.abs': 0xa0,
  'i32x4.neg': 0xa1,
  'i32x4.all_true': 0xa3,
  'i32x4.shl': 0xab,
  'i32x4.shr_s': 0xac,
  'i32x4.shr_u': 0xad,
  'i32x4.add': 0xae,
  'i32x4.sub': 0xb1,
  'i32x4.mul': 0xb5,
  'i32x4.min_s': 0xb6,
  'i32x4.max_s': 0xb8,
  'f32x4.abs': 0xe0,
  'f32x4.neg': 0xe1,
  'f32x4.sqrt': 0xe3,
  'f32x4.add': 0xe4,
  'f32x4.sub': 0xe5,
  'f32x4.mul': 0xe6,
  'f32x4.div': 0xe7,
  'f32x4.min': 0xe8,
  'f32x4.max': 0xe9,
  'f32x4.pmin': 0xea,
  'f32x4.pmax': 0xeb,
  'i32x4.trunc_sat_f32x4_s': 0xf8,
  'f32x4.convert_i32x4_s': 0xfa,
} as const

/**
 * a b + c, of a, b and c: rounded once where an engine fuses the two, which is its own choice and always the same. A module has it as
 * a multiplication and an addition, in as many bytes, for engines that do not know it.
 */
const fusable = { 'f32x4.relaxed_madd': 0x105 } as const
const nop = 0x01

/** These name one lane. */
const lanes = {
  'i32x4.extract_lane': 0x1b,
  'i32x4.replace_lane': 0x1c,
  'f32x4.extract_lane': 0x1f,
  'f32x4.replace_lane': 0x20,
} as const

/** These name an alignment (as a power of two), and an offset that is added to the address. */
const memory = {
  'i32.load': [[0x28], 2],
  'f32.load': [[0x2a], 2],
  'i32.load8_u': [[0x2d], 0],
  'i32.load16_u': [[0x2f], 1],
  'i32.store': [[0x36], 2],
  'f32.store': [[0x38], 2],
  'i32.store8': [[0x3a], 0],
  'i32.store16': [[0x3b], 1],
  'v128.load': [[0xfd, 0x00], 2],
  'v128.load32_splat': [[0xfd, 0x09], 2],
  'v128.load32_zero': [[0xfd, 0x5c], 2],
  'v128.store': [[0xfd, 0x0b], 2],
} as const

/** Atomic: after the prefix 0xfe, an alignment and an offset. */
const atomic = { 'i32.atomic.rmw.add': [[0xfe, 0x1e], 2] } as const

/** An alignment, an offset and a lane. */
const memoryLanes = {
  'v128.load32_lane': [[0xfd, 0x56], 2],
  'v128.store8_lane': [[0xfd, 0x58], 0],
  'v128.store16_lane': [[0xfd, 0x59], 1],
  'v128.store32_lane': [[0xfd, 0x5a], 2],
} as const

const special = ['local.get', 'local.set', 'i32.const', 'f32.const', 'v128.const', 'call'] as const

export type Instruction =
  | keyof typeof simple
  | keyof typeof saturating
  | keyof typeof vector
  | keyof typeof fusable
  | keyof typeof lanes
  | keyof typeof memory
  | keyof typeof atomic
  | keyof typeof memoryLanes
  | (typeof special)[number]

export const instructionNames: readonly Instruction[] = [
  simple,
  saturating,
  vector,
  fusable,
  lanes,
  memory,
  atomic,
  memoryLanes,
]
  .flatMap((table) => Object.keys(table) as Instruction[])
  .concat(special)

/** An unsigned integer in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

/** A signed integer of 32 bits in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value | 0; ; rest >>= 7) {
    const low = rest & 0x7f
    if (rest >> 6 === 0 || rest >> 6 === -1) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

const bytesOfFloat = (x: number): number[] => {
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, x, true)
  return Array.from({ length: 4 }, (_, n) => view.getUint8(n))
}

const find = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

/** An instruction without its operands. `immediates` are the numbers that stand in it, as the text format has them. */
export function encodeInstruction(name: Instruction, immediates: readonly number[]): readonly number[] {
  const [first = 0, second = 0] = immediates
  const own = find<number>(simple, name)
  if (own !== undefined) return [own]
  const wide = find<number>({ ...vector, ...fusable }, name)
  if (wide !== undefined) return [0xfd, ...unsigned(wide)]
  const lane = find<number>(lanes, name)
  if (lane !== undefined) return [0xfd, lane, first]
  const cut = find<number>(saturating, name)
  if (cut !== undefined) return [0xfc, cut]
  const access = find<readonly [readonly number[], number]>({ ...memory, ...atomic }, name)
  if (access) return [...access[0], access[1], ...unsigned(first)]
  const accessLane = find<readonly [readonly number[], number]>(memoryLanes, name)
  if (accessLane) return [...accessLane[0], accessLane[1], ...unsigned(first), second]
  switch (name) {
    case 'local.get':
      return [0x20, ...unsigned(first)]
    case 'local.set':
      return [0x21, ...unsigned(first)]
    case 'i32.const':
      return [0x41, ...signed(first)]
    case 'f32.const':
      return [0x43, ...bytesOfFloat(first)]
    case 'v128.const':
      return [0xfd, 0x0c, ...immediates.flatMap((word) => [0, 8, 16, 24].map((bit) => (word >>> bit) & 0xff))]
    case 'call':
      return [0x10, ...unsigned(first)]
    default:
      throw new Error(`no opcode for ${name}`)
  }
}

/** What stands between the operands of an instruction: of one that is fused, or that is not, a multiplication before the last. */
export const encodeBetween = (isFused: boolean): readonly number[] =>
  isFused ? [nop, nop, nop] : encodeInstruction('f32x4.mul', [])

export const isFusable = (name: Instruction): boolean => Object.hasOwn(fusable, name)

/** The type of what an instruction leaves; undefined: it leaves nothing. Of `local.get`, `select` and `call` it is said otherwise. */
export function resultOf(name: Instruction): ValueType | undefined {
  if (/store|\.set$/.test(name)) return undefined
  if (/^i32\.|any_true|all_true|i32x4\.extract|^f32\.(eq|ne|lt|gt|le)$/.test(name)) return 'i32'
  if (/^f64\./.test(name)) return 'f64'
  return /^f32\.|f32x4\.extract/.test(name) ? 'f32' : 'v128'
}
