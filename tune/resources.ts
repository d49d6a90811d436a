/** What a kernel holds and computes for a tile, read off its program: enough to leave out what cannot be good, before it is compiled. */
import type { Kernel, Loop, Program, Statement, Step, Value } from '../compiler/kernel.ts'

type Sizes = Readonly<Record<string, number>>

export const kernelsOf = (steps: readonly Step[]): readonly Kernel[] =>
  steps.flatMap((step) => (step.kind === 'kernel' ? [step] : kernelsOf(step.steps)))

const bodyOf = ({ over, body }: Loop): readonly Statement[] => (over.kind === 'tiles' ? [...over.head, ...body] : body)

/** All statements, also those within loops. */
export const statementsIn = (body: readonly Statement[]): readonly Statement[] =>
  body.flatMap((s) => (s.kind === 'loop' ? [s, ...statementsIn(bodyOf(s))] : [s]))

/** The length of each axis that a kernel cuts into tiles: of its grid, and of its loops. */
export function tilesOf({ grid, body }: Kernel): ReadonlyMap<string, number> {
  const tiles = new Map<string, number>()
  for (const { axis, tile } of grid) if (tile !== undefined) tiles.set(axis, tile)
  for (const s of statementsIn(body))
    if (s.kind === 'loop' && s.over.kind === 'tiles') tiles.set(s.over.axis, s.over.tile)
  return tiles
}

/** The axes along which a program has tiles, those of grids first. */
export function tiledAxes({ steps }: Program): readonly string[] {
  const kernels = kernelsOf(steps)
  const rows = kernels.flatMap(({ grid }) => grid.flatMap(({ axis, tile }) => (tile === undefined ? [] : [axis])))
  return [...new Set([...rows, ...kernels.flatMap((kernel) => [...tilesOf(kernel).keys()])])]
}

/** Bytes of all values that one block of the largest kernel makes in a round, if each is kept: four to an element. */
export function bytesOf({ steps, sizes }: Program): number {
  return Math.max(0, ...kernelsOf(steps).map((kernel) => blockBytes(kernel, sizes)))
}

function blockBytes(kernel: Kernel, sizes: Sizes): number {
  const tiles = tilesOf(kernel)
  const elements = ({ axes }: Value): number =>
    axes.reduce((n, { axis, extent }) => n * ((extent === 'tile' ? tiles.get(axis) : sizes[axis]) ?? 1), 1)
  return 4 * valuesOf(kernel.body).reduce((sum, value) => sum + (value.axes.length > 0 ? elements(value) : 0), 0)
}

const valuesOf = (body: readonly Statement[]): readonly Value[] =>
  statementsIn(body).flatMap((s) =>
    s.kind === 'loop' ? s.carried.map(({ value }) => value) : s.kind === 'store' ? [] : [s.to],
  )
