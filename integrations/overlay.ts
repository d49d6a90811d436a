/** Findings as bundlers show them: what is wrong, where, and the lines of the source. */
import { resolve } from 'node:path'
import type { UnpluginMessage } from 'unplugin'
import { placeOf, renderFinding } from '../runtime/attnc-error.ts'
import { type Finding, hasPlace } from '../runtime/problem.ts'

/**
 * The first finding gives message and place; the frame has all, as the command line shows them. Bundlers that show no frame have it
 * in the message.
 */
export function messageOf(
  findings: readonly Finding[],
  framework: string,
): UnpluginMessage & { readonly frame?: string } {
  const texts = findings.map(render)
  const [first = { head: 'it does not compile', rest: '' }] = texts
  const frame = [first.rest, ...texts.slice(1).map(({ head, rest }) => `${head}\n${rest}`)].join('\n').trimEnd()
  const more = texts.length > 1 ? ` (and ${texts.length - 1} more)` : ''
  const place = locate(findings[0])
  const showsFrames = framework === 'vite' || framework === 'rollup' || framework === 'rolldown'
  if (showsFrames) return { message: `${first.head}${more}`, frame, plugin: 'attnc', ...place }
  return { message: [`${first.head}${more}`, frame].join('\n').trimEnd(), plugin: 'attnc', ...place }
}

function render(finding: Finding): { readonly head: string; readonly rest: string } {
  const [head = '', ...rest] = renderFinding(finding).split('\n')
  return { head, rest: rest.join('\n') }
}

/** Lines count from 1, columns from 0, as in source maps. */
function locate(finding: Finding | undefined): Pick<UnpluginMessage, 'id' | 'loc'> {
  if (finding === undefined || !hasPlace(finding)) return {}
  const { file, line, column } = placeOf(finding.at.span)
  const path = resolve(file)
  return { id: path, loc: { file: path, line, column: column - 1 } }
}
