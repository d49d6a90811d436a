/**
 * The program as written: one node per piece of syntax, a span on each. Nothing is resolved here: a name is a text
 * and a place, a type is a name, `size(j)` is a call, and what may stand where is for the checker to say.
 * Parentheses are not nodes; the span of an expression in parentheses includes them.
 */
import type { SourceFile, Span } from './source.ts'

export interface Program {
  readonly kind: 'program'
  readonly file: SourceFile
  readonly imports: readonly Import[]
  /** In source order. */
  readonly items: readonly Item[]
  /** Every comment that is not a node's `doc`, in source order. */
  readonly comments: readonly Comment[]
}

interface Node {
  readonly span: Span
}

interface Documented extends Node {
  /** The lines of `///` before the node, without the slashes and one blank after them, joined by a line feed. */
  readonly doc?: string
}

export interface Name extends Node {
  readonly kind: 'name'
  readonly text: string
}

/** `// text`, the slashes included. */
export interface Comment extends Node {
  readonly kind: 'comment'
  readonly text: string
}

// What stands in a file.

export type Item = Fn | Attention | Check

/** `import "path"`: the path as written, without the quotes. */
export interface Import extends Node {
  readonly kind: 'import'
  readonly path: string
  readonly pathSpan: Span
}

export interface Attention extends Documented {
  readonly kind: 'attention'
  readonly name: Name
  /** In source order; their order means nothing. */
  readonly clauses: readonly Clause[]
}

/** `fn name[axes](params) = body`; stands in a file or in an attention. */
export interface Fn extends Documented {
  readonly kind: 'fn'
  readonly name: Name
  readonly axes: readonly Name[]
  readonly params: readonly Name[]
  readonly body: Expr | Block
}

/** `check { b = 1, i = 33 }`; stands in a file, for all attentions of it, or in an attention. */
export interface Check extends Documented {
  readonly kind: 'check'
  readonly sizes: readonly Setting[]
}

/** `name = 64`: an integer of 0 or more for an axis. */
export interface Setting extends Node {
  readonly kind: 'setting'
  readonly name: Name
  readonly value: NumberLiteral
}

// What stands in an attention.

export type Clause =
  | AxisClause
  | Split
  | InputClause
  | Param
  | Const
  | Let
  | View
  | Fn
  | Definition
  | Output
  | Tile
  | Precision
  | Check

/** `axis g divides h, a like h, r = 32, m`. */
export interface AxisClause extends Documented {
  readonly kind: 'axis'
  readonly axes: readonly AxisDecl[]
}

export interface AxisDecl extends Node {
  readonly kind: 'axis-decl'
  readonly name: Name
  /** Absent: the length comes from the inputs. */
  readonly rule?: AxisRule
}

export type AxisRule =
  | { readonly kind: 'divides'; readonly of: Name; readonly span: Span }
  | { readonly kind: 'like'; readonly of: Name; readonly span: Span }
  | { readonly kind: 'length'; readonly value: Expr; readonly span: Span }

/** `split axis into (outer, inner) by size`: outer is axis div size, inner is axis % size. */
export interface Split extends Documented {
  readonly kind: 'split'
  readonly axis: Name
  readonly outer: Name
  readonly inner: Name
  readonly by: Expr
}

/** `input q[b, h, i, d], r[h]: f32 in [0, 1], x: f32`. */
export interface InputClause extends Documented {
  readonly kind: 'input'
  readonly inputs: readonly InputDecl[]
}

export interface InputDecl extends Node {
  readonly kind: 'input-decl'
  readonly name: Name
  /** Empty for a scalar. */
  readonly axes: readonly Name[]
  readonly type?: Name
  readonly range?: Range
}

/** `in [low, high]`, both included; the span is that of the brackets. */
export interface Range extends Node {
  readonly kind: 'range'
  readonly low: Expr
  readonly high: Expr
}

/** `param name: type = value in [low, high]`: given at run time. */
export interface Param extends Documented {
  readonly kind: 'param'
  readonly name: Name
  readonly type?: Name
  readonly value?: Expr
  readonly range?: Range
}

/** As a param, but fixed at compile time. */
export interface Const extends Documented {
  readonly kind: 'const'
  readonly name: Name
  readonly type?: Name
  readonly value?: Expr
  readonly range?: Range
}

/** `let name = value`: a clause, or a statement of a block or of a repeat. Only as a clause it has a doc. */
export interface Let extends Documented {
  readonly kind: 'let'
  readonly name: Name
  readonly value: Expr
}

