/** The examples, with their mask pictures and plans: worked out when the page is built, by the compiler that the page has. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plugin } from 'vite'
import type { Explanation } from '../../compiler/explain/explain.ts'
import { study } from '../../index.ts'
import { drawn } from '../../runtime/drawn.ts'
import type { Example, Group } from '../examples.ts'
import { outlineOf } from '../outline.ts'

const root = resolve(import.meta.dirname, '../..')
const id = 'virtual:examples'
const resolved = `\0${id}`

export const examplesPlugin = (): Plugin => ({
  name: 'examples',
  resolveId: (name) => (name === id ? resolved : undefined),
  load: (name) => (name === resolved ? `export const groups = ${JSON.stringify(readGroups())}` : undefined),
})

/** In the order of docs/examples.md, which says in a few words what each is, and whose. */
export function readGroups(): readonly Group[] {
  const text = readFileSync(resolve(root, 'docs/examples.md'), 'utf8')
  const sections = text.split(/^## /m).slice(1)
  return sections.flatMap((section) => {
    const rows = section.matchAll(/^\| \[(\w+)\]\(\S+\) \| (.+?) \| (.+?) \|$/gm)
    const examples = Array.from(rows, ([, name = '', about = '', paper = '']) => readExample(name, about, paper))
    return examples.length > 0 ? [{ title: section.slice(0, section.indexOf('\n')).trim(), examples }] : []
  })
}

function readExample(name: string, about: string, paper: string): Example {
  const source = readFileSync(resolve(root, `examples/${name}.attn`), 'utf8')
  const studied = study({ path: `${name}.attn`, text: source })
  if (!studied.ok) throw new Error(`examples/${name}.attn has errors`)
  const { explanations } = studied.value.explain({ draw: drawn })
  const [first] = explanations
  if (!first) throw new Error(`examples/${name}.attn has no attention`)
  return { name, about, paper, source, plan: outlineOf(first), cells: cellsOf(first) }
}

/** A letter for each cell; a mask that admits all has none. */
function cellsOf({ mask }: Explanation): readonly string[] {
  if (mask === null) return []
  if ('unknown' in mask) throw new Error(`a mask that depends on ${mask.unknown.join(', ')} has no picture`)
  return mask.cells.map((line) => line.map((kind) => kind[0]).join(''))
}
