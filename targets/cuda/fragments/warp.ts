/** A warp's place in a kernel's text: its elements and rows, and the two forms that a statement may have. */
import { invariant } from '../../../compiler/invariant.ts'
import type { KernelExpr, Value } from '../../../compiler/kernel.ts'
import { Block, indented } from '../../block.ts'
import { one, plus } from '../../c-elements.ts'
import { atom, type Code, printExpr } from '../../expression.ts'
import { simplify } from '../../ranges.ts'
import { cudaTypes } from '../print.ts'
import { type AxisSpot, type Spot, valueAt, wordsAt } from '../spot.ts'
import { fragmentSpellings } from './functions.ts'
import { columnOf, columnsOf, formOf, type Layout, type TileOf } from './layout.ts'

/** One kernel while it is printed. */
export interface Sheet {
  readonly layout: Layout
  readonly names: ReadonlyMap<string, string> // of tiles' types, by value
  /** What stands before the first product that reads a tile: the wait for it, and the start of the next copy. */
  readonly arrive: (tile: TileOf, at: Warp) => void
  readonly addressOf: (tile: TileOf) => string // in shared memory
}
/** A place in the text. `checked`: tiles may be ragged, and masks may leave something out. */
export interface Warp {
  readonly sheet: Sheet
  readonly spot: Spot
  readonly checked: boolean
  readonly round?: Round // of a loop over tiles
  readonly anew?: boolean // the lane's place is found anew: what rests on it is not to stay in registers throughout the loop
}
/** A round of a loop over tiles, which are plain, whole and with all of their places admitted, or not. */
export interface Round {
  readonly plain: string | undefined // the bool that says so; undefined: tiles are shorter than fragments, and none is plain
  readonly flags: readonly string[] // uniform values that are true in plain tiles
  readonly left: string // of a ragged tile, the columns from the lane's own first one on
  readonly settled: Set<string> // operands of products, which are 0 beyond the last column
  readonly sums: ReadonlySet<string> // carried sums of rows whose four lanes are added up after the loop
}

/** Groups of 16 rows that a warp has. */
export const groupsOf = ({ layout }: Sheet): number => layout.groups
export const threadsOf = ({ warps }: Layout): number => warps * 32

/** The word for a place is in the text. */
const uses = (text: string, name: string): boolean => new RegExp(`\\b${name}\\b`).test(text)

/** Statements for every row. */
export function eachRow(at: Warp, fill: (inner: Warp, block: Block) => void): void {
  const { layout } = at.sheet
  printEach(
    at,
    `tiles::eachRow<${groupsOf(at.sheet)}>([&](int m, int r) {`,
    undefined,
    (inner, block) => fill(inner, block),
    [[layout.row, `num::smallest(${rowText('r', at)}, ${countText(layout.row, at)} - 1)`]],
    'r',
  )
}

/** Statements for every element of rows and an axis of columns. */
export function eachElement(column: string, at: Warp, fill: (inner: Warp, block: Block) => void, pairs = false): void {
  const { layout } = at.sheet
  const columns = columnsOf(column, layout.facts)
  const head = `tiles::each${pairs ? 'Pair' : 'Element'}<${groupsOf(at.sheet)}, ${columns / 8}>([&](int m, int n, int r) {`
  const width = widthOf(column, at)
  const place = `tiles::columnOf(n, r${threadText(at)})`
  const own = width === undefined ? place : `num::smallest(${place}, ${width} - 1)`
  printEach(
    at,
    head,
    column,
    fill,
    [
      [layout.row, `num::smallest(${rowText('r / 2', at)}, ${countText(layout.row, at)} - 1)`],
      [column, own],
    ],
    'r / 2',
  )
}

const threadText = ({ anew }: Warp): string => (anew ? ', thread' : '')
const rowText = (r: string, at: Warp): string => `tiles::rowOf<${groupsOf(at.sheet)}>(m, ${r}${threadText(at)})`

function printEach(
  at: Warp,
  head: string,
  column: string | undefined,
  fill: (inner: Warp, block: Block) => void,
  places: readonly (readonly [string, string])[],
  rowText: string,
): void {
  const { spot, sheet } = at
  const { layout } = sheet
  const named = places.map(([axis, text]) => ({ axis, text, name: spot.sheet.names.reuse(axis) }))
  const axes = new Map<string, AxisSpot>(spot.axes)
  for (const { axis, name } of named) axes.set(axis, { ...axisAt(axis, at), inner: atom(name) })
  const spelled = spelling(layout, rowText, column === undefined ? undefined : 'r')
  const inner: Warp = { ...at, spot: { ...spot, axes, spelled } }
  const collected = collect((block) => fill({ ...inner, spot: { ...inner.spot, block } }, block))
  const text = collected.join('\n')
  const heads = named
    .filter(({ name }) => uses(text, name))
    .map(({ name, text: own }) => `const int32_t ${name} = ${own};`)
  const lines = [...heads, ...collected]
  if (lines.length === 1 && head.length + lines[0]!.length < 116) spot.block.line(`${head} ${lines[0]} });`)
  else spot.block.line(head, ...lines.map((line) => `  ${line}`), '});')
}

