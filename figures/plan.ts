/** How an attention is computed: its walks over tiles below each other, with the state that each keeps of a row. */
import type { Explanation } from '../compiler/explain/explain.ts'
import { columns, equations, listed, titled, wrap } from '../compiler/explain/layout.ts'
import type { Mathematics } from '../compiler/explain/mathematics.ts'
import type { ExplainedPart, ExplainedPass, ExplainedWalk, Finish, Reason } from '../compiler/explain/parts.ts'
import { printDefinitions } from '../compiler/explain/print-definitions.ts'
import { displayWidth } from '../grammar/display.ts'
import { type Figure, type Shape, shape, text } from './shape.ts'

const letter = 7.25 // of 12 pixels, all of one width
const lineHeight = 18
const padding = 14
const between = 34

/** What is drawn from `top` on: shapes, and how far they reach down. */
interface Drawn {
  readonly shapes: readonly Shape[]
  readonly bottom: number
}
type Draw = (top: number, left: number, width: number) => Drawn

/** @param isAlone  whether nothing beside it says what its names stand for */
export function drawPlan({ attention, parts, mathematics }: Explanation, width = 720, isAlone = true): Figure {
  const blocks: Draw[] = [
    ...(isAlone ? [definitions(mathematics)] : []),
    ...parts.map((part, n) => drawPart(part, parts.length > 1 ? n + 1 : 0)),
  ]
  const { shapes, bottom } = flow(blocks)(1, 1, width - 2)
  const title = `Plan of ${attention}`
  return { width, height: bottom + 2, title, about: parts.map(aboutPart).join(' '), shapes }
}

function aboutPart(part: ExplainedPart): string {
  switch (part.kind) {
    case 'stream':
      return `${headOf(part)}.`
    case 'rounds':
      return `Repeated ${part.count} times: ${part.parts.map(aboutPart).join(' ')}`
    case 'vector':
      return `${listed(part.results.map(({ name }) => name))}, element by element.`
    case 'materialised':
      return `${listed(part.results.map(({ name }) => name))}, materialised: ${part.reason.why}.`
  }
}

const headOf = ({ finish, row, streams, passes }: ExplainedWalk): string =>
  `${listed(finish.map(({ name }) => name))}: tiles of ${row} stay, tiles of ${listed(streams)} pass by, ${
    passes.length === 1 ? 'in one pass' : `in ${passes.length} passes`
  }`

// Blocks below each other

/** With an arrow from each to the next. */
const flow =
  (blocks: readonly Draw[]): Draw =>
  (top, left, width) => {
    const shapes: Shape[] = []
    let y = top
    for (const [n, draw] of blocks.entries()) {
      if (n > 0) shapes.push(...arrow(left + Math.min(width / 2, 120), y + 4, y + between - 4))
      const drawn = draw(n > 0 ? y + between : y, left, width)
      shapes.push(...drawn.shapes)
      y = drawn.bottom
    }
    return { shapes, bottom: y }
  }

const arrow = (x: number, from: number, to: number): readonly Shape[] => [
  shape('path', { class: 'flow', d: `M${x} ${from}V${to}m-4 -5l4 5l4 -5` }),
]

const stack =
  (blocks: readonly Draw[], gap = 10): Draw =>
  (top, left, width) => {
    const shapes: Shape[] = []
    let y = top
    for (const [n, draw] of blocks.entries()) {
      const drawn = draw(n > 0 ? y + gap : y, left, width)
      shapes.push(...drawn.shapes)
      y = drawn.bottom
    }
    return { shapes, bottom: y }
  }

/** A frame around what is in it. */
const card =
  (inner: Draw): Draw =>
  (top, left, width) => {
    const drawn = inner(top + padding, left + padding, width - 2 * padding)
    const height = drawn.bottom + padding - top
    return {
      shapes: [shape('rect', { class: 'card', x: left, y: top, width, height, rx: 8 }), ...drawn.shapes],
      bottom: top + height,
    }
  }

