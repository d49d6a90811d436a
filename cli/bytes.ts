/** Amounts of memory as people write them. */
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'

const units = ['', 'K', 'M', 'G', 'T']

/** `100M`, `1G`, `0`: units of 1024. */
export function parseBytes(option: string, text: string): Outcome<number> {
  const [, digits = '', unit = ''] = /^(\d{1,12})([KMGT]?)(?:i?B)?$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** units.indexOf(unit.toUpperCase())
  if (digits !== '' && Number.isSafeInteger(bytes)) return done(bytes)
  return failed(problem('ATTN0302', `${option} takes a size, not '${text}'`, `${option} 100M`))
}

export function showBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const amount = bytes / 1024 ** power
  return power === 0 ? `${bytes} B` : `${amount.toFixed(amount < 10 ? 1 : 0)} ${units[power]}iB`
}
