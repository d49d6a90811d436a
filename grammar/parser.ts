import type * as ast from './ast.ts'
import type { Clause, Item, Name, Setting } from './ast.ts'
import type { Doc } from './doc-comments.ts'
import * as errors from './errors.ts'
import type { Rule } from './parse-expression.ts'
import { FunctionParser } from './parse-function.ts'
import { Ident, Str, signs, words } from './tokens.ts'

type Definition = ast.Definition['kind']
type Typed = Pick<ast.Param, 'name' | 'type' | 'value' | 'range'>

const definitions: readonly string[] = ['score', 'mask', 'normalize'] satisfies readonly Definition[]

/** A whole file. Rules that a file is read by piece by piece after an error: `item`, `clause`, `attentionHead`. */
export class AttnParser extends FunctionParser {
  /** By offset of the token that follows: the lines of `///` before it. */
  docs: ReadonlyMap<number, Doc> = new Map()
  usedDocs = new Set<number>()

  readonly program: Rule<{ readonly imports: readonly ast.Import[]; readonly items: readonly Item[] }> = this.rule(
    'program',
    () => {
      const imports: ast.Import[] = []
      const items: Item[] = []
      this.MANY(() => {
        const item = this.SUBRULE(this.item)
        if (item.kind === 'import') imports.push(item)
        else items.push(item)
        this.OPTION(() => this.CONSUME(signs[';']))
      })
      return { imports, items }
    },
  )

  readonly item: Rule<Item | ast.Import> = this.rule('item', () => {
    const item = this.either<Item | ast.Import>(
      () => this.SUBRULE(this.importItem),
      () => this.SUBRULE(this.fnItem),
      () => this.SUBRULE(this.checkItem),
      () => this.SUBRULE(this.attentionItem),
    )
    return this.ACTION(() => this.documented(item))
  })

  private readonly importItem: Rule<ast.Import> = this.rule('importItem', () => {
    const start = this.CONSUME(words.import).startOffset
    const path = this.CONSUME(Str)
    return {
      kind: 'import',
      path: path.image.slice(1, -1),
      pathSpan: this.spanOfToken(path),
      span: this.spanFrom(start),
    }
  })

  private readonly attentionItem: Rule<ast.Attention> = this.rule('attentionItem', () => {
    const clauses: Clause[] = []
    const { start, name } = this.SUBRULE(this.attentionHead)
    this.MANY(() => {
      clauses.push(this.SUBRULE(this.clause))
      this.OPTION(() => this.CONSUME(signs[';']))
    })
    this.CONSUME(signs['}'])
    return { kind: 'attention', name, clauses, span: this.spanFrom(start) }
  })

  readonly attentionHead: Rule<{ readonly start: number; readonly name: Name }> = this.rule('attentionHead', () => {
    const start = this.CONSUME(words.attention).startOffset
    const name = this.SUBRULE(this.name)
    this.CONSUME(signs['{'])
    return { start, name }
  })

  readonly clause: Rule<Clause> = this.rule('clause', () => {
    const clause = this.either<Clause>(
      () => this.SUBRULE(this.axisClause),
      () => this.SUBRULE(this.splitClause),
      () => this.SUBRULE(this.inputClause),
      () => this.SUBRULE(this.paramClause),
      () => this.SUBRULE(this.constClause),
      () => this.SUBRULE(this.letBinding),
      () => this.SUBRULE(this.viewClause),
      () => this.SUBRULE(this.fnItem),
      () => this.SUBRULE(this.definition),
      () => this.SUBRULE(this.outputClause),
      () => this.SUBRULE(this.tileClause),
      () => this.SUBRULE(this.precisionClause),
      () => this.SUBRULE(this.checkItem),
    )
    return this.ACTION(() => this.documented(clause))
  })

  private readonly axisClause: Rule<ast.AxisClause> = this.rule('axisClause', () => {
    const axes: ast.AxisDecl[] = []
    const start = this.CONSUME(words.axis).startOffset
    this.AT_LEAST_ONE_SEP({ SEP: signs[','], DEF: () => axes.push(this.SUBRULE(this.axisDecl)) })
    return { kind: 'axis', axes, span: this.spanFrom(start) }
  })

