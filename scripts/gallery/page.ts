/** The page of one example, as Markdown with pictures and formulas in it. */
import { listed } from '../../compiler/explain/layout.ts'
import type { Described } from '../../compiler/explain/mathematics.ts'
import { amount } from '../../compiler/explain/print-work.ts'
import type { Work } from '../../compiler/explain/work.ts'
import { drawPlan } from '../../figures/plan.ts'
import { printInPage } from '../../figures/print-svg.ts'
import type { Figure } from '../../figures/shape.ts'
import { drawTiles } from '../../figures/tiles.ts'
import type { Explanation } from '../../index.ts'
import type { Example } from './example.ts'
import { escaped, verbatim } from './html.ts'
import { setDefinitions } from './mathml.ts'
import type { Measured } from './measure.ts'

export function writePage(example: Example, measured: Measured): string {
  const { name, about, head, papers, source, explanations } = example
  const several = explanations.length > 1
  return `${[
    `---\ntitle: ${name}\ndescription: ${JSON.stringify(about)}\neditLink: false\n---`,
    `# ${name}`,
    verbatim('lead', `<p>${escaped(head)}</p>`),
    verbatim('papers', ...papers.map((paper) => `<p>${withTitle(escaped(paper))}</p>`)),
    `\`\`\`attn\n${source.trim()}\n\`\`\``,
    ...explanations.flatMap((one) => [
      ...(several ? [`## ${one.attention}`] : []),
      ...writeExplanation(one, several ? '###' : '##'),
    ]),
    '## Measured',
    ...writeMeasured(explanations, measured),
    '## Try it',
    `\`\`\`sh\nattnc explain ${example.path}\nattnc verify ${example.path}\nattnc bench ${example.path}\n\`\`\``,
  ].join('\n\n')}\n`
}

/** Titles stand in quotes; on a page they are set apart. */
const withTitle = (paper: string): string => paper.replaceAll(/&quot;(.+?)&quot;/g, '<cite>$1</cite>')

function writeExplanation(one: Explanation, level: string): readonly string[] {
  const { definitions, inputs, params, axes } = one.mathematics
  const given = [
    ...writeGiven('tensors', inputs),
    ...writeGiven('parameters', params),
    ...writeGiven('lengths', axes, ' '),
  ]
  return [
    `${level} Mathematics`,
    verbatim('equations', setDefinitions(definitions)),
    verbatim('given', '<dl>', ...given, '</dl>'),
    `${level} Mask`,
    '<!-- #region mask -->',
    picture((width) => drawTiles(one.attention, one.mask, width), [480, 320]),
    '<!-- #endregion mask -->',
    `${level} Plan`,
    picture((width) => drawPlan(one, width, false), [680, 320]),
  ]
}

function writeGiven(title: string, all: readonly Described[], sign = ': '): readonly string[] {
  if (all.length === 0) return []
  const items = all.map(({ name, text }) => `<code>${escaped(text === '' ? name : name + sign + text)}</code>`)
  return [`<dt>${title}</dt><dd>${items.join(' ')}</dd>`]
}

/** For wide and for narrow windows; one of them is shown. */
const picture = (draw: (width: number) => Figure, [wide, narrow]: readonly [number, number]): string =>
  verbatim(
    'pictures',
    `<div class="wide">${printInPage(draw(wide))}</div>`,
    `<div class="narrow">${printInPage(draw(narrow))}</div>`,
  )

// What is measured.

function writeMeasured(explanations: readonly Explanation[], { errors, code }: Measured): readonly string[] {
  const several = explanations.length > 1
  return [
    ...explanations.flatMap(({ attention, work }) => [
      `Work of ${several ? attention : 'a call'} with ${lengthsOf(work)}, by default tiles:`,
      writeWork(work),
    ]),
    'Errors against the definition in WebAssembly, on random inputs at the lengths of the `check` lines: the element that ' +
      'uses most of [what it is allowed](../numerics.md#how-far-off-a-result-may-be).',
    table(
      [
        ...(several ? ['attention'] : []),
        'stored as',
        'elements',
        'largest error',
        'hard bound',
        'six deviations',
        'verdict',
      ],
      errors.map(({ attention, dtype, elements, worst, verdict }) => [
        ...(several ? [attention] : []),
        dtype,
        String(elements),
        scientific(worst?.error),
        scientific(worst?.hard),
        scientific(worst && 6 * worst.expected),
        verdict,
      ]),
    ),
    'Generated code, with all that it needs:',
    table(
      ['target', 'file', 'lines', 'size'],
      code.map(({ target, file, lines, bytes }) => [target, `\`${file}\``, String(lines), `${amount(bytes)}B`]),
    ),
  ]
}

const lengthsOf = ({ sizes }: Work): string =>
  listed(Object.entries(sizes).map(([axis, length]) => `\`${axis} = ${length}\``))

function writeWork(w: Work): string {
  const memory = w.workspace.reduce((sum, { bytes }) => sum + bytes, 0)
  const pairs = w.passes.reduce((sum, one) => sum + one.pairs, 0)
  const dense = w.passes.reduce((sum, one) => sum + one.densePairs, 0)
  const share = dense === 0 ? [] : [['pairs left by the mask', `${Math.round((100 * pairs) / dense)} %`]]
  return table(
    ['', ''],
    [
      ...share,
      ['passes', String(w.passes.length)],
      ['operations', `${amount(w.flops)}flops`],
      ['read', `${amount(w.bytesRead)}B`],
      ['written', `${amount(w.bytesWritten)}B`],
      ['memory beside', `${amount(memory)}B`],
      ['intensity', `${Number(w.intensity.toPrecision(3))} flops/B`],
    ],
  )
}

const scientific = (x: number | undefined): string => (x === undefined ? '' : x === 0 ? '0' : x.toExponential(1))

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
