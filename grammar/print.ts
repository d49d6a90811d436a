import type {
  Attention,
  AxisDecl,
  Block,
  Clause,
  Const,
  Fn,
  Import,
  InputDecl,
  Item,
  Name,
  Output,
  Param,
  Program,
  Range,
  Repeat,
  Setting,
  Statement,
} from './ast.ts'
import { blankLine, choice, comment, type Doc, group, hardLine, join, layOut, line, nest } from './layout.ts'
import { exprDoc, nameDoc, printExpr } from './print-expression.ts'
import { isBlankAfter, passed, type Remarks, remarksOf, takeBefore, takeLineEnd, takeOnLine } from './remarks.ts'
import type { Span } from './source.ts'

const width = 120

/**
 * The canonical text: one clause a line, words padded so that names stand under names, comments near where they were,
 * of empty lines at most one. Parses to an equal tree; the text of its own text is that text.
 */
export function printProgram(program: Program): string {
  const remarks = remarksOf(program)
  const entries = [...program.imports, ...program.items].sort((a, b) => a.span.start - b.span.start)
  const doc = stack(entries, remarks, {
    end: Number.POSITIVE_INFINITY,
    print: (entry) => itemDoc(entry, remarks),
    apart: (a, b) => a?.kind === 'attention' || (a !== undefined && b?.kind === 'attention'),
  })
  return layOut(doc, width)
}

interface Stack<T> {
  /** Comments up to here belong to the stack. */
  readonly end: number
  readonly print: (node: T) => Doc
  /** Whether an empty line parts two neighbours even where the source has none. */
  readonly apart?: (before: T | undefined, after: T | undefined) => boolean
  /** What follows a node on its line. */
  readonly separator?: (node: T, next: T | undefined) => Doc
  /** The line end where nothing asks for more. */
  readonly line?: Doc
}

/** Nodes below each other, with the comments and the empty lines between them. */
function stack<T extends { readonly span: Span }>(
  nodes: readonly T[],
  remarks: Remarks,
  how: Stack<T>,
): readonly Doc[] {
  const docs: Doc[] = []
  let place: number | undefined
  let previous: T | undefined
  const add = (doc: Doc, next: T | undefined, end: number) => {
    if (place !== undefined) {
      const blank = how.apart?.(previous, next) || isBlankAfter(remarks, place)
      docs.push(blank ? blankLine : (how.line ?? hardLine))
    }
    docs.push(doc)
    place = end
    previous = undefined
  }
  const addComments = (end: number, next: T | undefined) => {
    for (let doc = takeFirst(remarks, end); doc; doc = takeFirst(remarks, end)) add(doc, next, passed(remarks, 0))
  }
  nodes.forEach((node, i) => {
    addComments(node.span.start, node)
    const outer = remarks.limit
    remarks.limit = node.span.end
    const doc = how.print(node)
    remarks.limit = outer
    const separator = how.separator?.(node, nodes[i + 1]) ?? ''
    // a comment inside a node that nothing of it has taken goes to the end of its line, others below it
    const remark = takeFirst(remarks, node.span.end) ?? takeLineEnd(remarks, node.span.end)
    add([doc, separator, remark], node, 0)
    place = passed(remarks, node.span.end)
    previous = node
  })
  addComments(how.end, undefined)
  return docs
}

const takeFirst = (remarks: Remarks, end: number): Doc | undefined => {
  const start = remarks.comments[remarks.next]?.span.start
  return start !== undefined && start < end ? takeBefore(remarks, start + 1) : undefined
}

// Items and clauses.

function itemDoc(item: Item | Import, remarks: Remarks): Doc {
  switch (item.kind) {
    case 'import':
      return ['import "', item.path, '"']
    case 'attention':
      return attentionDoc(item, remarks)
    case 'fn':
      return [docLines(item), 'fn ', fnDoc(item, remarks)]
    case 'check':
      return [docLines(item), 'check ', settingsDoc(item.sizes, remarks)]
  }
}

