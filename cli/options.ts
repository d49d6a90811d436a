/** The values of options: texts to what they mean, or a problem that says what would be right. */
import { didYouMean } from '../grammar/suggest.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { recordOf } from '../runtime/tensor.ts'
import { mostThreads } from '../runtime/threads.ts'

const quote = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

/** One of a few words. */
export function parseChoice<T extends string>(option: string, value: string, choices: readonly T[]): Outcome<T> {
  const found = choices.find((choice) => choice === value)
  if (found !== undefined) return done(found)
  const hint = didYouMean(value, choices).hint ?? `one of ${quote(choices)}`
  return failed(problem(option === '--target' ? 'ATTN0301' : 'ATTN0302', `${option} knows no '${value}'`, hint))
}

export function parseInteger(option: string, value: string, lo: number, hi: number): Outcome<number> {
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (number >= lo && number <= hi) return done(number)
  return failed(problem('ATTN0302', `${option} takes an integer from ${lo} to ${hi}, not '${value}'`))
}

/** Of a switch of this name, which `build` has, nothing is a number. */
export const parseThreads = (value: string | true | undefined): Outcome<number | undefined> =>
  typeof value === 'string' ? parseInteger('--threads', value, 1, mostThreads) : done(undefined)

/** `5%` as 0.05. */
export function parsePercent(option: string, value: string): Outcome<number> {
  const [, digits] = /^(\d{1,4}(?:\.\d{1,3})?)%$/.exec(value) ?? []
  if (digits !== undefined) return done(Number(digits) / 100)
  return failed(problem('ATTN0302', `${option} takes a percentage, not '${value}'`, `${option} 5%`))
}

/** ms of `90s`, `10m`, `2h`; a number alone is in seconds. */
export function parseDuration(option: string, value: string): Outcome<number> {
  const [, digits = '', unit = 's'] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(value) ?? []
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]
  if (digits !== '' && factor !== undefined) return done(Number(digits) * factor)
  return failed(problem('ATTN0302', `${option} takes a time, not '${value}'`, `${option} 10m; s, m or h`))
}

const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(text)

/** `d=64,e=64`, several times if need be: axes with their lengths. */
export function parseLengths(
  option: string,
  values: readonly string[],
  { least = 0, most = 2 ** 31 - 1 }: { readonly least?: number; readonly most?: number } = {},
): Outcome<Readonly<Record<string, number>>> {
  const lengths = new Map<string, number>()
  for (const part of values.flatMap((value) => value.split(','))) {
    const [, name = '', digits = ''] = /^\s*([^=\s]*)\s*=\s*(\d{1,10})\s*$/.exec(part) ?? []
    const length = Number(digits)
    if (!isName(name) || digits === '' || length < least || length > most) {
      const text = `${option} takes axes with lengths of ${least} to ${most}, not '${part}'`
      return failed(problem('ATTN0302', text, `${option} ${option === '--size' ? 'd=64,e=64' : 'i=64,j=64'}`))
    }
    if ((lengths.get(name) ?? length) !== length) {
      return failed(problem('ATTN0302', `${option} gives '${name}' twice: ${lengths.get(name)} and ${length}`))
    }
    lengths.set(name, length)
  }
  return done(recordOf(lengths))
}

/** `name=value`, each name once; the value is all that follows. */
export function parseAssignments(option: string, values: readonly string[]): Outcome<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const value of values) {
    const at = value.indexOf('=')
    const name = value.slice(0, Math.max(at, 0))
    if (at < 1 || at === value.length - 1 || !isName(name)) {
      const example = option === '--param' ? 'scale=0.125' : 'q=q.npy'
      return failed(problem('ATTN0302', `${option} takes name=value, not '${value}'`, `${option} ${example}`))
    }
    if (found.has(name)) return failed(problem('ATTN0302', `${option} gives '${name}' twice`))
    found.set(name, value.slice(at + 1))
  }
  return done(found)
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** The text of a `--param` as a value of its type; undefined: it is none. */
export function parseScalar(text: string, type: 'bool' | 'i32' | 'f32'): number | boolean | undefined {
  if (type === 'bool') return text === 'true' ? true : text === 'false' ? false : undefined
  if (type === 'i32')
    return /^[+-]?\d{1,10}$/.test(text) && (Number(text) | 0) === Number(text) ? Number(text) : undefined
  if (/^[+-]?inf$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  return decimal.test(text) && Number.isFinite(Math.fround(Number(text))) ? Number(text) : undefined
}

/** The first failure among outcomes, or their values. */
export function all<T extends readonly unknown[]>(...outcomes: { readonly [K in keyof T]: Outcome<T[K]> }): Outcome<T> {
  const findings = outcomes.flatMap((outcome) => (outcome.ok ? [] : outcome.findings))
  if (findings.length > 0) return failed(...findings)
  return done(outcomes.map((outcome) => (outcome.ok ? outcome.value : undefined)) as unknown as T)
}
