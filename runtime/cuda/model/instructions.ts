/** What ptxas has made of a kernel: a cubin is an ELF file whose sections `.text.NAME` hold instructions of 16 bytes. */

/** An instruction: its operation, by the low 9 bits of its word, and where it may go on. */
export interface Instruction {
  readonly address: number
  readonly operation: number
  readonly target: number | undefined // of a branch
  readonly conditional: boolean
}

/** The kernels of a cubin by their mangled names. */
export function kernelsOf(cubin: Uint8Array): ReadonlyMap<string, readonly Instruction[]> {
  const view = new DataView(cubin.buffer, cubin.byteOffset, cubin.byteLength)
  const [table, size, count, namesAt] = [
    Number(view.getBigUint64(0x28, true)),
    view.getUint16(0x3a, true),
    view.getUint16(0x3c, true),
    view.getUint16(0x3e, true),
  ]
  const sections = Array.from({ length: count }, (_, n) => {
    const at = table + n * size
    const [offset, length] = [Number(view.getBigUint64(at + 24, true)), Number(view.getBigUint64(at + 32, true))]
    return { name: view.getUint32(at, true), offset, length }
  })
  const names = sections[namesAt]!.offset
  const text = (at: number): string => {
    const end = cubin.indexOf(0, names + at)
    return new TextDecoder().decode(cubin.subarray(names + at, end))
  }
  // the architecture stands in bits 8 to 15 of the flags
  const architecture = (view.getUint32(0x30, true) >> 8) & 0xff
  const code = sections.map(({ name, ...place }) => ({ ...place, name: text(name) }))
  return new Map(
    code
      .filter(({ name }) => name.startsWith('.text.'))
      .map(({ name, offset, length }) => [
        name.slice('.text.'.length),
        decode(new DataView(cubin.buffer, cubin.byteOffset + offset, length), architecture),
      ]),
  )
}

const branch = 0x147
const noOperation = 0x118

function decode(view: DataView, architecture: number): readonly Instruction[] {
  const all = Array.from({ length: Math.floor(view.byteLength / 16) }, (_, n): Instruction => {
    const low = view.getBigUint64(n * 16, true)
    const word = low | (view.getBigUint64(n * 16 + 8, true) << 64n)
    const operation = Number(low & 0x1ffn)
    const address = n * 16
    const isGuarded = Number((low >> 12n) & 15n) !== 7
    if (operation !== branch) return { address, operation, target: undefined, conditional: isGuarded }
    // by a predicate of the warp: in a field of its own, or from sm_100 on by the form of the instruction
    const isUniformlyGuarded = Number((word >> 87n) & 7n) !== 7 || Number(low & 0xfffn) === 0x547
    return {
      address,
      operation,
      target: address + 16 + distance(word, architecture),
      conditional: isGuarded || isUniformlyGuarded,
    }
  })
  const last = all.findLastIndex(({ operation }) => operation !== noOperation)
  return all.slice(0, last + 1)
}

/** Where a branch goes, from the instruction behind it: a number of 48 bits, and from sm_90 on 8 bits more. */
function distance(word: bigint, architecture: number): number {
  const high = BigInt.asIntN(48, word >> 34n)
  return Number(architecture >= 90 ? (high << 8n) | ((word >> 16n) & 0xffn) : high) * 4
}