const docLines = ({ doc }: { readonly doc?: string }): Doc =>
  doc === undefined ? '' : doc.split('\n').map((text): Doc => [comment(`/// ${text}`.trimEnd()), hardLine])

function attentionDoc(attention: Attention, remarks: Remarks): Doc {
  const { name, clauses, span } = attention
  const head: Doc = [docLines(attention), 'attention ', takeBefore(remarks, name.span.start), name.text, ' {']
  const opening = takeOnLine(remarks, name.span.end)
  const body = stack(clauses, remarks, {
    end: span.end,
    print: (clause) => [docLines(clause), clauseDoc(clause, remarks)],
  })
  const isEmpty = opening.length + body.length === 0
  return [head, opening, isEmpty ? '' : [nest(2, [hardLine, body]), hardLine], '}']
}

/** Words before names are padded to the longest of them, and so are words before an equals sign. */
const narrow = (word: string): string => `${word.padEnd(5)} `
const wide = (word: string): string => `${word.padEnd(9)} `

function clauseDoc(clause: Clause, remarks: Remarks): Doc {
  switch (clause.kind) {
    case 'axis':
      return [narrow('axis'), listDoc(clause.axes, remarks, axisDoc)]
    case 'input':
      return [narrow('input'), listDoc(clause.inputs, remarks, inputDoc)]
    case 'split': {
      const [axis, outer, inner] = [clause.axis, clause.outer, clause.inner].map((name) => nameDoc(name, remarks))
      const by = valueDoc(exprDoc(clause.by, remarks))
      return [narrow('split'), axis ?? '', ' into (', outer ?? '', ', ', inner ?? '', ') by ', by]
    }
    case 'param':
    case 'const':
      return [narrow(clause.kind), paramDoc(clause, remarks)]
    case 'let':
    case 'view':
      return [narrow(clause.kind), nameDoc(clause.name, remarks), ' = ', valueDoc(exprDoc(clause.value, remarks))]
    case 'fn':
      return [narrow('fn'), fnDoc(clause, remarks)]
    case 'score':
    case 'mask':
    case 'normalize':
      return [wide(clause.kind), '= ', valueDoc(exprDoc(clause.value, remarks))]
    case 'output':
      return [wide('output'), outputDoc(clause, remarks)]
    case 'tile': {
      const label: Doc = clause.label ? [nameDoc(clause.label, remarks), ' '] : ''
      return [wide('tile'), label, settingsDoc(clause.sizes, remarks)]
    }
    case 'precision':
      return [wide('precision'), nameDoc(clause.level, remarks)]
    case 'check':
      return [wide('check'), settingsDoc(clause.sizes, remarks)]
  }
}

/** A value after `=`: its further lines are set in. */
const valueDoc = (doc: Doc): Doc => nest(4, doc)

/** Declarations, below each other if they do not fit on a line. */
function listDoc<T extends { readonly span: Span }>(
  nodes: readonly T[],
  remarks: Remarks,
  print: (node: T, remarks: Remarks) => Doc,
): Doc {
  const docs = nodes.map((node, i): Doc => {
    const doc = [takeBefore(remarks, node.span.start), print(node, remarks)]
    return i + 1 < nodes.length ? [doc, ',', takeWithin(remarks, node.span.end), line] : doc
  })
  return group(nest(6, docs))
}

const takeWithin = (remarks: Remarks, place: number): readonly Doc[] =>
  (remarks.comments[remarks.next]?.span.start ?? remarks.limit) < remarks.limit ? takeLineEnd(remarks, place) : []

function axisDoc({ name, rule }: AxisDecl, remarks: Remarks): Doc {
  const axis = nameDoc(name, remarks)
  if (!rule) return axis
  if (rule.kind === 'length') return [axis, ' = ', exprDoc(rule.value, remarks)]
  return [axis, ` ${rule.kind} `, nameDoc(rule.of, remarks)]
}

