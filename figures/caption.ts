/** Running text below a figure. Letters are as wide as those of common fonts at most: nobody has measured them. */
import { wrap } from '../compiler/explain/layout.ts'
import { displayWidth } from '../grammar/display.ts'
import { type Shape, text } from './shape.ts'

const letter = 6.2 // of 11 pixels, without serifs
const lineHeight = 16

/** Pixels that a text of 11 pixels may take. */
export const textWidth = (content: string): number => displayWidth(content) * letter

export interface Block {
  readonly height: number
  readonly shapes: readonly Shape[]
}

export function captionOf(content: string, top: number, width: number): Block {
  const lines = wrap(content, Math.max(12, Math.floor((width - 8) / letter)))
  const shapes = lines.map((line, n) => text(4, top + n * lineHeight, line, { class: 'quiet small' }))
  return { height: lines.length * lineHeight, shapes }
}
