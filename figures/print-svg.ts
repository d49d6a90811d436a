/** A figure as an SVG file that needs nothing else: light or dark as whoever shows it prefers. */
import { escapeControls } from '../grammar/render.ts'
import { type Figure, rootOf, type Shape, shape } from './shape.ts'
import { sheet } from './style.ts'

const margin = 16

export function printSvg(figure: Figure): string {
  const root = rootOf(figure)
  const { width, height } = figure
  const outer = { width: width + 2 * margin, height: height + 2 * margin }
  const attributes = { ...root.attributes, ...outer, viewBox: `${-margin} ${-margin} ${outer.width} ${outer.height}` }
  const parts = [
    shape('title', {}, figure.title),
    shape('desc', {}, figure.about),
    shape('style', {}, sheet(':root')),
    shape('rect', { class: 'paper', x: -margin, y: -margin, ...outer }),
    ...root.children,
  ]
  return `${printShape({ ...root, attributes, children: parts }, '')}\n`
}

/** A figure as an element of a page that has the sheet of figures already. */
export const printInPage = (figure: Figure): string => printShape(rootOf(figure), '')

function printShape({ tag, attributes, children }: Shape, indent: string): string {
  const words = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
  const open = `${indent}<${tag}${words.join('')}`
  if (children.length === 0) return `${open}/>`
  const texts = children.filter((child) => typeof child === 'string')
  if (texts.length > 0) return `${open}>${children.map((child) => printInline(child)).join('')}</${tag}>`
  const inner = children.map((child) => (typeof child === 'string' ? '' : printShape(child, `${indent}  `)))
  return `${open}>\n${inner.join('\n')}\n${indent}</${tag}>`
}

const printInline = (child: Shape | string): string =>
  typeof child === 'string' ? escaped(child) : printShape(child, '')

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** XML has no control characters, so they are shown as they are in messages. */
const escaped = (content: string): string =>
  content
    .split('\n')
    .map(escapeControls)
    .join('\n')
    .replace(/[&<>"]/g, (c) => entities[c] ?? c)
