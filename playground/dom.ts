/** Elements of the page, and figures as SVG. No text is ever parsed as HTML. */
import { type Figure, rootOf, type Shape } from '../figures/shape.ts'

type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void)>>

/** An attribute `on…` is a listener, `true` an attribute without a value, `false` none. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value)
    else if (value !== false) made.setAttribute(name, value === true ? '' : String(value))
  }
  made.append(...children)
  return made
}

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no element ${id}`)
  return found as T
}

export const svgOf = (figure: Figure): SVGElement => nodeOf(rootOf(figure)) as SVGElement

function nodeOf({ tag, attributes, children }: Shape): Element {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'xml:space') made.setAttributeNS('http://www.w3.org/XML/1998/namespace', name, String(value))
    else if (name !== 'xmlns') made.setAttribute(name, String(value))
  }
  made.append(...children.map((child) => (typeof child === 'string' ? child : nodeOf(child))))
  return made
}
