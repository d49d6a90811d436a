/** What is wrong with the source, below the editor: where, what to do, and a button that does it. */
import { h } from './dom.ts'
import type { Remark } from './remarks.ts'

export interface Deeds {
  goTo(remark: Remark): void
  mend(remark: Remark): void
}

export function showProblems(place: HTMLElement, remarks: readonly Remark[], deeds: Deeds): void {
  const items = remarks.map((one) => h('li', { class: one.severity }, ...itemOf(one, deeds)))
  const what = remarks.length === 0 ? h('p', { class: 'fine' }, 'No problems') : h('ul', {}, ...items)
  place.replaceChildren(what)
}

function itemOf(remark: Remark, { goTo, mend }: Deeds): readonly HTMLElement[] {
  const { severity, code, message, hint, line, column, notes, fix } = remark
  const head = h(
    'button',
    { type: 'button', class: 'go', onclick: () => goTo(remark) },
    h('b', {}, severity),
    h('span', { class: 'place' }, `${line}:${column}`),
    h('span', {}, message),
    h('span', { class: 'code' }, code),
  )
  return [
    head,
    ...(hint ? [h('p', {}, hint)] : []),
    ...notes.map((note) => h('p', { class: 'quiet' }, note)),
    ...(fix.length > 0 ? [h('button', { type: 'button', class: 'mend', onclick: () => mend(remark) }, 'Mend')] : []),
  ]
}
