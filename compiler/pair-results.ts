/** Values of pairs that may be asked for as results although no `output` names them: an attention map is the weights. */
import type { Attention, ResultDecl } from './attention.ts'
import { inMemoryOrder } from './check/axes.ts'

const pairValues = ['weight', 'score'] as const

/** The attention with those of them as results that `asked` names and that it has; their axes stand as those of any result. */
export function withPairResults(a: Attention, asked: readonly string[] = []): Attention {
  const added = pairValues.flatMap((name): readonly ResultDecl[] => {
    const expr = a[name]
    if (!expr || !asked.includes(name) || a.results.some((one) => one.name === name)) return []
    return [{ name, expr, axes: inMemoryOrder(expr.axes, a.axes), span: a.span }]
  })
  return added.length > 0 ? { ...a, results: [...a.results, ...added] } : a
}
