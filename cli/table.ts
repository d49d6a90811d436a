import { displayWidth } from '../grammar/display.ts'

/** Rows as aligned columns, two blanks between them; numbers (any cell of a column so marked) to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [n, cell] of row.entries()) widths[n] = Math.max(widths[n] ?? 0, displayWidth(cell))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, n) => {
        const blanks = ' '.repeat((widths[n] ?? 0) - displayWidth(cell))
        return right.includes(n) ? `${blanks}${cell}` : `${cell}${blanks}`
      })
      .join('  ')
      .trimEnd()
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** Four digits, in as few characters as say them. */
export function shortNumber(x: number): string {
  if (!Number.isFinite(x)) return x === Infinity ? 'inf' : x === -Infinity ? '-inf' : 'nan'
  if (x === 0) return '0'
  const size = Math.abs(x)
  return size >= 1e5 || size < 1e-3 ? x.toExponential(2) : String(Number(x.toPrecision(4)))
}

export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
