/** Which tiles of its mask an attention skips. */
import type { Explanation } from '../../compiler/explain/explain.ts'
import { drawTiles } from '../../figures/tiles.ts'
import { h, svgOf } from '../dom.ts'

export const showMask = ({ attention, mask }: Explanation, width: number): HTMLElement =>
  h('article', {}, h('h2', {}, attention), svgOf(drawTiles(attention, mask, Math.min(width, 560))))