  private readonly axisDecl: Rule<ast.AxisDecl> = this.rule('axisDecl', () => {
    const start = this.LA(1).startOffset
    const name = this.SUBRULE(this.name)
    const rule = this.OPTION(() => this.SUBRULE(this.axisRule))
    return { kind: 'axis-decl', name, ...(rule ? { rule } : {}), span: this.spanFrom(start) }
  })

  private readonly axisRule: Rule<ast.AxisRule> = this.rule('axisRule', () => {
    const start = this.LA(1).startOffset
    return this.either<ast.AxisRule>(
      () => {
        this.CONSUME(words.divides)
        return { kind: 'divides', of: this.SUBRULE(this.name), span: this.spanFrom(start) }
      },
      () => {
        this.CONSUME(words.like)
        return { kind: 'like', of: this.SUBRULE2(this.name), span: this.spanFrom(start) }
      },
      () => {
        this.CONSUME(signs['='])
        return { kind: 'length', value: this.SUBRULE(this.expression), span: this.spanFrom(start) }
      },
    )
  })

  private readonly splitClause: Rule<ast.Split> = this.rule('splitClause', () => {
    const start = this.CONSUME(words.split).startOffset
    const axis = this.SUBRULE(this.name)
    this.CONSUME(words.into)
    this.CONSUME(signs['('])
    const outer = this.SUBRULE2(this.name)
    this.CONSUME(signs[','])
    const inner = this.SUBRULE3(this.name)
    this.CONSUME(signs[')'])
    this.CONSUME(words.by)
    const by = this.SUBRULE(this.expression)
    return { kind: 'split', axis, outer, inner, by, span: this.spanFrom(start) }
  })

  private readonly inputClause: Rule<ast.InputClause> = this.rule('inputClause', () => {
    const inputs: ast.InputDecl[] = []
    const start = this.CONSUME(words.input).startOffset
    this.AT_LEAST_ONE_SEP({ SEP: signs[','], DEF: () => inputs.push(this.SUBRULE(this.inputDecl)) })
    return { kind: 'input', inputs, span: this.spanFrom(start) }
  })

  private readonly inputDecl: Rule<ast.InputDecl> = this.rule('inputDecl', () => {
    const start = this.LA(1).startOffset
    const name = this.SUBRULE(this.name)
    const axes = this.OPTION(() => this.SUBRULE(this.axisList)) ?? []
    const type = this.OPTION2(() => this.SUBRULE(this.type))
    const range = this.OPTION3(() => this.SUBRULE(this.range))
    const span = this.spanFrom(start)
    return { kind: 'input-decl', name, axes, ...(type ? { type } : {}), ...(range ? { range } : {}), span }
  })

  private readonly type: Rule<Name> = this.rule('type', () => {
    this.CONSUME(signs[':'])
    return this.SUBRULE(this.name)
  })

  private readonly range: Rule<ast.Range> = this.rule('range', () => {
    this.CONSUME(words.in)
    const start = this.CONSUME(signs['[']).startOffset
    const low = this.SUBRULE(this.expression)
    this.CONSUME(signs[','])
    const high = this.SUBRULE2(this.expression)
    this.CONSUME(signs[']'])
    return { kind: 'range', low, high, span: this.spanFrom(start) }
  })

  private readonly paramClause: Rule<ast.Param> = this.rule('paramClause', () => {
    const start = this.CONSUME(words.param).startOffset
    const typed = this.SUBRULE(this.typed)
    return { kind: 'param', ...typed, span: this.spanFrom(start) }
  })

  private readonly constClause: Rule<ast.Const> = this.rule('constClause', () => {
    const start = this.CONSUME(words.const).startOffset
    const typed = this.SUBRULE(this.typed)
    return { kind: 'const', ...typed, span: this.spanFrom(start) }
  })

