/** How a lane reads and writes a register of a type: `d` is a name of a register in the text of an instruction. */

const width = (type: string): number =>
  type === 'pred' ? 1 : Number(/\d+/.exec(type)?.[0]) * (type.endsWith('x2') ? 2 : 1)
export const isWide = (type: string): boolean => width(type) === 64
export const isFloat = (type: string): boolean => /^(f|bf|tf)/.test(type)
/** Words of a register: 16 bits take a word, without a sign. */
export const wordsOf = (type: string): number => (type === 'pred' ? 1 : isWide(type) ? 64 : 32)

/** The value of a register as a number; of 64 bits, that is of `f64`, as a number, too. */
export function read(name: string, type: string): string {
  switch (type) {
    case 'f32':
      return `F[${name} + l]`
    case 'f64':
      return `D[(${name} >> 1) + l]`
    case 'u32':
      return `U[${name} + l]`
    case 's32':
    case 'b32':
    case 'f16x2':
    case 'bf16x2':
    case 'tf32':
    case 'b16':
    case 'u16':
      return `I[${name} + l]`
    case 's16':
      return `(I[${name} + l] << 16 >> 16)`
    case 'b8':
    case 'u8':
      return `(I[${name} + l] & 255)`
    case 's8':
      return `(I[${name} + l] << 24 >> 24)`
    case 'f16':
      return `halves[I[${name} + l]]`
    case 'bf16':
      return `fromBrain(I[${name} + l])`
    case 'pred':
      return `(${name}Bits >>> l & 1)`
    default:
      throw new Error(`the interpreter reads no ${type}`)
  }
}

/** A statement that writes a number, whole numbers modulo the width. */
export function write(name: string, type: string, value: string): string {
  switch (type) {
    case 'f32':
      return `F[${name} + l] = ${value};`
    case 'f64':
      return `D[(${name} >> 1) + l] = ${value};`
    case 'f16':
      return `I[${name} + l] = toHalf(${value});`
    case 'bf16':
      return `I[${name} + l] = toBrain(${value});`
    case 'b16':
    case 'u16':
    case 's16':
    case 'b8':
    case 'u8':
    case 's8':
      return `I[${name} + l] = (${value}) & 65535;`
    case 'pred':
      return `${name}Bits = (${value}) ? ${name}Bits | 1 << l : ${name}Bits & ~(1 << l);`
    default:
      return `I[${name} + l] = ${value};`
  }
}

/** Of 64 bits: the words of a register, as `x0` and `x1`, and back. */
export const readWide = (name: string): string =>
  `const ${name}0 = U[${name} + 2 * l], ${name}1 = I[${name} + 2 * l + 1];`
export const writeWide = (name: string, low: string, high: string): string =>
  `U[${name} + 2 * l] = ${low}; I[${name} + 2 * l + 1] = ${high};`

/** Predicates are read and written as a word, before and after the lanes. */
export const openPredicate = (name: string, negated = false): string =>
  `let ${name}Bits = ${negated ? '~' : ''}I[${name}];`
export const closePredicate = (name: string): string => `I[${name}] = ${name}Bits;`
