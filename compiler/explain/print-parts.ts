/** The parts of a plan as text: walks with their state, rounds, what is computed element by element and what is materialised. */
import { columns, equations, indented, type Line, listed, pageWidth, titled, wrap } from './layout.ts'
import type { Case, ExplainedPart, ExplainedPass, ExplainedWalk, Finish, Reason } from './parts.ts'
import { printDefinitions } from './print-definitions.ts'

const width = pageWidth - 2

export function printParts(parts: readonly ExplainedPart[]): readonly string[] {
  return parts.flatMap((part, n) => {
    const number = parts.length > 1 ? `${n + 1}. ` : ''
    return [...(n > 0 ? [''] : []), ...printPart(part, number, width)]
  })
}

function printPart(part: ExplainedPart, number: string, room: number): readonly string[] {
  switch (part.kind) {
    case 'stream':
      return printWalk(part, number, room)
    case 'vector':
      return [`${number}Element by element:`, ...indented(equations(part.results, room - 2), 2)]
    case 'rounds':
      return [
        `${number}Repeated ${part.count} times:`,
        ...part.parts.flatMap((inner, n) => indented(printPart(inner, `${number.trim()}${n + 1}. `, room - 2), 2)),
        ...indented(
          part.become.map(({ to, from }) => `${to} becomes ${from}`),
          2,
        ),
      ]
    case 'materialised':
      return [
        `${number}Materialised: each reduction is a kernel of its own, with its values in memory.`,
        ...indented(equations(part.results, room - 2), 2),
      ]
  }
}

function printWalk(walk: ExplainedWalk, number: string, room: number): readonly string[] {
  const { row, streams, passes, finish } = walk
  const times = passes.length === 1 ? 'in one pass' : `in ${passes.length} passes`
  const results = listed(finish.map(({ name }) => name))
  const stay =
    walk.kept.length === 0
      ? ''
      : walk.kept.length === finish.length
        ? ', kept for what follows'
        : ` (${listed(walk.kept)} kept for what follows)`
  const head = `${number}${results}${stay}: tiles of ${row} stay, tiles of ${streams.join(' and ')} pass by, ${times}.`
  const elements = printDefinitions(walk.elements, room - 2)
  return [
    ...wrap(head, room, 3),
    ...(elements.length > 0 ? ['', ...indented(elements, 2)] : []),
    ...passes.flatMap((pass, n) => ['', ...indented(printPass(pass, n, walk, room - 2), 2)]),
    '',
    ...indented(['At the end of a row:', ...finish.flatMap((f) => indented(printFinish(f, room - 4), 2))], 2),
  ]
}

function printPass(pass: ExplainedPass, n: number, { passes }: ExplainedWalk, room: number): readonly string[] {
  const which = passes.length > 1 ? `Pass ${n + 1} over ${pass.stream}` : `Over ${pass.stream}`
  const direction = pass.direction === 'down' ? ', from the last tile to the first' : ''
  const where = pass.where === null ? '' : `, where ${pass.where}`
  const rows = pass.state.map(({ name, axes, is, empty }) => [titled({ name, axes }), is, empty])
  return [
    ...wrap(`${which}${direction}${where}:`, room, 2),
    ...indented(columns([['state', 'is', 'empty'], ...rows], room - 2, 1), 2),
    "When a tile T comes (' marks what is after it):",
    ...indented(equations(pass.step, room - 2), 2),
    ...wrap(pass.split, room, 2),
    ...indented(equations(pass.merge, room - 2), 2),
  ]
}

function printFinish({ name, axes, where, cases, empty }: Finish, room: number): readonly string[] {
  const last = cases.at(-1)
  const isLast = cases.length > 1 && last?.formula === empty
  const lines = cases.map(
    (one, k): Line => ({
      name: k === 0 ? titled({ name, axes }) : '',
      formula: caseText(
        one,
        cases.length === 1 ? '' : isLast ? '   otherwise: the value of an empty row' : '   otherwise',
      ),
    }),
  )
  const isSame = cases.length === 1 && last?.formula === empty
  return [
    ...equations([...where.map((d) => ({ name: titled(d), formula: d.formula })), ...lines], room),
    ...(isLast || isSame ? [] : wrap(`${name} of an empty row: ${empty}`, room, 2)),
  ]
}
const caseText = ({ condition, formula }: Case, otherwise: string): string =>
  condition === null ? formula + otherwise : `${formula}   if ${condition}`

// Reasons

export function printReasons(parts: readonly ExplainedPart[]): readonly string[] {
  const all = parts.flatMap(reasonsOf)
  return all.flatMap((lines, n) => (n > 0 ? ['', ...lines] : lines))
}

function reasonsOf(part: ExplainedPart): readonly (readonly string[])[] {
  switch (part.kind) {
    case 'rounds':
      return part.parts.flatMap(reasonsOf)
    case 'vector':
      return part.needs.map(needText)
    case 'materialised':
      return [
        ...part.needs.map(needText),
        withPlaces(
          `${listed(part.reason.of)}: materialised (${part.reason.why}).${changeText(part.reason)}`,
          part.reason,
        ),
      ]
    case 'stream':
      return [
        ...part.needs.map(needText),
        ...part.passes.flatMap((pass) => pass.waits.map(waitText)),
        ...(part.refused ? [wrap(refusedText(part.refused), width, 2)] : []),
      ]
  }
}
const needText = (r: Reason): readonly string[] =>
  withPlaces(
    `${listed(r.of)} ${r.of.length === 1 ? 'is' : 'are'} computed before what reads ${r.of.length === 1 ? 'it' : 'them'}: ${r.why}.`,
    r,
  )
const waitText = (r: Reason): readonly string[] =>
  withPlaces(
    `${listed(r.of)} ${r.of.length === 1 ? 'needs' : 'need'} ${listed(r.on)} as the pass before leaves ${r.on.length === 1 ? 'it' : 'them'}: ${r.why}.`,
    r,
  )

function withPlaces(text: string, { places }: Reason): readonly string[] {
  const shown = places.flatMap(({ file, line, column, text: source }) => [
    `  --> ${file}:${line}:${column}`,
    ...indented(wrap(source, width - 6), 6),
  ])
  return [...wrap(text, width, 2), ...shown]
}

const changeText = ({ change }: Reason): string => (change === null ? '' : ` To stream it: ${change}.`)

type Refused = NonNullable<ExplainedWalk['refused']>
function refusedText({ own, other }: Refused): string {
  const passes = (n: number): string => (n === 1 ? 'one pass' : `${n} passes`)
  const sums = (n: number): string => (n === 1 ? 'one sum of values' : `${n} sums of values`)
  return `Also possible: ${passes(other.passes)} with ${sums(other.sums)}. That would cost ${other.total} multiply-adds for each pair, and this costs ${own.total} for ${passes(own.passes)} with ${sums(own.sums)}.`
}
