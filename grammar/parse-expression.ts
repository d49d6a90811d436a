import {
  EmbeddedActionsParser,
  type IParserErrorMessageProvider,
  type IToken,
  type ParserMethod,
  type TokenType,
} from 'chevrotain'
import type { BinaryOp, Call, Expr, Name, NumberLiteral, Solve, Substitute, SubstituteItem } from './ast.ts'
import type { Diagnostic } from './diagnostic.ts'
import * as errors from './errors.ts'
import { isInteger, tokenSpan } from './lex.ts'
import { joinSpans, type SourceFile, type Span, spanOf } from './source.ts'
import { allTokens, comparisons, Ident, Num, signs, words } from './tokens.ts'

export type Rule<T> = ParserMethod<[], T>

/** One item of a bracket, before it is known what the bracket is: an axis, or a substitution of one. */
interface BracketItem {
  readonly axis: Name
  readonly index?: Expr
  readonly elseZero: boolean
  readonly span: Span
}

interface Bracket {
  readonly items: readonly BracketItem[]
  readonly where?: Expr
  readonly span: Span
}

/** What the exceptions of the parser say is read by a program only: the name of the token or rule that was expected. */
const errorMessageProvider: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNotAllInputParsedMessage: () => 'the end',
  buildNoViableAltMessage: ({ ruleName }) => ruleName,
  buildEarlyExitMessage: ({ ruleName }) => ruleName,
}

/**
 * Expressions: LL(3), loosest first. What the grammar lets through for the sake of a better message than its own
 * goes to `problems`; then the tree is not to be used.
 */
export class ExpressionParser extends EmbeddedActionsParser {
  file: SourceFile = { path: '', text: '' }
  problems: Diagnostic[] = []

  /** The grammar is checked when tests build it with `validate`; users do not wait for that. */
  constructor(validate = false) {
    super([...allTokens], {
      maxLookahead: 3,
      recoveryEnabled: false,
      errorMessageProvider,
      skipValidations: !validate,
    })
  }

  protected rule<T>(name: string, read: () => T): Rule<T> {
    return this.RULE(name, read)
  }

  /** One of several ways to go on; once in a rule. */
  protected either<T>(...ways: readonly (() => T)[]): T {
    return this.OR(ways.map((ALT) => ({ ALT })))
  }

  private one(...types: readonly TokenType[]): IToken {
    return this.either(...types.map((type) => () => this.CONSUME(type)))
  }

  protected spanOfToken(token: IToken): Span {
    return tokenSpan(this.file, token)
  }

  /** From a place to the end of the token that was read last. */
  protected spanFrom(start: number): Span {
    const last = this.LA(0)
    return spanOf(this.file, start, last.startOffset + last.image.length)
  }

  /** Reports unless the grammar is only being recorded. */
  protected report(make: () => Diagnostic): void {
    this.ACTION(() => this.problems.push(make()))
  }

  readonly name: Rule<Name> = this.rule('name', () => {
    const token = this.CONSUME(Ident)
    return { kind: 'name', text: token.image, span: this.spanOfToken(token) }
  })

  readonly number: Rule<NumberLiteral> = this.rule('number', () => {
    const token = this.CONSUME(Num)
    const { image } = token
    return {
      kind: 'number',
      text: image,
      value: Number(image),
      integer: isInteger(image),
      span: this.spanOfToken(token),
    }
  })

  readonly expression: Rule<Expr> = this.rule('expression', () =>
    this.either<Expr>(
      () => this.SUBRULE(this.conditional),
      () => this.SUBRULE(this.disjunction),
    ),
  )

  private readonly conditional: Rule<Expr> = this.rule('conditional', () => {
    const start = this.CONSUME(words.if).startOffset
    const condition = this.SUBRULE(this.expression)
    this.CONSUME(words.then)
    const yes = this.SUBRULE2(this.expression)
    this.CONSUME(words.else)
    const no = this.SUBRULE3(this.expression)
    return { kind: 'if', condition, yes, no, span: this.spanFrom(start) }
  })

