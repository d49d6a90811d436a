/** A rough guess of what a point costs, to begin with those that may be good. Only its order counts. */
import type { Kernel, Program } from '../compiler/kernel.ts'
import { threadsOf } from './options.ts'
import { bytesOf, kernelsOf, tilesOf } from './resources.ts'
import { coordinates, type Parameter, type Point } from './space.ts'

type Sizes = Readonly<Record<string, number>>

const perTile = { rows: 2, columns: 16 } // elements that beginning a tile costs as much as: states are moved once for each tile of keys
const perByte = 0.5 // slower where all memory that should do is used
const away = 0.05 // of trust in what the target's author chose

/** @param near  bytes that all values of a block should fit in */
export function expectedCost(
  point: Point,
  program: Program,
  parameters: readonly Parameter[],
  sizes: Sizes,
  near: number,
): number {
  const kernels = kernelsOf(program.steps)
  const threads = threadsOf(point) ?? 1
  const work = kernels.reduce((sum, kernel) => sum + kernelCost(kernel, sizes) * imbalance(kernel, sizes, threads), 0)
  const space = { parameters, points: [], rejected: [], usual: {} }
  const usual = coordinates(space, Object.fromEntries(parameters.map((one) => [one.name, one.usual])))
  const far = Math.hypot(...coordinates(space, point).map((value, n) => value - usual[n]!))
  return (work / threads) * (1 + (perByte * bytesOf(program)) / near) * (1 + away * far)
}

/** Pairs, and the beginnings of tiles; the last tile is as long as what is left. */
function kernelCost(kernel: Kernel, sizes: Sizes): number {
  let cost = 1
  for (const [axis, tile] of tilesOf(kernel)) {
    const length = Math.max(1, sizes[axis] ?? tile)
    const isRow = kernel.grid.some((one) => one.axis === axis)
    cost *= length + Math.ceil(length / tile) * (isRow ? perTile.rows : perTile.columns)
  }
  return cost
}

/** Time over what it would be if blocks could be shared evenly among threads. */
function imbalance({ grid }: Kernel, sizes: Sizes, threads: number): number {
  const blocks = grid.reduce((n, { axis, tile = 1 }) => n * Math.max(1, Math.ceil((sizes[axis] ?? 1) / tile)), 1)
  return (Math.ceil(blocks / threads) * threads) / blocks
}
