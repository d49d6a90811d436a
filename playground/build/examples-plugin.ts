/** The examples, with their mask pictures and plans: worked out when the page is built, by the compiler that the page has. */
import type { Plugin } from 'vite'
import type { Explanation } from '../../compiler/explain/explain.ts'
import { type Entry, readEntries, readExample } from '../../scripts/gallery/example.ts'
import type { Example, Group } from '../examples.ts'
import { outlineOf } from '../outline.ts'

const id = 'virtual:examples'
const resolved = `\0${id}`

export const examplesPlugin = (): Plugin => ({
  name: 'examples',
  resolveId: (name) => (name === id ? resolved : undefined),
  load: (name) => (name === resolved ? `export const groups = ${JSON.stringify(readGroups())}` : undefined),
})

/** In the order of docs/examples.md. */
export const readGroups = (): readonly Group[] =>
  [...Map.groupBy(readEntries(), ({ section }) => section)].map(([title, entries]) => ({
    title,
    examples: entries.map(exampleOf),
  }))

function exampleOf(entry: Entry): Example {
  const { name, about, file, papers, explanations } = readExample(entry)
  const [first] = explanations
  if (!first) throw new Error(`${entry.path} has no attention`)
  return { name, about, papers, source: file.text, plan: outlineOf(first), cells: cellsOf(first) }
}

/** A letter for each cell; a mask that admits all has none. */
function cellsOf({ mask }: Explanation): readonly string[] {
  if (mask === null) return []
  if ('unknown' in mask) throw new Error(`a mask that depends on ${mask.unknown.join(', ')} has no picture`)
  return mask.cells.map((line) => line.map((kind) => kind[0]).join(''))
}