  private readonly disjunction: Rule<Expr> = this.rule('disjunction', () => {
    let left = this.SUBRULE(this.conjunction)
    this.MANY(() => {
      const op = this.CONSUME(words.or)
      left = this.binary(op, left, this.SUBRULE2(this.conjunction))
    })
    return left
  })

  private readonly conjunction: Rule<Expr> = this.rule('conjunction', () => {
    let left = this.SUBRULE(this.negation)
    this.MANY(() => {
      const op = this.CONSUME(words.and)
      left = this.binary(op, left, this.SUBRULE2(this.negation))
    })
    return left
  })

  private readonly negation: Rule<Expr> = this.rule('negation', () =>
    this.either<Expr>(
      () => {
        const start = this.CONSUME(words.not).startOffset
        const of = this.SUBRULE(this.negation)
        return { kind: 'unary', op: 'not', of, span: this.spanFrom(start) }
      },
      () => this.SUBRULE(this.comparison),
    ),
  )

  private readonly comparison: Rule<Expr> = this.rule('comparison', () => {
    const left = this.SUBRULE(this.sum)
    return (
      this.OPTION(() => {
        const op = this.one(...comparisons)
        return this.binary(op, left, this.SUBRULE2(this.sum))
      }) ?? left
    )
  })

  private readonly sum: Rule<Expr> = this.rule('sum', () => {
    let left = this.SUBRULE(this.product)
    this.MANY(() => {
      const op = this.one(signs['+'], signs['-'])
      left = this.binary(op, left, this.SUBRULE2(this.product))
    })
    return left
  })

  private readonly product: Rule<Expr> = this.rule('product', () => {
    let left = this.SUBRULE(this.sign)
    this.MANY(() => {
      const op = this.one(signs['*'], signs['/'], signs['%'], words.div)
      left = this.binary(op, left, this.SUBRULE2(this.sign))
    })
    return left
  })

  private readonly sign: Rule<Expr> = this.rule('sign', () =>
    this.either<Expr>(
      () => {
        const start = this.CONSUME(signs['-']).startOffset
        const of = this.SUBRULE(this.sign)
        return { kind: 'unary', op: '-', of, span: this.spanFrom(start) }
      },
      () => this.SUBRULE(this.power),
    ),
  )

  private readonly power: Rule<Expr> = this.rule('power', () => {
    const left = this.SUBRULE(this.postfix)
    return (
      this.OPTION(() => {
        const op = this.CONSUME(signs['^'])
        return this.binary(op, left, this.SUBRULE(this.sign))
      }) ?? left
    )
  })

  private readonly postfix: Rule<Expr> = this.rule('postfix', () => {
    let of = this.SUBRULE(this.primary)
    this.MANY(() => {
      const bracket = this.SUBRULE(this.bracket)
      of = this.ACTION(() => this.substitute(of, bracket))
    })
    return of
  })

  private readonly primary: Rule<Expr> = this.rule('primary', () =>
    this.either<Expr>(
      () => this.SUBRULE(this.number),
      () => this.bool(this.CONSUME(words.true), true),
      () => this.bool(this.CONSUME(words.false), false),
      () => this.SUBRULE(this.parenthesised),
      () => this.SUBRULE(this.solveExpression),
      () => this.SUBRULE(this.named),
    ),
  )

  private readonly parenthesised: Rule<Expr> = this.rule('parenthesised', () => {
    const start = this.CONSUME(signs['(']).startOffset
    const of = this.SUBRULE(this.expression)
    this.CONSUME(signs[')'])
    return { ...of, span: this.spanFrom(start) }
  })

  private readonly solveExpression: Rule<Solve> = this.rule('solveExpression', () => {
    const start = this.CONSUME(words.solve).startOffset
    this.CONSUME(signs['('])
    const variable = this.SUBRULE(this.name)
    this.CONSUME(words.in)
    this.CONSUME(signs['['])
    const low = this.SUBRULE(this.expression)
    this.CONSUME(signs[','])
    const high = this.SUBRULE2(this.expression)
    this.CONSUME(signs[']'])
    this.CONSUME(signs[':'])
    const of = this.SUBRULE3(this.expression)
    this.CONSUME(signs[')'])
    return { kind: 'solve', variable, low, high, of, span: this.spanFrom(start) }
  })

