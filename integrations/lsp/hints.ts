/** Inlay hints: the axes that were inferred for what clauses define. */
import { type InlayHint, InlayHintKind, type Range } from 'vscode-languageserver'
import type { Expr } from '../../compiler/ir.ts'
import { unionAxes } from '../../compiler/ir.ts'
import type * as ast from '../../grammar/ast.ts'
import type { Analysis } from './analysis.ts'
import { axesText } from './describe.ts'
import { offsetOf, positionOf } from './places.ts'

export function hintsIn(analysis: Analysis, range: Range): readonly InlayHint[] {
  const { file, recovered } = analysis
  const [start, end] = [offsetOf(file, range.start), offsetOf(file, range.end)]
  const attentions = recovered.program.items.filter((item) => item.kind === 'attention')
  return attentions
    .filter(({ span }) => span.start <= end && start <= span.end)
    .flatMap(({ clauses }) => clauses)
    .filter(({ span }) => span.start <= end && start <= span.end)
    .flatMap((clause) => hintOf(analysis, clause) ?? [])
}

function hintOf(analysis: Analysis, clause: ast.Clause): InlayHint | undefined {
  const value = 'value' in clause && clause.value ? analysis.valueOf(clause.value) : undefined
  if (!value) return undefined
  switch (clause.kind) {
    case 'let':
    case 'view':
      return at(analysis, clause.name.span.end, axesText(value.axes), value)
    case 'score':
      return at(analysis, clause.nameSpan.end, axesText(unionAxes(value.axes, ['i', 'j'])), value)
    case 'mask':
    case 'normalize':
      return at(analysis, clause.nameSpan.end, axesText(value.axes), value)
    case 'output':
      if (clause.order) return undefined
      return at(analysis, clause.name?.span.end ?? clause.span.start + 'output'.length, axesText(value.axes), value)
    case 'param':
    case 'const':
      return clause.type ? undefined : at(analysis, clause.name.span.end, `: ${value.type}`, value)
    default:
      return undefined
  }
}

function at({ file }: Analysis, offset: number, label: string, { type }: Expr): InlayHint | undefined {
  if (label === '') return undefined
  return {
    position: positionOf(file, offset),
    label,
    kind: InlayHintKind.Type,
    tooltip: `inferred; its elements are ${type}`,
  }
}
