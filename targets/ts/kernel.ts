/** One kernel as a function: its arrays, its grid as loops, its body. */
import type { Kernel, Program } from '../../compiler/kernel.ts'
import { docLines } from '../doc.ts'
import { atom } from '../expression.ts'
import { Names } from '../names.ts'
import { type Analysis, analyze } from '../nests/analyze.ts'
import { Block } from './block.ts'
import { singleAt, tileAt } from './loop.ts'
import { printNodes } from './print.ts'
import { reserved } from './reserved.ts'
import { type ArgumentNames, type AxisSpot, isRows, type Sheet, type Spot, sizeOf } from './spot.ts'

export interface KernelRequest {
  readonly name: string // of the function
  readonly argumentsType: string
  readonly given: ArgumentNames
  readonly threads: boolean
}

const arrayTypes = { f32: 'Float64Array', i32: 'Int32Array', bool: 'Uint8Array' } as const

export function printKernel(kernel: Kernel, program: Program, request: KernelRequest): readonly string[] {
  const analysis = analyze(kernel, program)
  const { given } = request
  const taken = [...given.buffers.values(), ...given.sizes.values(), ...given.params.values(), 'given', 'next', 'block']
  const sheet = sheetOf(program, analysis, new Names(reserved, taken), given)
  const body = new Block(sheet.names)
  const grid = request.threads ? printBlocks : printGrid
  grid(kernel, { sheet, block: body, path: [], axes: new Map(), flags: new Map() }, (spot) =>
    printNodes(analysis.nodes, spot),
  )
  const used = [...sheet.used]
  const next = request.threads ? ', next: () => number' : ''
  const converts = program.buffers.some(
    ({ name, storage }) => storage === 'bf16' && sheet.used.has(given.buffers.get(name) ?? ''),
  )
  return [
    ...docLines([kernel.doc]),
    `function ${request.name}(given: ${request.argumentsType}${next}): void {`,
    ...(used.length > 0 ? [`  const { ${used.join(', ')} } = given`] : []),
    ...(converts ? [`  const ${sheet.word} = makeWord()`] : []),
    ...arrayLines(sheet).map((line) => `  ${line}`),
    ...body.lines.map((line) => `  ${line}`),
    '}',
  ]
}

function sheetOf(program: Program, { facts, places, nodes }: Analysis, names: Names, given: ArgumentNames): Sheet {
  const arrays = new Map<string, string>()
  for (const axis of facts.order) names.reuse(axis)
  const products = new Set(
    nodes.flatMap(function targets(node): readonly string[] {
      if (node.kind === 'line') return node.item.kind === 'product' ? [node.item.to.name] : []
      return node.kind === 'nest' ? node.nodes.flatMap(targets) : [...node.head, ...node.body].flatMap(targets)
    }),
  )
  for (const [name, { stored }] of places) {
    if (stored) arrays.set(name, names.fresh(facts.carried.has(name) || products.has(name) ? name : `${name}Tile`))
  }
  const word = names.fresh('word')
  return { program, facts, places, names, given, arrays, word, used: new Set(), locals: new Map() }
}

const arrayLines = (sheet: Sheet): readonly string[] =>
  [...sheet.arrays].map(([value, array]) => {
    const { places, facts } = sheet
    const sizes = (places.get(value)?.stored ?? []).map(({ axis }) => facts.extents.get(axis) ?? 1)
    if (isRows(value, sheet)) return `const ${array} = makeTile(${sizes.slice(0, -1).join(' * ')}, ${sizes.at(-1)})`
    return `const ${array} = new ${arrayTypes[facts.values.get(value)?.type ?? 'f32']}(${sizes.join(' * ')})`
  })

type Fill = (spot: Spot) => void

/** One loop for each axis of the grid. */
function printGrid({ grid }: Kernel, outer: Spot, fill: Fill): void {
  const nested = grid.reduceRight<Fill>(
    (inside, { axis, tile }) =>
      (spot) => {
        const size = sizeOf(axis, spot.sheet).text
        const name = spot.sheet.names.reuse(tile === undefined ? axis : `${axis}0`)
        const head = `for (let ${name} = 0; ${name} < ${size}; ${tile ? `${name} += ${tile}` : `${name}++`})`
        const fillIn = (block: Block): void => {
          const at = tile === undefined ? singleAt(atom(name, block.level)) : tileAt(axis, tile, name, block, spot)
          inside(withAxis(spot, axis, at, block))
        }
        spot.block.loop(axis, head, fillIn, tile === undefined ? undefined : `axis ${axis} in tiles of ${tile}`)
      },
    fill,
  )
  nested(outer)
}

const withAxis = (spot: Spot, axis: string, at: AxisSpot, block: Block): Spot => ({
  ...spot,
  block,
  axes: new Map(spot.axes).set(axis, at),
})

/** One loop over the blocks of the grid as they are handed out; the last axis runs fastest. */
function printBlocks({ grid }: Kernel, spot: Spot, fill: Fill): void {
  const { sheet, block } = spot
  const counts = grid.map(({ axis, tile }) => {
    const size = sizeOf(axis, sheet)
    return tile === undefined ? size : block.keep(atom(`Math.ceil(${size.text} / ${tile})`), `${axis}Tiles`)
  })
  const blocks = block.keep(atom(counts.map(({ text }) => text).join(' * ') || '1'), 'blocks')
  const tiles = grid.flatMap(({ axis, tile }) => (tile === undefined ? [] : [`axis ${axis} in tiles of ${tile}`]))
  const fillIn = (inner: Block): void => {
    const axes = new Map<string, AxisSpot>()
    let rest = 'block'
    for (let n = grid.length - 1; n >= 0; n--) {
      const { axis, tile } = grid[n]!
      const name = sheet.names.reuse(tile === undefined ? axis : `${axis}0`)
      const index = n === 0 ? rest : `${rest} % ${counts[n]!.text}`
      inner.line(`const ${name} = ${tile === undefined ? index : `${n === 0 ? index : `(${index})`} * ${tile}`}`)
      if (n > 0) rest = inner.keep(atom(`Math.floor(${rest} / ${counts[n]!.text})`), 'rest').text
      axes.set(axis, tile === undefined ? singleAt(atom(name, inner.level)) : tileAt(axis, tile, name, inner, spot))
    }
    fill({ ...spot, block: inner, axes })
  }
  const comment = `the blocks of the grid${tiles.length > 0 ? `: ${tiles.join(', ')}` : ''}`
  block.loop('block', `for (let block = next(); block < ${blocks.text}; block = next())`, fillIn, comment)
}