export interface View extends Documented {
  readonly kind: 'view'
  readonly name: Name
  readonly value: Expr
}

/** `score = value` and its like; `nameSpan` is that of the word. */
export interface Definition extends Documented {
  readonly kind: 'score' | 'mask' | 'normalize'
  readonly nameSpan: Span
  readonly value: Expr
}

/** `output value`, `output name = value`, `output name as [h, b, i] = value`. */
export interface Output extends Documented {
  readonly kind: 'output'
  readonly name?: Name
  /** The axes after `as`. */
  readonly order?: readonly Name[]
  readonly value: Expr
}

/** `tile { i = 64, j = 64 }`, `tile label { i = 64 }`. */
export interface Tile extends Documented {
  readonly kind: 'tile'
  readonly label?: Name
  readonly sizes: readonly Setting[]
}

/** `precision fast`; that the level is one is for the checker to say. */
export interface Precision extends Documented {
  readonly kind: 'precision'
  readonly level: Name
}

// Bodies of functions.

/** `{ let a = ...; repeat n { ... } value }`. */
export interface Block extends Node {
  readonly kind: 'block'
  readonly statements: readonly Statement[]
  readonly value: Expr
}

export type Statement = Let | Repeat

export interface Repeat extends Node {
  readonly kind: 'repeat'
  readonly count: Expr
  readonly body: readonly (Let | Assign)[]
}

/** `name = value` in a repeat: rebinds a let of the block. */
export interface Assign extends Node {
  readonly kind: 'assign'
  readonly name: Name
  readonly value: Expr
}

// Expressions.

export type Expr = NumberLiteral | BoolLiteral | Name | Call | Substitute | Unary | Binary | If | Solve

export interface NumberLiteral extends Node {
  readonly kind: 'number'
  /** As written: `1e-6`, `.5`, `32`. */
  readonly text: string
  /** The nearest f64; finite. */
  readonly value: number
  /** Digits only: an i32, at most 2^31 - 1. */
  readonly integer: boolean
}

export interface BoolLiteral extends Node {
  readonly kind: 'bool'
  readonly value: boolean
}

/** `callee(args)`, `callee[axes](args)`, `callee[axes where c](args)`. */
export interface Call extends Node {
  readonly kind: 'call'
  readonly callee: Name
  /** Empty: no brackets were written. */
  readonly axes: readonly Name[]
  readonly where?: Expr
  readonly args: readonly Expr[]
}

/** `of[axis = index, axis = index else 0]`. */
export interface Substitute extends Node {
  readonly kind: 'substitute'
  readonly of: Expr
  readonly items: readonly SubstituteItem[]
}

export interface SubstituteItem extends Node {
  readonly kind: 'substitute-item'
  readonly axis: Name
  readonly index: Expr
  /** `else 0`: 0 or false outside the axis, where without it the index is clamped. */
  readonly elseZero: boolean
}

export type UnaryOp = '-' | 'not'

export interface Unary extends Node {
  readonly kind: 'unary'
  readonly op: UnaryOp
  readonly of: Expr
}

export type CompareOp = '<' | '<=' | '>' | '>=' | '==' | '!='
export type BinaryOp = 'or' | 'and' | CompareOp | '+' | '-' | '*' | '/' | '%' | 'div' | '^'

export interface Binary extends Node {
  readonly kind: 'binary'
  readonly op: BinaryOp
  readonly opSpan: Span
  readonly left: Expr
  readonly right: Expr
}

/** `if condition then yes else no`. */
export interface If extends Node {
  readonly kind: 'if'
  readonly condition: Expr
  readonly yes: Expr
  readonly no: Expr
}

/** `solve(variable in [low, high]: of)`. */
export interface Solve extends Node {
  readonly kind: 'solve'
  readonly variable: Name
  readonly low: Expr
  readonly high: Expr
  readonly of: Expr
}

/** The expressions directly below one, in source order. */
export function childrenOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'number':
    case 'bool':
    case 'name':
      return []
    case 'call':
      return e.where ? [e.where, ...e.args] : e.args
    case 'substitute':
      return [e.of, ...e.items.map((item) => item.index)]
    case 'unary':
      return [e.of]
    case 'binary':
      return [e.left, e.right]
    case 'if':
      return [e.condition, e.yes, e.no]
    case 'solve':
      return [e.low, e.high, e.of]
  }
}
