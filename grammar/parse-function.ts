import type * as ast from './ast.ts'
import type { Expr, Name } from './ast.ts'
import * as errors from './errors.ts'
import { ExpressionParser, type Rule } from './parse-expression.ts'
import { signs, words } from './tokens.ts'

/** Functions, their blocks, and the pieces of syntax that clauses share with them. */
export class FunctionParser extends ExpressionParser {
  protected readonly axisList: Rule<readonly Name[]> = this.rule('axisList', () => {
    const axes: Name[] = []
    const start = this.CONSUME(signs['[']).startOffset
    this.MANY_SEP({ SEP: signs[','], DEF: () => axes.push(this.SUBRULE(this.name)) })
    this.CONSUME(signs[']'])
    const span = this.spanFrom(start)
    if (axes.length === 0) this.report(() => errors.emptyBrackets(span))
    return axes
  })

  protected readonly definedAs: Rule<Expr> = this.rule('definedAs', () => {
    this.CONSUME(signs['='])
    return this.SUBRULE(this.expression)
  })

  protected readonly letBinding: Rule<ast.Let> = this.rule('letBinding', () => {
    const start = this.CONSUME(words.let).startOffset
    const name = this.SUBRULE(this.name)
    const value = this.SUBRULE(this.definedAs)
    return { kind: 'let', name, value, span: this.spanFrom(start) }
  })

  protected readonly fnItem: Rule<ast.Fn> = this.rule('fnItem', () => {
    const params: Name[] = []
    const start = this.CONSUME(words.fn).startOffset
    const name = this.SUBRULE(this.name)
    const axes = this.OPTION(() => this.SUBRULE(this.axisList)) ?? []
    this.CONSUME(signs['('])
    this.MANY_SEP({ SEP: signs[','], DEF: () => params.push(this.SUBRULE2(this.name)) })
    this.CONSUME(signs[')'])
    this.CONSUME(signs['='])
    const body = this.either<Expr | ast.Block>(
      () => this.SUBRULE(this.block),
      () => this.SUBRULE(this.expression),
    )
    return { kind: 'fn', name, axes, params, body, span: this.spanFrom(start) }
  })

  private readonly block: Rule<ast.Block> = this.rule('block', () => {
    const statements: ast.Statement[] = []
    const start = this.CONSUME(signs['{']).startOffset
    this.MANY(() => {
      statements.push(
        this.either<ast.Statement>(
          () => this.SUBRULE(this.letBinding),
          () => this.SUBRULE(this.repeatStatement),
        ),
      )
      this.OPTION(() => this.CONSUME(signs[';']))
    })
    const value = this.SUBRULE(this.expression)
    this.OPTION2(() => this.CONSUME2(signs[';']))
    this.CONSUME(signs['}'])
    return { kind: 'block', statements, value, span: this.spanFrom(start) }
  })

  private readonly repeatStatement: Rule<ast.Repeat> = this.rule('repeatStatement', () => {
    const body: (ast.Let | ast.Assign)[] = []
    const start = this.CONSUME(words.repeat).startOffset
    const count = this.SUBRULE(this.expression)
    this.CONSUME(signs['{'])
    this.MANY(() => {
      body.push(
        this.either<ast.Let | ast.Assign>(
          () => this.SUBRULE(this.letBinding),
          () => this.SUBRULE(this.assign),
        ),
      )
      this.OPTION(() => this.CONSUME(signs[';']))
    })
    this.CONSUME(signs['}'])
    return { kind: 'repeat', count, body, span: this.spanFrom(start) }
  })

  private readonly assign: Rule<ast.Assign> = this.rule('assign', () => {
    const start = this.LA(1).startOffset
    const name = this.SUBRULE(this.name)
    const value = this.SUBRULE(this.definedAs)
    return { kind: 'assign', name, value, span: this.spanFrom(start) }
  })
}