/** How a value is spelled in a loop over rows, or over elements, whose place in a fragment is then called `element`. */
function spelling(layout: Layout, row: string, element: string | undefined): NonNullable<Spot['spelled']> {
  return (name, { sheet }) => {
    const value = layout.facts.values.get(name)
    const local = sheet.locals.get(name)
    if (!value || !local) return undefined
    const form = formOf(value, layout.row)
    if (form === 'row') return atom(`${local.text}.at[m][${row}]`)
    if (form !== 'fragment' || element === undefined) return undefined
    return atom(value.type === 'bool' ? `${local.text}.has(m, n, ${element})` : `${local.text}.at[m][n][${element}]`)
  }
}

/** In a loop over pairs of elements, the place of the second: whatever depends on its column is another there. */
export function neighbourOf(at: Warp, column: string): Warp {
  const { sheet, spot } = at
  const first = spot.axes.get(column)
  invariant(first?.inner, `axis ${column} has no element here`)
  const axes = new Map(spot.axes).set(column, { ...first, inner: plus(first.inner, one) })
  return { ...at, spot: { ...spot, axes, spelled: spelling(sheet.layout, 'r / 2', 'r + 1') } }
}

function collect(fill: (block: Block) => void): readonly string[] {
  const block = new Block()
  fill(block)
  return block.lines
}

const axisAt = (axis: string, { spot, sheet }: Warp): AxisSpot =>
  spot.axes.get(axis) ?? {
    single: false,
    first: atom('0'),
    count: atom(String(spot.sheet.program.sizes[axis] ?? sheet.layout.facts.extents.get(axis) ?? 1)),
    inner: undefined,
  }
export const countText = (axis: string, at: Warp): string => axisAt(axis, at).count.text

/** How many columns exist, where it may be fewer than the fragment has. */
export function widthOf(column: string, at: Warp): string | undefined {
  const { layout } = at.sheet
  const count = countText(column, at)
  const isTiled = at.spot.axes.has(column)
  if (isTiled) return at.checked ? count : undefined
  return Number(count) === columnsOf(column, layout.facts) ? undefined : count
}

export const printCode = (e: KernelExpr, at: Warp): Code =>
  printExpr(simplify(e, at.spot.sheet.program), {
    ...wordsAt(at.spot),
    ops: fragmentSpellings(at.sheet.layout.row, at.spot),
  })

const typeOf = ({ type }: Value): string => cudaTypes[type]
/** The declaration of a value: its type and its name. */
export function declared(value: Value, at: Warp): string {
  const { layout } = at.sheet
  const name = at.spot.sheet.names.reuse(value.name, `value ${value.name}`)
  at.spot.sheet.locals.set(value.name, atom(name))
  const form = formOf(value, layout.row)
  if (form === 'uniform') return `${typeOf(value)} ${name}`
  if (form === 'row')
    return `tiles::Rows<${groupsOf(at.sheet)}${value.type === 'f32' ? '' : `, ${typeOf(value)}`}> ${name}`
  const kind = value.type === 'bool' ? 'Bits' : 'Fragment'
  return `tiles::${kind}<${groupsOf(at.sheet)}, ${columnsOf(columnOf(value, layout.row), layout.facts) / 8}> ${name}`
}

/** Every element of a value, from what `code` says. */
export function assign(value: Value, at: Warp, code: (inner: Warp) => string): void {
  const { row } = at.sheet.layout
  const form = formOf(value, row)
  const set = (inner: Warp, block: Block): void =>
    block.line(`${valueAt(value.name, inner.spot).text} = ${code(inner)};`)
  if (form === 'row') eachRow(at, set)
  else eachElement(columnOf(value, row), at, set)
}

/** Statements that differ in plain tiles and in others; what they have in common stands once. */
export function inForms(at: Warp, fill: (inner: Warp) => void): void {
  const { round, spot } = at
  if (round?.plain === undefined) return fill(at)
  const form = (checked: boolean, anew: boolean): readonly string[] => {
    const flags = checked ? spot.flags : new Map([...spot.flags, ...round.flags.map((flag) => [flag, true] as const)])
    return statements(collect((block) => fill({ ...at, checked, anew, spot: { ...spot, block, flags } })))
  }
  const [plain, other] = [form(false, false), form(true, false)]
  const same = plain.findIndex((statement, n) => statement !== other[n])
  const start = same < 0 ? plain.length : same
  let end = 0
  while (end < Math.min(plain.length, other.length) - start && plain.at(-1 - end) === other.at(-1 - end)) end++
  const middle = (all: readonly string[]): string[] => all.slice(start, all.length - end).flatMap(inner)
  const own = middle(plain)
  const others = middle(form(true, true))
  if (others.some((line) => line.includes(', thread)'))) others.unshift('  const int thread = ptx::ownThread();')
  spot.block.line(...plain.slice(0, start).flatMap(lines))
  if (own.length > 0 && others.length > 0) spot.block.line(`if (${round.plain}) {`, ...own, '} else {', ...others, '}')
  else if (own.length + others.length > 0)
    spot.block.line(`if (${own.length > 0 ? '' : '!'}${round.plain}) {`, ...own, ...others, '}')
  spot.block.line(...plain.slice(plain.length - end).flatMap(lines))
}

/** Lines as statements: a line that is indented or closes a brace belongs to those before it. */
function statements(all: readonly string[]): readonly string[] {
  const found: string[] = []
  for (const line of all)
    if (/^[ }]/.test(line) && found.length > 0) found.push(`${found.pop()}\n${line}`)
    else found.push(line)
  return found
}
const lines = (statement: string): readonly string[] => statement.split('\n')
const inner = (statement: string): readonly string[] => lines(statement).map(indented)
