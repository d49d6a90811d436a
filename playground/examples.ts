/** What the gallery knows of an example. */
import type { TileClass } from '../compiler/masks/evaluate.ts'

export interface Example {
  readonly name: string
  readonly about: string
  readonly papers: readonly string[] // in full
  readonly source: string
  readonly plan: string
  readonly cells: readonly string[] // of the mask's picture, a letter for each; none: all pairs are admitted
}
export interface Group {
  readonly title: string
  readonly examples: readonly Example[]
}

const kinds: Readonly<Record<string, TileClass>> = { f: 'full', p: 'partial', e: 'empty' }

/** Of a mask that admits all, one tile that is full. */
export const cellsOf = ({ cells }: Example): readonly (readonly TileClass[])[] =>
  (cells.length > 0 ? cells : ['f']).map((line) => Array.from(line, (letter) => kinds[letter] ?? 'empty'))
