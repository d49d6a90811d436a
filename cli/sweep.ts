import { done, failed, type Outcome, problem } from '../runtime/problem.ts'

/** An axis that takes several lengths, one after the other. */
export interface Sweep {
  readonly axis: string
  readonly lengths: readonly number[]
}

const most = 2 ** 24

/** `j=256..65536`, doubling; or `j=100:200:300`. */
export function parseSweep(text: string): Outcome<Sweep> {
  const [, axis = '', rest = ''] = /^([A-Za-z_]\w{0,63})=([\d.:]+)$/.exec(text) ?? []
  const [, from, to] = /^(\d{1,9})\.\.(\d{1,9})$/.exec(rest) ?? []
  const lengths = from === undefined ? rest.split(':').map(Number) : doublings(Number(from), Number(to))
  const isGood = lengths.length > 0 && lengths.every((n) => Number.isInteger(n) && n >= 1 && n <= most)
  if (axis !== '' && rest !== '' && isGood) return done({ axis, lengths })
  return failed(
    problem(
      'ATTN0302',
      `--sweep takes an axis with lengths, not '${text}'`,
      '--sweep j=256..65536, or --sweep j=100:200:300',
    ),
  )
}

/** The end is one of them, also where it is no doubling of the beginning. */
function doublings(from: number, to: number): readonly number[] {
  if (from < 1 || to < from) return []
  const lengths: number[] = []
  for (let n = from; n < to; n *= 2) lengths.push(n)
  return [...lengths, to]
}
