/** How an attention is computed, and how much work that is. */
import type { Explanation } from '../../compiler/explain/explain.ts'
import { printWork } from '../../compiler/explain/print-work.ts'
import { drawPlan } from '../../figures/plan.ts'
import { h, svgOf } from '../dom.ts'

export const showPlan = (explanation: Explanation, width: number): HTMLElement =>
  h(
    'article',
    {},
    h('h2', {}, explanation.attention),
    svgOf(drawPlan(explanation, Math.min(width, 760), false)),
    h('h3', {}, 'Work'),
    h('pre', { class: 'work', tabindex: 0, 'aria-label': 'Work' }, printWork(explanation.work).join('\n')),
  )
