/** Counts the bytes of arrays and array buffers that a call makes, whether or not they are freed on the way. */
export function bytesMade(call: () => void): number {
  const kept = names.map((name) => [name, globalThis[name]] as const)
  let bytes = 0
  const count = (more: number): void => {
    bytes += more
  }
  const { slice } = Array.prototype
  try {
    for (const [name, type] of kept) Object.assign(globalThis, { [name]: counted(type, count) })
    Array.prototype.slice = function (...range): unknown[] {
      const made = slice.apply(this, range)
      count(word * made.length)
      return made
    }
    call()
  } finally {
    for (const [name, type] of kept) Object.assign(globalThis, { [name]: type })
    Array.prototype.slice = slice
  }
  return bytes
}

const word = 8 // bytes of an element of a plain array
const names = [
  'Array',
  'ArrayBuffer',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'Int16Array',
  'Int32Array',
  'Int8Array',
  'SharedArrayBuffer',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
  'Uint8ClampedArray',
] as const

/** A view of a buffer that is there already makes nothing. */
function counted(type: (typeof globalThis)[(typeof names)[number]], count: (bytes: number) => void): object {
  return new Proxy(type, {
    construct(target, given, self) {
      const made: { readonly byteLength: number } | readonly unknown[] = Reflect.construct(target, given, self)
      const view = given[0] instanceof ArrayBuffer || given[0] instanceof SharedArrayBuffer
      count(view ? 0 : 'byteLength' in made ? made.byteLength : word * made.length)
      return made
    },
  })
}
