/** Text of at most a hundred columns: formulas that go on in the next line, tables whose columns line up. */
import { displayWidth } from '../../grammar/display.ts'

export const pageWidth = 100

/** Breaks at blanks; lines after the first are indented by `indent`. Blanks at the start stay. */
export function wrap(text: string, width: number, indent = 0): readonly string[] {
  const [start = ''] = /^ */.exec(text) ?? []
  const lines: string[] = []
  let line = ''
  let margin = start
  for (const word of text
    .slice(start.length)
    .split(' ')
    .flatMap((w) => chopped(w, width - indent))) {
    const longer = line === '' ? margin + word : `${line} ${word}`
    if (line === '' || displayWidth(longer) <= width) line = longer
    else {
      lines.push(line)
      margin = ' '.repeat(indent)
      line = margin + word
    }
  }
  return [...lines, line]
}

/** A word that no line holds is cut. */
const chopped = (word: string, width: number): readonly string[] =>
  displayWidth(word) <= width ? [word] : [word.slice(0, width), ...chopped(word.slice(width), width)]

export const indented = (lines: readonly string[], by: number): readonly string[] =>
  lines.map((line) => (line === '' ? '' : ' '.repeat(by) + line))

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)))
const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth))

export interface Line {
  readonly name: string
  readonly formula: string
}

/** `name = formula`, with the signs below each other; what is too long goes on behind its sign. */
export function equations(lines: readonly Line[], width: number, sign = '='): readonly string[] {
  const left = Math.min(widest(lines.map(({ name }) => name)), 28)
  return lines.flatMap(({ name, formula }) => {
    const head = `${padded(name, left)} ${sign} `
    return wrap(head + formula, width, left + sign.length + 4)
  })
}

/** Columns two blanks apart; the last but one may be broken, so that the table fits. */
export function columns(rows: readonly (readonly string[])[], width: number, flexible: number): readonly string[] {
  const widths = (rows[0] ?? []).map((_, n) => widest(rows.map((row) => row[n] ?? '')))
  const others = widths.reduce((sum, w, n) => sum + (n === flexible ? 0 : w + 2), 0)
  const room = Math.max(20, Math.min(widths[flexible] ?? 0, width - others))
  return rows.flatMap((row) => {
    const broken = wrap(row[flexible] ?? '', room, 2)
    return broken.map((piece, k) =>
      row
        .map((cell, n) =>
          padded(n === flexible ? piece : k === 0 ? cell : '', n === flexible ? room : (widths[n] ?? 0)),
        )
        .join('  ')
        .trimEnd(),
    )
  })
}

/** `a`, `a and b`, `a, b and c`. */
export const listed = (all: readonly string[]): string =>
  all.length < 2 ? (all[0] ?? '') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`

/** `acc[e]`. */
export const titled = ({ name, axes }: { readonly name: string; readonly axes: readonly string[] }): string =>
  axes.length === 0 ? name : `${name}[${axes.join(',')}]`
