/** What stands in the sidebar: the documents in the order in which they are read, then the examples by kind. */
import type { DefaultTheme } from 'vitepress'
import { readEntries } from '../gallery/example.ts'

const guide: DefaultTheme.SidebarItem[] = [
  { text: 'Getting started', link: '/getting-started' },
  { text: 'The language', link: '/language' },
  { text: 'The command line', link: '/command-line' },
  { text: 'The library', link: '/library' },
  { text: 'Build integrations', link: '/build-integrations' },
  { text: 'The tuner', link: '/tuner' },
  { text: 'The playground', link: '/playground' },
  { text: 'Editors', link: '/editor' },
  { text: 'Errors', link: '/errors' },
]
const targets = ['ts', 'native', 'cuda', 'wgsl'].map((name) => ({ text: name, link: `/targets/${name}` }))
const inside: DefaultTheme.SidebarItem[] = [
  { text: 'Numbers', link: '/numerics' },
  { text: 'The planner', link: '/planner' },
  { text: 'Architecture', link: '/architecture' },
  { text: 'Add an operator', link: '/add-an-operator' },
  { text: 'Add a target', link: '/add-a-target' },
]

export function sidebar(): DefaultTheme.SidebarMulti {
  const sections = Map.groupBy(readEntries(), ({ section }) => section)
  const gallery = [...sections].map(([text, entries]) => ({
    text,
    items: entries.map(({ name }) => ({ text: name, link: `/gallery/${name}` })),
  }))
  return {
    '/': [
      { text: 'Guide', items: guide },
      { text: 'Targets', items: targets },
      { text: 'How it works', items: inside },
      { text: 'Gallery', link: '/gallery/' },
    ],
    '/gallery/': [{ text: 'All examples', link: '/gallery/' }, ...gallery],
  }
}
