/** An explanation as a page of text, at most a hundred columns wide. */
import { escapeControls } from '../../grammar/render.ts'
import type { Explanation } from './explain.ts'
import { indented, pageWidth, wrap } from './layout.ts'
import type { Described, Mathematics } from './mathematics.ts'
import { printDefinitions } from './print-definitions.ts'
import { printMask } from './print-mask.ts'
import { printParts, printReasons } from './print-parts.ts'
import { printWork } from './print-work.ts'

export function printExplanation(e: Explanation): string {
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['What it computes', printMathematics(e.mathematics)],
    ['How it is computed', printParts(e.parts)],
    ['Why this way', printReasons(e.parts)],
    ['Precision', e.precision === 'fast' ? wrap(fast, width) : []],
    ['Tiles of the mask', printMask(e.mask)],
    ['Work', printWork(e.work)],
  ]
  const { file, line, column } = e.place
  const head = [
    e.attention,
    `  --> ${file}:${line}:${column}`,
    '',
    ...paragraphs(e.doc).flatMap((text) => wrap(text, pageWidth)),
  ]
  const body = sections.flatMap(([title, lines]) => (lines.length > 0 ? ['', title, '', ...indented(lines, 2)] : []))
  return `${[...head, ...body].map((line) => escapeControls(line.trimEnd())).join('\n')}\n`
}

/** Lines up to one that ends with a full stop belong together. */
const paragraphs = (doc: readonly string[]): readonly string[] =>
  doc
    .join('\n')
    .replace(/([^.\n])\n(?=[^\n])/g, '$1 ')
    .split('\n')

const width = pageWidth - 2

const fast =
  'fast: functions may be instructions of the hardware. On tensor cores tanh then has a relative error of 2^-11, and sigmoid, ' +
  'half of a tanh and a half, an absolute one of 2^-12, and f32 is rounded to tf32 where it is multiplied, with 2^-11; verify allows ' +
  'for that. Elsewhere functions and products are as with accurate.'

function printMathematics({ definitions, axes, inputs, params }: Mathematics): readonly string[] {
  return [
    ...printDefinitions(definitions, width),
    '',
    ...printList('tensors', inputs),
    ...printList('params', params),
    ...printList('lengths', axes, ' '),
  ]
}

function printList(title: string, all: readonly Described[], sign = ': '): readonly string[] {
  if (all.length === 0) return []
  const items = all.map(({ name, text }) => (text === '' ? name : `${name}${sign}${text}`)).join('; ')
  return wrap(`${title.padEnd(9)}${items}`, width, 9)
}
