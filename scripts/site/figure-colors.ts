/** The sheet of figures as a style of the site, whose switch between light and dark counts for more than what the reader prefers. */
import type { Plugin } from 'vitepress'
import { sheet } from '../../figures/style.ts'

const id = 'virtual:figure-colors.css'

export const figureColors: Plugin = {
  name: 'attnc:figure-colors',
  resolveId: (name) => (name === id ? `\0${id}` : undefined),
  load: (name) =>
    name === `\0${id}`
      ? [sheet(':root'), sheet('html:not(.dark)', 'light'), sheet('html.dark', 'dark')].join('\n')
      : undefined,
}
