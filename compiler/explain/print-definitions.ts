/** Definitions as equations below each other, the rounds of a `repeat` as a block. */
import type { Definition } from './define.ts'
import { equations, indented, type Line, titled, wrap } from './layout.ts'

export function printDefinitions(all: readonly Definition[], room: number): readonly string[] {
  const lines: string[] = []
  let block: Line[] = []
  const flush = (): void => {
    lines.push(...equations(block, room))
    block = []
  }
  for (const d of all) {
    if (!d.rounds) block.push({ name: titled(d), formula: d.formula })
    else {
      flush()
      const from = d.rounds.from.map(({ name, formula }) => `${name} = ${formula}`).join(', ')
      lines.push(...wrap(`${d.name}: ${d.formula}, from ${from}:`, room, 2))
      lines.push(...indented(printDefinitions(d.rounds.lines, room - 2), 2))
    }
  }
  flush()
  return lines
}
