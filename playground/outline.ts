/** A plan in one line, for a gallery. */
import type { Explanation } from '../compiler/explain/explain.ts'
import { listed } from '../compiler/explain/layout.ts'
import type { ExplainedPart } from '../compiler/explain/parts.ts'

export const outlineOf = ({ parts }: Explanation): string => parts.map(outlineOfPart).join('; then ')

function outlineOfPart(part: ExplainedPart): string {
  switch (part.kind) {
    case 'stream': {
      const { passes, streams, row } = part
      const kept = [...new Set(passes.flatMap(({ state }) => state.map(({ name }) => name)))]
      const times = passes.length === 1 ? 'one pass' : `${passes.length} passes`
      return `${times} over ${listed(streams)} for each ${row}, keeping ${listed(kept)}`
    }
    case 'vector':
      return `${listed(part.results.map(({ name }) => name))} element by element`
    case 'rounds':
      return `${part.count} rounds of ${part.parts.map(outlineOfPart).join(' and ')}`
    case 'materialised':
      return `${listed(part.results.map(({ name }) => name))} in memory`
  }
}
