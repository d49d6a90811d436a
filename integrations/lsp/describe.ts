/** What is said of a declaration in hovers, completions and hints. */
import { library } from '../../compiler/check/check.ts'
import { signature } from '../../compiler/check/functions.ts'
import type { Expr } from '../../compiler/ir.ts'
import type * as ast from '../../grammar/ast.ts'
import { textOf } from '../../grammar/source.ts'
import type { Declaration } from './declarations.ts'
import { meaningOfAxis, meaningOfBuiltin, meaningOfName } from './words.ts'

/** `[b, h, i, j]`, and nothing for what varies over no axis. */
export const axesText = (axes: readonly string[]): string => (axes.length === 0 ? '' : `[${axes.join(', ')}]`)

/** `score[b, h, i, j]: f32` */
export const typed = (name: string, value: Pick<Expr, 'axes' | 'type'> | undefined): string =>
  value ? `${name}${axesText(value.axes)}: ${value.type}` : name

export interface Description {
  readonly code: string // as source text
  readonly text: string
}

/** @param value  what the checker makes of the name, where it has one */
export function describe({ kind, name, node, at, doc }: Declaration, value: Expr | undefined): Description {
  const own = doc ?? ''
  switch (kind) {
    case 'function':
      return {
        code: `fn ${signature(node as ast.Fn)}`,
        text: paragraphs(own, at?.file === library ? 'of the standard library' : ''),
      }
    case 'builtin':
      return { code: meaningOfBuiltin[name]?.call ?? name, text: meaningOfBuiltin[name]?.is ?? '' }
    case 'axis':
    case 'axis parameter':
      return { code: axisCode(name, node), text: paragraphs(own, axisText(kind, name, node)) }
    case 'input':
      return { code: node ? `input ${textOf(node.span)}` : `input ${name}`, text: own }
    case 'predefined':
      return { code: typed(name, value), text: paragraphs(own, meaningOfName[name] ?? '') }
    case 'attention':
      return { code: `attention ${name}`, text: own }
    case 'variable':
      return { code: typed(name, value), text: 'the variable of `solve`' }
    case 'parameter':
      return {
        code: typed(name, value),
        text: paragraphs(own, value ? 'a parameter, as the first call gives it' : 'a parameter'),
      }
    default:
      return { code: `${kind} ${typed(name, value)}`, text: own }
  }
}

const paragraphs = (...all: readonly string[]): string => all.filter((text) => text !== '').join('\n\n')

function axisCode(name: string, node: Declaration['node']): string {
  if (node?.kind === 'split' || node?.kind === 'axis-decl')
    return node.kind === 'split' ? textOf(node.span) : `axis ${textOf(node.span)}`
  return `axis ${name}`
}

function axisText(kind: Declaration['kind'], name: string, node: Declaration['node']): string {
  if (kind === 'axis parameter') return 'an axis that the caller names'
  if (node?.kind === 'split')
    return name === node.outer.text
      ? `${node.axis.text} div ${textOf(node.by.span)}`
      : `${node.axis.text} % ${textOf(node.by.span)}`
  return meaningOfAxis[name] ?? (node?.kind === 'axis-decl' && !node.rule ? 'its length comes from the inputs' : '')
}
