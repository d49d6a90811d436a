/** The derived state of rows: what a pass carries from tile to tile, as `attnc explain` has it. */
import type { Attention } from '../../compiler/attention.ts'
import type { ExplainedPart } from '../../compiler/explain/parts.ts'
import { explainOne } from '../../index.ts'
import { axesText } from './describe.ts'

const shown = new WeakMap<Attention, string>()

/** As Markdown. */
export function showStates(attention: Attention): string {
  const known = shown.get(attention)
  if (known !== undefined) return known
  const text = explainOne(attention).parts.map(showPart).join('\n\n')
  shown.set(attention, text)
  return text
}

function showPart(part: ExplainedPart): string {
  switch (part.kind) {
    case 'stream': {
      const results = part.finish.map(({ name }) => name).join(', ')
      const passes = part.passes.length === 1 ? 'one pass' : `${part.passes.length} passes`
      const head = `**Row state** of ${code(results)}: rows over ${code(part.row)}, ${passes} over ${code(part.streams.join(', '))}`
      return [head, ...part.passes.map(({ state }) => table(state))].join('\n\n')
    }
    case 'vector':
      return `${code(part.results.map(({ name }) => name).join(', '))}: element by element`
    case 'rounds':
      return [`Repeated ${code(part.count)} times:`, ...part.parts.map(showPart)].join('\n\n')
    case 'materialised':
      return `${code(part.reason.of.join(', '))}: materialised, ${part.reason.why}`
  }
}

const table = (rows: readonly { name: string; axes: readonly string[]; is: string; empty: string }[]): string =>
  [
    '| state | is | empty |',
    '| --- | --- | --- |',
    ...rows.map(({ name, axes, is, empty }) => `| ${code(name + axesText(axes))} | ${code(is)} | ${code(empty)} |`),
  ].join('\n')

/** In a table a bar would end the cell, also within code. */
const code = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``
