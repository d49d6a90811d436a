/**
 * What a mask reads of a tensor along the streamed axis, worked out once for each tile: in all as many steps as the tensor has
 * elements, instead of as many for each tile of rows. From these, running extremes: whatever the data, the greatest of all tiles up to
 * one never falls from tile to tile, and the least of one and all after it never does, so that both can be searched.
 */
import { type Expr, withoutAxes } from '../ir.ts'
import type { Buffer, Kernel, Reduce } from '../kernel.ts'
import { createInterner } from '../plan/intern.ts'
import { foldKernel, runningKernel } from './table-kernels.ts'

export type TileFold = Extract<Reduce['op'], 'min' | 'max' | 'any' | 'all'>

/** A buffer with one entry for each tile, and for each index of the other axes of `of`. */
export interface Table {
  readonly name: string // of an entry: `min_text`
  readonly buffer: Buffer
  readonly op: TileFold
  readonly of: Expr
  readonly column: string
  readonly tile: number
  readonly tiles: string // the axis that counts tiles
  /** `up`: the fold of this tile and all before; `down`: of this one and all after. */
  readonly running: { readonly of: Table; readonly direction: 'up' | 'down' } | undefined
}

export interface Tables {
  readonly number: (e: Expr) => number
  readonly fold: (of: Expr, op: TileFold, column: string, tile: number, name: string) => Table
  readonly running: (of: Table, direction: 'up' | 'down') => Table
  /** Kernels that fill those tables which are read, in order. */
  readonly program: (isRead: (buffer: string) => boolean, sizes: Readonly<Record<string, number>>) => TableProgram
}
export interface TableProgram {
  readonly kernels: readonly Kernel[]
  readonly buffers: readonly Buffer[]
  readonly axes: readonly TileAxis[]
}
/** An axis that counts tiles of `tile` elements of another one. */
export interface TileAxis {
  readonly name: string
  readonly of: string
  readonly tile: number
}

/** `newName` makes names of buffers and kernels, `axisName` that of the axis which counts tiles of another one. */
export function createTables(newName: (base: string) => string, axisName: (column: string) => string): Tables {
  const { id: number } = createInterner()
  const made = new Map<string, Table>()

  const once = (key: string, make: () => Table): Table => {
    const table = made.get(key) ?? make()
    made.set(key, table)
    return table
  }
  const fold: Tables['fold'] = (of, op, column, tile, name) =>
    once(`${op} ${number(of)} ${column} ${tile}`, () => {
      const tiles = axisName(column)
      const storage = of.type === 'f32' ? 'f32' : of.type
      const own = [...withoutAxes(of.axes, [column]), tiles]
      const buffer: Buffer = { name: newName(`${name}_tiles`), axes: own, storage, role: 'workspace' }
      return { name, buffer, op, of, column, tile, tiles, running: undefined }
    })

  const running: Tables['running'] = (of, direction) =>
    once(`${direction} ${of.buffer.name}`, () => {
      const name = `${direction === 'up' ? 'running' : 'remaining'}_${of.name}`
      return { ...of, name, buffer: { ...of.buffer, name: newName(`${name}_tiles`) }, running: { of, direction } }
    })

  const program: Tables['program'] = (isRead, sizes) => {
    const read = [...made.values()].filter((table) => isRead(table.buffer.name))
    const scans = read.filter((table) => table.running)
    const needed = [
      ...new Set([...read.filter((table) => !table.running), ...scans.map((table) => table.running?.of ?? table)]),
    ]
    const groups = (tables: readonly Table[]): readonly (readonly Table[])[] => [
      ...Map.groupBy(tables, ({ buffer }) => buffer.axes.join()).values(),
    ]
    const used = [...needed, ...scans]
    return {
      kernels: [
        ...groups(needed).map((group) => foldKernel(newName(`${group[0]?.column}_tiles`), group, sizes, number)),
        ...groups(scans).map((group) => runningKernel(newName(`${group[0]?.column}_running`), group)),
      ],
      buffers: used.map((table) => table.buffer),
      axes: [...new Map(used.map((table) => [table.tiles, axisOf(table)])).values()],
    }
  }
  return { number, fold, running, program }
}

const axisOf = ({ tiles, column, tile }: Table): TileAxis => ({ name: tiles, of: column, tile })
