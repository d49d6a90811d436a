import type { Binary, BinaryOp, Call, Expr, Name, Substitute } from './ast.ts'
import { type Doc, group, join, layOut, line, nest, softLine } from './layout.ts'
import { noRemarks, type Remarks, takeAfter, takeBefore } from './remarks.ts'

/** How tightly an operator binds. */
const bindings: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '==': 4,
  '!=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
  div: 6,
  '^': 8,
}
const [whole, notBinding, signBinding, postfixBinding] = [0, 3, 7, 9]

/** On one line, without comments. */
export const printExpr = (e: Expr): string => layOut(exprDoc(e, noRemarks()), Number.POSITIVE_INFINITY).trimEnd()

/** With the parentheses it needs where at least `binding` is asked for, and those that part `and` from `or`. */
export function exprDoc(e: Expr, remarks: Remarks, binding = whole): Doc {
  const needed = bindingOf(e) < binding
  const doc = group(bareDoc(e, remarks))
  const of = needed ? ['(', nest(1, doc), ')'] : doc
  return [of, takeAfter(remarks, e.span.end)]
}

function bindingOf(e: Expr): number {
  if (e.kind === 'if') return whole
  if (e.kind === 'unary') return e.op === 'not' ? notBinding : signBinding
  return e.kind === 'binary' ? bindings[e.op] : postfixBinding
}

function bareDoc(e: Expr, remarks: Remarks): Doc {
  switch (e.kind) {
    case 'number':
      return [takeBefore(remarks, e.span.start), e.text]
    case 'bool':
      return [takeBefore(remarks, e.span.start), e.value ? 'true' : 'false']
    case 'name':
      return nameDoc(e, remarks)
    case 'call':
      return callDoc(e, remarks)
    case 'substitute':
      return substituteDoc(e, remarks)
    case 'unary':
      return e.op === 'not' ? ['not ', exprDoc(e.of, remarks, notBinding)] : ['-', exprDoc(e.of, remarks, signBinding)]
    case 'binary':
      return binaryDoc(e, remarks)
    case 'if': {
      const condition = exprDoc(e.condition, remarks)
      const yes = exprDoc(e.yes, remarks)
      return ['if ', condition, line, 'then ', yes, line, 'else ', exprDoc(e.no, remarks)]
    }
    case 'solve': {
      const head: Doc = ['solve(', nameDoc(e.variable, remarks), ' in [', exprDoc(e.low, remarks), ', ']
      return [head, exprDoc(e.high, remarks), ']:', nest(4, [line, exprDoc(e.of, remarks)]), ')']
    }
  }
}

export const nameDoc = (name: Name, remarks: Remarks): Doc => [
  takeBefore(remarks, name.span.start),
  name.text,
  takeAfter(remarks, name.span.end),
]

function callDoc({ callee, axes, where, args }: Call, remarks: Remarks): Doc {
  const name = nameDoc(callee, remarks)
  const names = join(
    ', ',
    axes.map((axis) => nameDoc(axis, remarks)),
  )
  const condition: Doc = where ? [' where ', exprDoc(where, remarks)] : ''
  const brackets: Doc = axes.length > 0 ? ['[', names, condition, ']'] : ''
  const list = join(
    [',', line],
    args.map((arg) => exprDoc(arg, remarks)),
  )
  return [name, brackets, '(', group([nest(2, [softLine, list]), softLine]), ')']
}

function substituteDoc({ of, items }: Substitute, remarks: Remarks): Doc {
  const whole = exprDoc(of, remarks, postfixBinding)
  const list = items.map(({ axis, index, elseZero }): Doc => {
    const name = nameDoc(axis, remarks)
    return [name, ' = ', exprDoc(index, remarks), elseZero ? ' else 0' : '']
  })
  return [whole, '[', group([nest(2, [softLine, join([',', line], list)]), softLine]), ']']
}

function binaryDoc(e: Binary, remarks: Remarks): Doc {
  const own = bindings[e.op]
  if (e.op === '^') {
    const left = exprDoc(e.left, remarks, postfixBinding)
    return [left, ' ^ ', exprDoc(e.right, remarks, signBinding)]
  }
  const chain = own === 4 ? [e] : chainOf(e)
  const first = chain[0] ?? e
  // comparisons do not chain; what else is on the left of its like needs no parentheses
  const docs: Doc[] = [exprDoc(first.left, remarks, own === 4 ? own + 1 : operandBinding(e.op, own))]
  for (const { op, right } of chain) docs.push([line, op, ' ', exprDoc(right, remarks, operandBinding(op, own + 1))])
  return docs
}

/** `and` in an operand of `or` gets parentheses that it does not need, for the reader. */
const operandBinding = (op: BinaryOp, binding: number): number => (op === 'or' ? bindings.and + 1 : binding)

/** `a + b - c` as its two operations, the first one first; without recursion, since chains may be long. */
function chainOf(e: Binary): readonly Binary[] {
  const chain = [e]
  for (let left = e.left; left.kind === 'binary' && bindings[left.op] === bindings[e.op]; left = left.left) {
    chain.push(left)
  }
  return chain.reverse()
}
