/** How an attention is computed, and how much work that is. */
import type { Explanation } from '../../compiler/explain/explain.ts'
import { printWork } from '../../compiler/explain/print-work.ts'
import { drawPlan } from '../../figures/plan.ts'
import { h, svgOf } from '../dom.ts'

const letter = 7.3 // pixels that a letter of the page's work is wide at most

export const showPlan = (explanation: Explanation, width: number): HTMLElement =>
  h(
    'article',
    {},
    h('h2', {}, explanation.attention),
    svgOf(drawPlan(explanation, Math.min(width, 760), false)),
    h('h3', {}, 'Work'),
    h(
      'pre',
      { class: 'work', tabindex: 0, 'aria-label': 'Work' },
      printWork(explanation.work, Math.min(98, Math.floor(width / letter))).join('\n'),
    ),
  )