/** What belongs to a heading: at a line to its left. */
const indented =
  (inner: Draw): Draw =>
  (top, left, width) => {
    const drawn = inner(top, left + 14, width - 14)
    return {
      shapes: [shape('path', { class: 'line', d: `M${left + 1} ${top}V${drawn.bottom}` }), ...drawn.shapes],
      bottom: drawn.bottom,
    }
  }

const room = (width: number): number => Math.max(24, Math.floor(width / letter))

/** Lines of a page, broken for the room that there is. */
const code =
  (lines: (columns: number) => readonly string[], className = 'code'): Draw =>
  (top, left, width) => {
    const all = lines(room(width))
    const shapes = all.flatMap((line, n) =>
      line === '' ? [] : [text(left, top + n * lineHeight + 13, line, { class: className, 'xml:space': 'preserve' })],
    )
    return { shapes, bottom: top + all.length * lineHeight }
  }

const prose = (content: string, className: string): Draw => code((columns) => wrap(content, columns), className)

const label = (content: string): Draw => prose(content, 'quiet small strong')

/** What is given, and what the plan's names stand for. */
const definitions = ({ inputs, params, definitions }: Mathematics): Draw => {
  const given = (title: string, all: Mathematics['inputs']): readonly Draw[] =>
    all.length === 0
      ? []
      : [
          group(
            title,
            code((columns) => wrap(all.map(({ name }) => name).join('  '), columns)),
          ),
        ]
  return card(
    stack([
      ...given('tensors', inputs),
      ...given('parameters', params),
      group(
        'what is computed',
        code((columns) => printDefinitions(definitions, columns)),
      ),
    ]),
  )
}

// Parts of a plan

function drawPart(part: ExplainedPart, number: number): Draw {
  const prefix = number > 0 ? `${number}  ` : ''
  switch (part.kind) {
    case 'stream':
      return drawWalk(part, prefix)
    case 'vector':
      return card(
        stack([
          heading(`${prefix}${listed(part.results.map(({ name }) => name))}`, 'element by element'),
          code((columns) => equations(part.results, columns)),
          ...part.needs.map(needed),
        ]),
      )
    case 'rounds':
      return card(
        stack([
          heading(`${prefix}repeated`, `${part.count} times`),
          flow(part.parts.map((inner) => drawPart(inner, 0))),
          code((columns) => part.become.flatMap(({ to, from }) => wrap(`${to} ← ${from}`, columns))),
        ]),
      )
    case 'materialised':
      return card(
        stack([
          heading(`${prefix}${listed(part.results.map(({ name }) => name))}`, 'materialised: its values are in memory'),
          prose(`${part.reason.why}${part.reason.change ? `. To stream it: ${part.reason.change}` : ''}`, 'quiet'),
          code((columns) => equations(part.results, columns)),
          ...part.needs.map(needed),
        ]),
      )
  }
}

/** A name, and what is to be said of it in the next line. */
const heading = (name: string, about: string): Draw => stack([prose(name, 'title code'), prose(about, 'quiet')], 2)

const needed = ({ of, why }: Reason): Draw =>
  prose(`${listed(of)} ${of.length === 1 ? 'is' : 'are'} computed first: ${why}`, 'quiet small')

function drawWalk(walk: ExplainedWalk, prefix: string): Draw {
  const { row, streams, passes, finish, elements, needs } = walk
  const times = passes.length === 1 ? 'one pass' : `${passes.length} passes`
  const about = `tiles of ${row} stay, tiles of ${listed(streams)} pass by · ${times}`
  const kept = walk.kept.length > 0 ? [prose(`${listed(walk.kept)} kept for what follows`, 'quiet')] : []
  return card(
    stack([
      withPicture(
        stack([heading(`${prefix}${listed(finish.map(({ name }) => name))}`, about), ...kept, ...needs.map(needed)], 4),
        passes.some((pass) => pass.direction === 'down'),
      ),
      ...(elements.length > 0
        ? [
            group(
              'of each pair',
              code((columns) => printDefinitions(elements, columns)),
            ),
          ]
        : []),
      ...passes.map((pass, n) => drawPass(pass, passes.length > 1 ? n + 1 : 0)),
      group(
        'at the end of a row',
        code((columns) => finish.flatMap((one) => finishLines(one, columns))),
      ),
    ]),
  )
}

