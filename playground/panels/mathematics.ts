/** An attention as it was understood: every named part with its axes, and what is given. */
import type { Definition } from '../../compiler/explain/define.ts'
import type { Explanation } from '../../compiler/explain/explain.ts'
import { titled } from '../../compiler/explain/layout.ts'
import type { Described } from '../../compiler/explain/mathematics.ts'
import { h } from '../dom.ts'

export function showMathematics(explanation: Explanation): HTMLElement {
  const { attention, doc, mathematics } = explanation
  return h(
    'article',
    { class: 'mathematics' },
    h('h2', {}, attention),
    ...paragraphs(doc).map((text) => h('p', {}, text)),
    ...equations(mathematics.definitions),
    ...given('Tensors', mathematics.inputs),
    ...given('Parameters', mathematics.params),
    ...given('Lengths', mathematics.axes),
  )
}

/** Lines up to one that ends a sentence belong together. */
const paragraphs = (doc: readonly string[]): readonly string[] =>
  doc
    .join('\n')
    .replace(/([^.\n])\n(?=[^\n])/g, '$1 ')
    .split('\n')
    .filter((line) => line !== '')

function equations(all: readonly Definition[]): readonly HTMLElement[] {
  if (all.length === 0) return []
  return [h('dl', { class: 'equations' }, ...all.flatMap(equation))]
}

function equation(definition: Definition): readonly HTMLElement[] {
  const { formula, rounds } = definition
  const name = h('dt', {}, titled(definition))
  if (!rounds) return [name, h('dd', {}, formula)]
  const from = rounds.from.map((line) => `${line.name} = ${line.formula}`).join(', ')
  return [name, h('dd', {}, `${formula}, from ${from}:`, ...equations(rounds.lines))]
}

function given(title: string, all: readonly Described[]): readonly HTMLElement[] {
  if (all.length === 0) return []
  const items = all.flatMap(({ name, text }) => [h('dt', {}, name), h('dd', {}, text)])
  return [h('h3', {}, title), h('dl', { class: 'given' }, ...items)]
}