  /** A name with at most one bracket and one list of arguments. */
  private readonly named: Rule<Expr> = this.rule('named', () => {
    const name = this.SUBRULE(this.name)
    const bracket = this.OPTION(() => this.SUBRULE(this.bracket))
    const open = this.LA(1)
    const args = this.OPTION2(() => this.SUBRULE(this.callArgs))
    return this.ACTION((): Expr => {
      if (args) return this.call(name, bracket, args, open)
      return bracket ? this.substitute(name, bracket) : name
    })
  })

  private readonly callArgs: Rule<readonly Expr[]> = this.rule('callArgs', () => {
    const args: Expr[] = []
    this.CONSUME(signs['('])
    this.MANY_SEP({ SEP: signs[','], DEF: () => args.push(this.SUBRULE(this.expression)) })
    this.CONSUME(signs[')'])
    return args
  })

  private readonly bracket: Rule<Bracket> = this.rule('bracket', () => {
    const items: BracketItem[] = []
    const start = this.CONSUME(signs['[']).startOffset
    this.MANY_SEP({ SEP: signs[','], DEF: () => items.push(this.SUBRULE(this.bracketItem)) })
    const where = this.OPTION(() => {
      this.CONSUME(words.where)
      return this.SUBRULE(this.expression)
    })
    this.CONSUME(signs[']'])
    const span = this.spanFrom(start)
    if (items.length === 0) this.report(() => errors.emptyBrackets(span))
    return where ? { items, where, span } : { items, span }
  })

  private readonly bracketItem: Rule<BracketItem> = this.rule('bracketItem', () => {
    const start = this.LA(1).startOffset
    const axis = this.SUBRULE(this.name)
    let elseZero = false
    const index = this.OPTION(() => {
      this.CONSUME(signs['='])
      const value = this.SUBRULE(this.expression)
      this.OPTION2(() => {
        this.CONSUME(words.else)
        const otherwise = this.SUBRULE2(this.expression)
        if (!(otherwise.kind === 'number' && otherwise.text === '0')) {
          this.report(() => errors.elseNotZero(otherwise.span))
        }
        elseZero = true
      })
      return value
    })
    const span = this.spanFrom(start)
    return index ? { axis, index, elseZero, span } : { axis, elseZero, span }
  })

  private call(callee: Name, bracket: Bracket | undefined, args: readonly Expr[], open: IToken): Call {
    const items = bracket?.items ?? []
    const plain = items.every((item) => !item.index)
    if (bracket && !plain) {
      const all = items.every((item) => item.index)
      this.problems.push(all ? errors.callOfExpression(this.spanOfToken(open)) : errors.mixedBrackets(bracket.span))
    }
    const axes = items.map((item) => item.axis)
    const where = bracket?.where ? { where: bracket.where } : {}
    return { kind: 'call', callee, axes, ...where, args, span: this.spanFrom(callee.span.start) }
  }

  private substitute(of: Expr, bracket: Bracket): Substitute {
    const items = bracket.items.flatMap((item): SubstituteItem[] =>
      item.index ? [{ kind: 'substitute-item', ...item, index: item.index }] : [],
    )
    const plain = bracket.items.length - items.length
    if (plain > 0 && items.length > 0) this.problems.push(errors.mixedBrackets(bracket.span))
    else if (plain > 0)
      this.problems.push(errors.axesWithoutCall(bracket.span, of.kind === 'name' ? of.text : undefined))
    else if (bracket.where) this.problems.push(errors.whereInSubstitution(bracket.where.span))
    return { kind: 'substitute', of, items, span: joinSpans(of.span, bracket.span) }
  }

  private binary(op: IToken, left: Expr, right: Expr): Expr {
    return this.ACTION(() => ({
      kind: 'binary',
      op: op.image as BinaryOp, // the rules above consume nothing but operators
      opSpan: this.spanOfToken(op),
      left,
      right,
      span: joinSpans(left.span, right.span),
    }))
  }

  private readonly bool = (token: IToken, value: boolean): Expr => ({
    kind: 'bool',
    value,
    span: this.spanOfToken(token),
  })
}
