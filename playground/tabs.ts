/** Tabs as the ARIA Authoring Practices have them: arrows go from one to the next, and show what it has. */
import { h } from './dom.ts'

export interface Tab {
  readonly name: string
  readonly title: string
  readonly panel: HTMLElement
}

export interface Tabs {
  readonly selected: () => string
  select(name: string): void
}

export function createTabs(
  list: HTMLElement,
  place: HTMLElement,
  tabs: readonly Tab[],
  onSelect: (name: string) => void,
): Tabs {
  let current = tabs[0]?.name ?? ''
  const buttons = tabs.map(({ name, title, panel }) => {
    panel.id = `panel-${name}`
    panel.setAttribute('role', 'tabpanel')
    panel.setAttribute('aria-labelledby', `tab-${name}`)
    panel.tabIndex = 0
    place.append(panel)
    const attributes = { id: `tab-${name}`, type: 'button', role: 'tab', 'aria-controls': panel.id }
    return h('button', { ...attributes, onclick: () => select(name) }, title)
  })
  list.append(...buttons)
  list.addEventListener('keydown', (event) => {
    const at = tabs.findIndex(({ name }) => name === current)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const n = (to + tabs.length) % tabs.length
    select(tabs[n]!.name)
    buttons[n]!.focus()
  })

  function select(name: string): void {
    current = name
    for (const [n, tab] of tabs.entries()) {
      const isCurrent = tab.name === name
      buttons[n]!.setAttribute('aria-selected', String(isCurrent))
      buttons[n]!.tabIndex = isCurrent ? 0 : -1
      tab.panel.hidden = !isCurrent
      if (isCurrent) buttons[n]!.scrollIntoView?.({ block: 'nearest', inline: 'nearest' })
    }
    onSelect(name)
  }
  select(current)
  return { selected: () => current, select }
}
