/** The examples as docs/examples.md lists them, each with what its file and the compiler say of it. */
import { readFileSync } from 'node:fs'
import { type Explanation, explain, type SourceFile } from '../../index.ts'
import { drawn } from '../../runtime/drawn.ts'

const root = new URL('../../', import.meta.url)

/** A row of docs/examples.md. */
export interface Entry {
  readonly name: string
  readonly path: string // in the repository
  readonly section: string
  readonly about: string // in a few words
  readonly paper: string // author and year
}

export interface Example extends Entry {
  readonly file: SourceFile
  readonly head: string // what it is, in sentences
  readonly papers: readonly string[] // in full
  readonly source: string // without its head
  readonly explanations: readonly Explanation[]
}

export function readEntries(): readonly Entry[] {
  const sections = readFileSync(new URL('docs/examples.md', root), 'utf8').split(/^## /m).slice(1)
  return sections.flatMap((text) => {
    const section = text.slice(0, text.indexOf('\n'))
    const rows = text.matchAll(/^\| \[(\w+)\]\(\.\.\/(examples\/\w+\.attn)\) \| (.+) \| (.+) \|$/gm)
    return [...rows].map(([, name = '', path = '', about = '', paper = '']) => ({ name, path, section, about, paper }))
  })
}

export function readExample(entry: Entry): Example {
  const file = { path: entry.path, text: readFileSync(new URL(entry.path, root), 'utf8') }
  const explained = explain(file, { draw: drawn })
  if (!explained.ok) throw new Error(`${entry.path}: ${explained.diagnostics.map((d) => d.message).join('; ')}`)
  const [doc = ''] = /^(?:\/\/\/ .*\n)+/.exec(file.text) ?? []
  const { head, papers } = splitHead(doc.trimEnd().split('\n'))
  return {
    ...entry,
    file,
    head,
    papers,
    source: file.text.slice(doc.length),
    explanations: explained.value.explanations,
  }
}

/** Papers begin where the last sentence does that begins a line, and stand with `;` between them. */
function splitHead(lines: readonly string[]): Pick<Example, 'head' | 'papers'> {
  const texts = lines.map((line) => line.slice('/// '.length))
  const start = texts.findLastIndex((_, n) => n > 0 && texts[n - 1]?.endsWith('.'))
  const papers = texts.slice(start).join(' ').replace(/\.$/, '').split('; ')
  const strange = papers.find((paper) => !/"[^"]+", (19|20)\d\d/.test(paper))
  if (start < 1 || strange !== undefined) throw new Error(`no papers at the end of '${texts.join(' ')}'`)
  return { head: texts.slice(0, start).join(' '), papers }
}
