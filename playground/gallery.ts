/** All examples with their mask pictures and plans, to choose from. */
import { drawThumbnail } from '../figures/tiles.ts'
import { h, svgOf } from './dom.ts'
import { cellsOf, type Example, type Group } from './examples.ts'

export interface Gallery {
  open(): void
}

export function createGallery(
  dialog: HTMLDialogElement,
  groups: readonly Group[],
  onChoose: (name: string) => void,
): Gallery {
  const search = h('input', {
    type: 'text',
    'aria-label': 'Search the examples',
    placeholder: 'Search',
    oninput: () => filter(),
  })
  const close = h('button', { type: 'button', onclick: () => dialog.close() }, 'Close')
  const title = h('h2', { id: 'gallery-title' }, 'Gallery')
  const none = h('p', { class: 'quiet', role: 'status' })
  const sections = groups.map((group) => sectionOf(group, choose))
  dialog.append(h('div', { class: 'bar' }, title, search, close), none)
  let isFilled = false

  function choose(name: string): void {
    dialog.close()
    onChoose(name)
  }
  function filter(): void {
    const words = search.value.toLowerCase().split(/\s+/)
    let found = 0
    for (const { section, cards } of sections) {
      let inSection = 0
      for (const { card, text } of cards) {
        card.hidden = !words.every((word) => text.includes(word))
        if (!card.hidden) inSection += 1
      }
      section.hidden = inSection === 0
      found += inSection
    }
    none.textContent = found === 0 ? `No example has "${search.value}" in its name, its plan or its paper.` : ''
  }
  return {
    /** Pictures are drawn when they are first looked at. */
    open() {
      if (!isFilled) {
        for (const { section, cards } of sections) {
          for (const { draw } of cards) draw()
          dialog.append(section)
        }
        isFilled = true
      }
      dialog.showModal()
      search.focus()
    },
  }
}

interface Card {
  readonly card: HTMLElement
  readonly text: string
  readonly draw: () => void
}

function sectionOf({ title, examples }: Group, choose: (name: string) => void) {
  const cards = examples.map((example) => cardOf(example, choose))
  const list = h('ul', { class: 'cards' }, ...cards.map(({ card }) => card))
  return { section: h('section', {}, h('h3', {}, title), list), cards }
}

function cardOf(example: Example, choose: (name: string) => void): Card {
  const { name, about, papers, plan } = example
  const picture = h('span', { class: 'picture' })
  const button = h(
    'button',
    { type: 'button', onclick: () => choose(name) },
    picture,
    h(
      'span',
      { class: 'text' },
      h('b', { class: 'card-name' }, name),
      h('span', {}, about),
      ...papers.map((paper) => h('span', { class: 'paper' }, paper)),
      h('span', { class: 'plan' }, plan),
    ),
  )
  const text = [name, about, ...papers, plan].join(' ').toLowerCase()
  return {
    card: h('li', {}, button),
    text,
    draw: () => picture.append(svgOf(drawThumbnail(name, cellsOf(example), 72))),
  }
}