function inputDoc({ name, axes, type, range }: InputDecl, remarks: Remarks): Doc {
  const head = nameDoc(name, remarks)
  const brackets = axes.length > 0 ? namesDoc(axes, remarks) : ''
  const typed = type ? [': ', nameDoc(type, remarks)] : ''
  return [head, brackets, typed, rangeDoc(range, remarks)]
}

const namesDoc = (names: readonly Name[], remarks: Remarks): Doc => [
  '[',
  join(
    ', ',
    names.map((name) => nameDoc(name, remarks)),
  ),
  ']',
]

const rangeDoc = (range: Range | undefined, remarks: Remarks): Doc =>
  range ? [' in [', exprDoc(range.low, remarks), ', ', exprDoc(range.high, remarks), ']'] : ''

function paramDoc({ name, type, value, range }: Param | Const, remarks: Remarks): Doc {
  const head = nameDoc(name, remarks)
  const typed = type ? [': ', nameDoc(type, remarks)] : ''
  const given = value ? [' = ', valueDoc(exprDoc(value, remarks))] : ''
  return [head, typed, given, rangeDoc(range, remarks)]
}

function outputDoc({ name, order, value }: Output, remarks: Remarks): Doc {
  const result = name ? nameDoc(name, remarks) : ''
  const ordered = order ? [' as ', namesDoc(order, remarks)] : ''
  return [result, ordered, name ? ' = ' : '', valueDoc(exprDoc(value, remarks))]
}

function settingsDoc(sizes: readonly Setting[], remarks: Remarks): Doc {
  if (sizes.length === 0) return '{}'
  const settings = sizes.map(({ name, value }, i): Doc => {
    const doc = [nameDoc(name, remarks), ' = ', exprDoc(value, remarks)]
    return i + 1 < sizes.length ? [doc, ',', takeWithin(remarks, value.span.end), line] : doc
  })
  return group(['{', nest(2, [line, settings]), line, '}'])
}

// Functions.

function fnDoc({ name, axes, params, body }: Fn, remarks: Remarks): Doc {
  const head: Doc = [nameDoc(name, remarks), axes.length > 0 ? namesDoc(axes, remarks) : '']
  const list: Doc = [
    '(',
    join(
      ', ',
      params.map((param) => nameDoc(param, remarks)),
    ),
    ') = ',
  ]
  return [head, list, body.kind === 'block' ? blockDoc(body, remarks) : valueDoc(exprDoc(body, remarks))]
}

function blockDoc(block: Block, remarks: Remarks): Doc {
  const { statements, value, span } = block
  const needed = /^[-(]/.test(printExpr(value))
  const body = stack<Statement | Block['value']>([...statements, value], remarks, {
    end: span.end,
    line,
    print: (node) => (isStatement(node) ? statementDoc(node, remarks) : exprDoc(node, remarks)),
    separator: (node, next) => {
      if (node.kind !== 'let') return ''
      return next === value && needed ? ';' : choice(';', '')
    },
  })
  return group(['{', nest(2, [line, body]), line, '}'])
}

const isStatement = (node: Statement | Block['value']): node is Statement =>
  node.kind === 'let' || node.kind === 'repeat'

function statementDoc(statement: Repeat['body'][number] | Repeat, remarks: Remarks): Doc {
  if (statement.kind === 'repeat') return repeatDoc(statement, remarks)
  const word = statement.kind === 'let' ? 'let ' : ''
  return [word, nameDoc(statement.name, remarks), ' = ', valueDoc(exprDoc(statement.value, remarks))]
}

function repeatDoc({ count, body, span }: Repeat, remarks: Remarks): Doc {
  const times = exprDoc(count, remarks)
  const statements = stack(body, remarks, {
    end: span.end,
    line,
    print: (node) => statementDoc(node, remarks),
    separator: (_node, next) => (next ? choice(';', '') : ''),
  })
  if (statements.length === 0) return ['repeat ', times, ' {}']
  return ['repeat ', times, ' ', group(['{', nest(2, [line, statements]), line, '}'])]
}
