/** A place where the bits of a number can be seen. */
export interface Word {
  readonly float: Float32Array
  readonly bits: Uint32Array
}

export function makeWord(): Word {
  const float = new Float32Array(1)
  return { float, bits: new Uint32Array(float.buffer) }
}

/** The number that these sixteen bits stand for. */
export function fromBf16(bits: number, word: Word): number {
  word.bits[0] = bits << 16
  return word.float[0]!
}

/** The bits of the nearest bf16, of two equally near ones the even: rounded once, though f32 lies between. */
export function toBf16(x: number, word: Word): number {
  word.float[0] = x
  const near = word.float[0]!
  const bits = word.bits[0]!
  if (Number.isNaN(near)) return (bits >>> 16) | 0x40
  const low = bits & 0xffff
  let up = low > 0x8000 || (low === 0x8000 && (bits & 0x10000) !== 0)
  if (low === 0x8000 && x !== near) up = Math.abs(x) > Math.abs(near)
  return (bits >>> 16) + (up ? 1 : 0)
}
