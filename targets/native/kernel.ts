/** One kernel as a function of a block of its grid, with the tiles that it works in. */
import type { Kernel, KernelExpr, Load, Program, Value } from '../../compiler/kernel.ts'
import { Block, indented } from '../block.ts'
import { sizeOf } from '../c-elements.ts'
import { docLines } from '../doc.ts'
import { atom } from '../expression.ts'
import { Names } from '../names.ts'
import { type Analysis, analyze } from '../nests/analyze.ts'
import { valuesIn } from '../nests/item.ts'
import { findExtremes } from './extremes.ts'
import { singleAt } from './loop.ts'
import { cppTypes, printNodes } from './print.ts'
import { reserved } from './reserved.ts'
import { type AxisSpot, type GivenNames, layoutOf, lineOf, type Sheet, type Spot } from './sheet.ts'

export interface KernelNames {
  readonly kernel: string
  readonly scratch: string // the type of its tiles
}

export function printKernel(
  kernel: Kernel,
  program: Program,
  names: KernelNames,
  givenType: string,
  given: GivenNames,
): readonly string[] {
  const lane = laneOf(kernel)
  const analysis = analyze(kernel, program, {
    inPlace: (load, to, values) => isReadInPlace(load, to, lane, values, program),
    row: lane,
  })
  const taken = [given.buffers, given.sizes, given.params].flatMap((all) => [...all.values()])
  const scope = new Names(reserved, [...taken, ...[...given.strides.values()].flat()])
  const sheet = sheetOf(program, analysis, scope, given, lane)
  const body = new Block()
  const axes = openBlock(kernel, sheet, body)
  const spot: Spot = { sheet, block: body, path: [], outside: [], axes, flags: new Map(), oneLane: undefined }
  printNodes(analysis.nodes, spot)
  return [
    `struct ${names.scratch} {`,
    ...arrayLines(sheet).map(indented),
    '};',
    '',
    ...docLines([kernel.doc]),
    `void ${names.kernel}(const ${givenType} &given, int64_t block, void *memory) {`,
    ...(sheet.arrays.size + sheet.diagonals.size > 0
      ? [`  auto &scratch = *static_cast<${names.scratch} *>(memory);`]
      : ['  (void)memory;']),
    ...[...sheet.used].map((name) => `  const auto ${name} = given.${name};`),
    ...body.lines.map(indented),
    '}',
  ]
}

/** The places of the innermost tiled axis of the grid lie in the lanes. */
const laneOf = ({ grid }: Kernel): string | undefined => grid.findLast(({ tile }) => tile !== undefined)?.axis

/** Whether products read these elements where they lie: f32, at the indices of the tile's own axes. */
function isReadInPlace(
  load: Load,
  to: Value,
  lane: string | undefined,
  values: ReadonlyMap<string, Value>,
  { buffers }: Program,
): boolean {
  const buffer = buffers.find(({ name }) => name === load.buffer)
  if (buffer?.storage !== 'f32' || load.outside !== 'never') return false
  if (to.axes.some(({ axis }) => axis === lane)) return false
  const indices = Object.values(load.index)
  const isOwn = (e: KernelExpr, axis: string): boolean => e.kind === 'index' && e.axis === axis && e.of === 'element'
  const others = indices.filter((e) => !to.axes.some(({ axis }) => isOwn(e, axis)))
  const isUniform = (e: KernelExpr): boolean =>
    valuesIn(e).every((name) => values.get(name)?.axes.length === 0) && !to.axes.some(({ axis }) => mentions(e, axis))
  return to.axes.every(({ axis }) => indices.some((e) => isOwn(e, axis))) && others.every(isUniform)
}

const mentions = (e: KernelExpr, axis: string): boolean =>
  e.kind === 'index'
    ? e.axis === axis && e.of === 'element'
    : e.kind === 'call' && e.args.some((arg) => mentions(arg, axis))

function sheetOf(
  program: Program,
  { facts, places, nodes }: Analysis,
  names: Names,
  given: GivenNames,
  lane: string | undefined,
): Sheet {
  for (const axis of facts.order) names.reuse(axis)
  const arrays = new Map([...places].flatMap(([name, { stored }]) => (stored ? [[name, names.fresh(name)]] : [])))
  const kept = { used: new Set<string>(), locals: new Map(), diagonals: new Map(), hoisted: new Map() }
  const sheet = { program, facts, places, names, given, arrays, extremes: new Map(), lane, ...kept }
  for (const [of, op] of findExtremes(nodes, sheet)) sheet.extremes.set(of, { op, array: names.fresh(`${of}_${op}`) })
  return sheet
}

function arrayLines(sheet: Sheet): readonly string[] {
  const ofValues = [...sheet.arrays].map(([value, array]) => {
    const { sizes, lanes } = layoutOf(value, sheet)
    const type = sheet.facts.values.get(value)?.type ?? 'f32'
    const size = sizes.reduce((product, length) => product * length, 1)
    return `alignas(64) ${lanes && type === 'bool' ? 'int32_t' : cppTypes[type]} ${array}[${size}];`
  })
  const ofExtremes = [...sheet.extremes.values()].map(
    ({ array }) => `alignas(64) float ${array}[${lineOf(sheet.lane!, sheet)}];`,
  )
  const ofDiagonals = [...sheet.diagonals].map(
    ([array, { type, length }]) => `alignas(64) ${type === 'f32' ? 'float' : 'int32_t'} ${array}[${length}];`,
  )
  return [...ofValues, ...ofExtremes, ...ofDiagonals]
}

/** The indices of a block: its last axis runs fastest. */
function openBlock({ grid }: Kernel, sheet: Sheet, body: Block): ReadonlyMap<string, AxisSpot> {
  const axes = new Map<string, AxisSpot>()
  grid.toReversed().forEach(({ axis, tile }, n) => {
    const isLast = n === grid.length - 1
    const size = isLast && tile === undefined ? '' : sizeOf(axis, sheet).text
    const blocks = tile === undefined ? size : `((${size} + ${tile - 1}) / ${tile})`
    const index = isLast ? 'int32_t(block)' : `int32_t(block % ${blocks})`
    const name = sheet.names.reuse(tile === undefined ? axis : `${axis}0`)
    body.line(`const int32_t ${name} = ${index}${tile === undefined ? '' : ` * ${tile}`};`)
    if (!isLast) body.line(`block /= ${blocks};`)
    if (tile === undefined) axes.set(axis, singleAt(atom(name)))
    else {
      const count = sheet.names.reuse(`${axis}Count`)
      body.line(`const int32_t ${count} = vec::smallest(${tile}, ${size} - ${name});`)
      axes.set(axis, { single: false, first: atom(name), count: atom(count), inner: undefined })
    }
  })
  return axes
}

/** The number of blocks of a kernel's grid, as an expression of lengths. */
export function blocksOf({ grid }: Kernel, size: (axis: string) => string): string {
  const counts = grid.map(({ axis, tile }) =>
    tile === undefined ? `int64_t(${size(axis)})` : `int64_t((${size(axis)} + ${tile - 1}) / ${tile})`,
  )
  return counts.join(' * ') || '1'
}
