/** How many registers a thread takes, from a kernel's text: what lives at a time, and what addresses and operands need beside it. */

import { declaration, statementsOf, tileLoop } from './statements.ts'

/** For addresses, counts and the operands of products under way. */
const others = 45
/** For what ptxas has under way where an element takes two functions or a long one, or what depends on its place. */
const functions = 20
const short = /ptx::(exp2|reciprocal|tanh)/g
const long =
  / \/ (?!2\])|num::(exp|exp2|expm1|log|log2|log1p|tanh|sin|cos|erf|atan2|realPower|integerPower|sigmoid|softplus|logAddExp|floorModulo|random)\(/
const places = 24
/** For what each further loop has to find again. */
const loop = 16

interface Lived {
  readonly registers: number
  first: number // statement that writes it
  last: number // that reads it
}

/** @param lines  statements of the block; those of its loops are indented */
export function registersOf(lines: readonly string[]): { readonly registers: number; readonly accumulators: number } {
  const lives = new Map<string, Lived & { readonly declared: number }>()
  const loops: { readonly first: number; last: number }[] = []
  const statements = statementsOf(lines).map(({ text }) => text)
  statements.forEach((statement, n) => {
    if (tileLoop.test(statement)) loops.push({ first: n, last: n })
    if (/^}/.test(statement) && loops.length > 0 && loops.at(-1)!.last === loops.at(-1)!.first) loops.at(-1)!.last = n
    const found = declaration.exec(statement)
    if (found) {
      const [, kind, m, width, name, isSet] = found
      const registers = sizeOf(kind!, Number(m), Number(width ?? 0))
      lives.set(name!, { registers, declared: n, first: isSet ? n : Infinity, last: n })
      return
    }
    for (const word of statement.match(/\w+/g) ?? []) {
      const one = lives.get(word)
      if (!one) continue
      one.first = Math.min(one.first, n)
      one.last = n
    }
  })
  // What a loop finds when it begins is there until it ends.
  for (const one of lives.values())
    for (const loop of loops)
      if (one.declared < loop.first && one.last >= loop.first) one.last = Math.max(one.last, loop.last)
  const most = statements.reduce((largest, _, n) => {
    const now = [...lives.values()].filter(({ first, last }) => first < n && last >= n)
    return Math.max(
      largest,
      now.reduce((sum, { registers }) => sum + registers, 0),
    )
  }, 0)
  const ofElements = statements.filter((statement) => /^\s*(if.*\n\s*)?tiles::eachElement/.test(statement))
  const busy = ofElements.some((statement) => long.test(statement) || (statement.match(short) ?? []).length > 1)
  const placed = ofElements.some((statement) => statement.includes('const int32_t'))
  const further = Math.max(0, loops.length - 1) * loop
  return { registers: most + others + (busy ? functions : 0) + (placed ? places : 0) + further, accumulators: most }
}

function sizeOf(kind: string, groups: number, width: number): number {
  if (kind === 'Rows') return groups * 2
  return kind === 'Bits' ? groups * Math.ceil(width / 8) : groups * width * 4
}
