/** What `verify` found, as a table, with the worst place of every case that is not right below it. */
import type { Status } from '../compiler/verdict.ts'
import { type Finding, showSizes, type Verification } from '../runtime/verify/verify.ts'
import { oneLine } from './one-line.ts'
import { count, shortNumber, table } from './table.ts'

/** One attention on one target. */
export interface Row {
  readonly source: string
  readonly attention: string
  readonly target: string
  readonly verdict: Status | 'skipped'
  readonly reason: string
  readonly report: Verification | null
}

const heads = ['attention', 'target', 'shapes', 'cases', 'worst error', 'hard', '6 expected', 'where', 'verdict']

export function renderRows(rows: readonly Row[], withSource: boolean): string {
  const lead = (source: string): readonly string[] => (withSource ? [oneLine(source)] : [])
  const cells = rows.map((row) => [...lead(row.source), ...cellsOf(row)])
  const shift = withSource ? 1 : 0
  const out = table(
    [[...lead('source'), ...heads], ...cells],
    [2, 3, 4, 5, 6].map((column) => column + shift),
  )
  const failures = rows.flatMap((row) => failuresOf(row))
  return failures.length > 0 ? `${out}\n${failures.join('\n')}\n` : out
}

function cellsOf({ attention, target, verdict, reason, report }: Row): readonly string[] {
  if (!report) return [attention, target, '', '', '', '', '', '', `${verdict} (${reason})`]
  const { shapes, cases, worst, elements, notVerified } = report
  const numbers = worst
    ? [worst.deviation.error, worst.deviation.hard, 6 * worst.deviation.expected].map(shortNumber)
    : ['', '', '']
  const where = worst ? `${placeOf(worst)}, ${worst.at.probe}` : ''
  const unverified =
    notVerified > 0 && verdict !== 'not verified' ? [`${percent(notVerified / elements)} not verified`] : []
  const remarks = [...unverified, ...(reason === '' ? [] : [reason])]
  return [
    attention,
    target,
    `${shapes}`,
    `${cases}`,
    ...numbers,
    where,
    remarks.length > 0 ? `${verdict} (${remarks.join('; ')})` : verdict,
  ]
}

const percent = (share: number): string => (share < 0.001 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`)
const placeOf = ({ deviation }: Finding): string =>
  `${deviation.result}[${Object.entries(deviation.place)
    .map(([axis, n]) => `${axis}=${n}`)
    .join(' ')}]`
const mostShown = 5

function failuresOf({ source, target, attention, report }: Row): readonly string[] {
  if (!report || report.failures.length === 0) return []
  const lines = report.failures.slice(0, mostShown).map((failure) => {
    const { got, want, hard, expected, error } = failure.deviation
    const kind = error <= hard ? 'more than rounding' : 'wrong'
    const { shape, probe, schedule } = failure.at
    const parts = schedule.splits > 1 ? `, ${schedule.splits} parts merged` : ''
    const values = `${got}, should be ${want} (hard ${shortNumber(hard)}, 6 expected ${shortNumber(6 * expected)})`
    return `${kind}: ${attention} on ${target}: ${placeOf(failure)} is ${values}\n  ${probe}, ${shape.dtype}${parts}, ${showSizes(shape.sizes)}\n  ${again(source, target, failure)}`
  })
  const more = report.failures.length - lines.length
  return more > 0 ? [...lines, `and ${count(more, 'more case')} of ${attention} on ${target}`] : lines
}

const list = (lengths: Readonly<Record<string, number>>): string =>
  Object.entries(lengths)
    .map(([axis, length]) => `${axis}=${length}`)
    .join(',')

function again(source: string, target: string, { at }: Finding): string {
  const { shape } = at
  const tile = at.schedule.tile ? ` --tile ${list(at.schedule.tile)}` : ''
  return `again: attnc verify ${oneLine(source)} --target ${target} --dtype ${shape.dtype} --shape ${list(shape.sizes)}${tile}`
}
