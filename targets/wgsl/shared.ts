/** Variables that the invocations of a group share. */
import type { Homes } from './homes.ts'
import type { Sheet } from './sheet.ts'
import { wgslTypes } from './words.ts'

interface SharedVariable {
  readonly name: string
  readonly type: string
  readonly words: number
  readonly isAlone?: true // no array
}

export function sharedOf({ rooms, told, group }: Sheet, { sizes }: Homes, leaders: string): readonly SharedVariable[] {
  const suffixes = { f32: 'told', i32: 'toldNumber', bool: 'toldTruth' } as const
  const all: readonly SharedVariable[] = [
    { name: rooms.tile, type: 'f32', words: sizes.tile },
    { name: rooms.mark, type: 'i32', words: sizes.mark },
    ...[...told].map((type) => ({
      name: `${rooms.tile}_${suffixes[type]}`,
      type: wgslTypes[type],
      words: 1,
      isAlone: true as const,
    })),
    { name: leaders, type: 'i32', words: group.quads.size > 0 ? group.size : 0 },
  ]
  return all.filter(({ words }) => words > 0)
}

export const declaration = ({ name, type, words, isAlone }: SharedVariable): string =>
  `var<workgroup> ${name}: ${isAlone ? type : `array<${type}, ${words}>`};`

/** As WebGPU counts: each variable begins at a multiple of 16. */
export const sharedBytes = (all: readonly SharedVariable[]): number =>
  all.reduce((sum, { words }) => sum + Math.ceil(words / 4) * 16, 0)
