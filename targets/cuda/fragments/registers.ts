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
/** For maxima and minima that keep NaN. */
const extremes = 20
/** For numbers of the block that are read from memory, as where it searches tables of tiles. */
const searched = 40
/** For f32, whose operands are taken apart. */
const parts = 40
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
  const ofElements = statements.filter(
    (statement, n) =>
      loops.some(({ first, last }) => first < n && n < last) && /^\s*(if.*\n\s*)?tiles::eachElement/.test(statement),
  )
  const busy = ofElements.some((statement) => long.test(statement) || (statement.match(short) ?? []).length > 1)
  const keeps = ofElements.some((statement) => /num::(largest|smallest)\((\w+\.at|tile)/.test(statement)) ? extremes : 0
  const placed = ofElements.some((statement) => statement.includes('const int32_t'))
  const split = statements.some((statement) => /tiles::multiply<tiles::(Single|Rough)/.test(statement)) ? parts : 0
  const further = Math.max(0, loops.length - 1) * loop
  const search = statements.some((statement) => statement.includes('tiles::eachOfWarp')) ? searched : 0
  const beside = others + search + (busy ? functions : 0) + (placed ? places : 0) + keeps + split + further
  return { registers: most + beside, accumulators: most }
}

function sizeOf(kind: string, groups: number, width: number): number {
  if (kind === 'Rows') return groups * 2
  return kind === 'Bits' ? groups * Math.ceil(width / 8) : groups * width * 4
}