const group = (title: string, ...inner: readonly Draw[]): Draw => stack([label(title), indented(stack(inner))], 4)

/** Tiles of rows that stay, and one of what streams that passes by. */
const withPicture =
  (inner: Draw, isBackwards: boolean): Draw =>
  (top, left, width) => {
    const side = 52
    if (width < 420) return inner(top, left, width)
    const drawn = inner(top, left, width - side - 16)
    const x = left + width - side
    const [from, to] = isBackwards ? [x + side - 4, x + 22] : [x + 22, x + side - 4]
    const cell = (n: number, name: string): Shape =>
      shape('rect', { class: name, x, y: top + n * 13, width: 12, height: 12, rx: 2 })
    const passing = (n: number, name: string): Shape =>
      shape('rect', { class: name, x: x + 16 + n * 13, y: top + 13, width: 10, height: 12, rx: 2 })
    return {
      shapes: [
        ...drawn.shapes,
        ...[0, 1, 2].map((n) => cell(n, n === 1 ? 'full' : 'empty')),
        ...[0, 1, 2].map((n) => passing(n, n === 1 ? 'partial' : 'empty')),
        shape('path', {
          class: 'flow',
          d: `M${from} ${top + 36}H${to}m${isBackwards ? 5 : -5} -4l${isBackwards ? -5 : 5} 4l${isBackwards ? 5 : -5} 4`,
        }),
      ],
      bottom: Math.max(drawn.bottom, top + 44),
    }
  }

function drawPass(pass: ExplainedPass, number: number): Draw {
  const which = number > 0 ? `pass ${number} over ${pass.stream}` : `over ${pass.stream}`
  const direction = pass.direction === 'down' ? ', from the last tile to the first' : ''
  const where = pass.where === null ? '' : `, where ${pass.where}`
  const rows = pass.state.map(({ name, axes, is, empty }) => [titled({ name, axes }), is, empty])
  const merge = pass.splits ? 'a row may be split: ' : ''
  return group(
    `${which}${direction}`,
    ...(where === '' ? [] : [code((columns) => wrap(where.slice(2), columns), 'code accent')]),
    code((columns) => table(rows, columns)),
    ...(pass.waits.length > 0 ? pass.waits.map(waiting) : []),
    prose("when a tile T comes (' marks what is after it)", 'quiet small'),
    code((columns) => equations(pass.step, columns)),
    prose(`${merge}${decapitalised(pass.split).replace(/:$/, '')}`, 'quiet small'),
  )
}

const decapitalised = (content: string): string => content.slice(0, 1).toLowerCase() + content.slice(1)

const waiting = ({ of, on, why }: Reason): Draw =>
  prose(`${listed(of)} ${of.length === 1 ? 'needs' : 'need'} ${listed(on)} of the pass before: ${why}`, 'quiet small')

/** Name, meaning and empty value; in a narrow place the meaning stands alone. */
function table(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const head = ['state', 'is', 'empty']
  const widest = (n: number): number => Math.max(...rows.map((row) => displayWidth(row[n] ?? '')), 5)
  if (widest(0) + widest(2) + 24 <= width) return columns([head, ...rows], width, 1)
  return rows.flatMap(([name = '', is = '', empty = '']) => wrap(`${name} is ${is}; empty: ${empty}`, width, 2))
}

function finishLines({ name, axes, where, cases, empty }: Finish, width: number): readonly string[] {
  const lines = cases.map(({ condition, formula }, n) => ({
    name: n === 0 ? titled({ name, axes }) : '',
    formula:
      condition === null ? (cases.length > 1 ? `${formula}   otherwise` : formula) : `${formula}   if ${condition}`,
  }))
  const isSaid = cases.at(-1)?.formula === empty
  const definitions = where.map((d) => ({ name: titled(d), formula: d.formula }))
  return [
    ...equations([...definitions, ...lines], width),
    ...(isSaid ? [] : wrap(`of an empty row: ${empty}`, width, 2)),
  ]
}
