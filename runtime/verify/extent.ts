/** How much there is to compute at given lengths: a slip of a zero must not start work that never ends. */
import type { Attention } from '../../compiler/attention.ts'
import type { Sizes } from '../../compiler/interpret.ts'
import { children, type Expr } from '../../compiler/ir.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'

/** Of one input, which is kept whole. */
const mostElements = 2 ** 28
/** Of one step of the definition, which is computed element by element: hours. */
const mostSteps = 2 ** 40

export function checkExtent(attention: Attention, sizes: Sizes): Outcome<undefined> {
  const count = (axes: readonly string[]): number => axes.reduce((product, axis) => product * (sizes[axis] ?? 1), 1)
  const shape = (axes: readonly string[]): string => axes.map((axis) => `${axis}=${sizes[axis]}`).join(', ')
  const input = attention.inputs.find(({ axes }) => count(axes) > mostElements)
  if (input)
    return failed(
      problem(
        'ATTN0324',
        `an input ${input.name} of ${shape(input.axes)} is too large to verify`,
        `at most ${mostElements} elements are drawn`,
      ),
    )
  const { score, mask, weight, results } = attention
  const roots = [score, mask, weight, ...results.map(({ expr }) => expr)].filter((e) => e !== undefined)
  const large = findLargest(roots, count)
  if (count(large) <= mostSteps) return done(undefined)
  return failed(
    problem(
      'ATTN0324',
      `${attention.name} is too large to verify: one of its steps goes over ${shape(large)}`,
      `at most ${mostSteps} elements`,
    ),
  )
}

/** The axes of the node with most elements; what a reduction goes over stands in its body. */
function findLargest(roots: readonly Expr[], count: (axes: readonly string[]) => number): readonly string[] {
  const seen = new Set<Expr>()
  const open = [...roots]
  let largest: readonly string[] = []
  for (let e = open.pop(); e; e = open.pop()) {
    if (seen.has(e)) continue
    seen.add(e)
    if (count(e.axes) > count(largest)) largest = e.axes
    open.push(...children(e))
  }
  return largest
}