  private readonly typed: Rule<Typed> = this.rule('typed', () => {
    const name = this.SUBRULE(this.name)
    const type = this.OPTION(() => this.SUBRULE(this.type))
    const value = this.OPTION2(() => this.SUBRULE(this.definedAs))
    const range = this.OPTION3(() => this.SUBRULE(this.range))
    return { name, ...(type ? { type } : {}), ...(value ? { value } : {}), ...(range ? { range } : {}) }
  })

  private readonly viewClause: Rule<ast.View> = this.rule('viewClause', () => {
    const start = this.CONSUME(words.view).startOffset
    const name = this.SUBRULE(this.name)
    const value = this.SUBRULE(this.definedAs)
    return { kind: 'view', name, value, span: this.spanFrom(start) }
  })

  private readonly definition: Rule<ast.Definition> = this.rule('definition', () => {
    const token = this.CONSUME(Ident)
    const value = this.SUBRULE(this.definedAs)
    const nameSpan = this.spanOfToken(token)
    if (!definitions.includes(token.image)) this.report(() => errors.unknownDefinition(nameSpan, token.image))
    const kind = token.image as Definition // any other name has just been reported
    return { kind, nameSpan, value, span: this.spanFrom(token.startOffset) }
  })

  private readonly outputClause: Rule<ast.Output> = this.rule('outputClause', () => {
    const start = this.CONSUME(words.output).startOffset
    const result = this.OPTION(() => this.SUBRULE(this.resultName))
    const value = this.SUBRULE(this.expression)
    return { kind: 'output', ...result, value, span: this.spanFrom(start) }
  })

  private readonly resultName: Rule<Pick<ast.Output, 'name' | 'order'>> = this.rule('resultName', () => {
    const name = this.SUBRULE(this.name)
    const order = this.OPTION(() => {
      this.CONSUME(words.as)
      return this.SUBRULE(this.axisList)
    })
    this.CONSUME(signs['='])
    return order ? { name, order } : { name }
  })

  private readonly tileClause: Rule<ast.Tile> = this.rule('tileClause', () => {
    const start = this.CONSUME(words.tile).startOffset
    const label = this.OPTION(() => this.SUBRULE(this.name))
    const sizes = this.SUBRULE(this.settings)
    return { kind: 'tile', ...(label ? { label } : {}), sizes, span: this.spanFrom(start) }
  })

  private readonly precisionClause: Rule<ast.Precision> = this.rule('precisionClause', () => {
    const start = this.CONSUME(words.precision).startOffset
    const level = this.SUBRULE(this.name)
    return { kind: 'precision', level, span: this.spanFrom(start) }
  })

  private readonly checkItem: Rule<ast.Check> = this.rule('checkItem', () => {
    const start = this.CONSUME(words.check).startOffset
    const sizes = this.SUBRULE(this.settings)
    return { kind: 'check', sizes, span: this.spanFrom(start) }
  })

  private readonly settings: Rule<readonly Setting[]> = this.rule('settings', () => {
    const sizes: Setting[] = []
    this.CONSUME(signs['{'])
    this.MANY_SEP({ SEP: signs[','], DEF: () => sizes.push(this.SUBRULE(this.setting)) })
    this.CONSUME(signs['}'])
    return sizes
  })

  private readonly setting: Rule<Setting> = this.rule('setting', () => {
    const start = this.LA(1).startOffset
    const name = this.SUBRULE(this.name)
    this.CONSUME(signs['='])
    const value = this.SUBRULE(this.number)
    if (!value.integer) this.report(() => errors.invalidSize(value.span))
    return { kind: 'setting', name, value, span: this.spanFrom(start) }
  })

  constructor(validate = false) {
    super(validate)
    this.performSelfAnalysis()
  }

  /** Gives a node the lines of `///` before it, which by this become more than comments. */
  private documented<T extends Item | ast.Import | Clause>(node: T): T {
    const doc = this.docs.get(node.span.start)
    if (doc === undefined || node.kind === 'import') return node
    this.usedDocs.add(node.span.start)
    return { ...node, doc: doc.text }
  }
}
