/** What an instruction means for a lane: its operands' types, and its text. Operands are called d, a, b, c and e. */

export interface Spec {
  readonly types: readonly string[] // of d, a, b, ...
  readonly body: string
}

export const letters = ['d', 'a', 'b', 'c', 'e', 'f'] as const

/** An opcode in its parts: `mul.wide.s32` is `mul`, with the modifier `wide`, of the type `s32`. */
export interface Opcode {
  readonly text: string
  readonly name: string
  readonly parts: readonly string[] // all after the name
  readonly type: string // the last one
  has(part: string): boolean
}

export function opcodeOf(text: string): Opcode {
  const [name = '', ...parts] = text.split('.')
  return { text, name, parts, type: parts.at(-1) ?? '', has: (part) => parts.includes(part) }
}

/** Instructions that work lane by lane: undefined for those a table does not know. */
export type Table = Readonly<Record<string, (opcode: Opcode) => Spec | undefined>>
