/** Formulas as `attnc explain` writes them (compiler/explain/notation.ts), read back as trees, so that they can be set as mathematics. */

export type Formula =
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'words'; readonly text: string }
  | { readonly kind: 'prefix'; readonly op: string; readonly of: Formula }
  | { readonly kind: 'infix'; readonly op: string; readonly left: Formula; readonly right: Formula }
  | { readonly kind: 'root' | 'size'; readonly of: Formula } // size: |x|
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Formula[] }
  | { readonly kind: 'at'; readonly of: Formula; readonly places: readonly Place[] }
  | {
      readonly kind: 'fold'
      readonly sign: string
      readonly over: readonly Formula[]
      readonly where?: Formula
      readonly of?: Formula
    }
  | { readonly kind: 'choice'; readonly condition: Formula; readonly yes: Formula; readonly no: Formula }
  | {
      readonly kind: 'solve'
      readonly variable: string
      readonly low: Formula
      readonly high: Formula
      readonly of: Formula
    }

export interface Place {
  readonly axis: string
  readonly index: Formula
  readonly elseZero: boolean
}

const token =
  /(?:Σ|max|min|mean|any|all|count|logsumexp)_(?:\{|[A-Za-z](?!\w))|[A-Za-z_]\w*'*|\d+(?:\.\d+)?(?:e[+-]?\d+)?|==|\S/g
const foldHead = /^(Σ|max|min|mean|any|all|count|logsumexp)_(.)$/

/** From what binds least to what binds most; of comparisons there is one. */
const levels: readonly (readonly string[])[] = [
  ['or'],
  ['and'],
  ['<', '≤', '>', '≥', '==', '≠'],
  ['+', '-'],
  ['·', '/', '%', 'div'],
]
const sums = 3
const products = 4

export function parseFormula(text: string): Formula {
  const reader = new Reader(text)
  const formula = reader.either()
  reader.end()
  return formula
}

class Reader {
  private readonly text: string
  private readonly tokens: readonly string[]
  private at = 0

  constructor(text: string) {
    this.text = text
    this.tokens = text.match(token) ?? []
  }

  either(): Formula {
    if (this.takes('if')) {
      const condition = this.level(0)
      this.need('then')
      const yes = this.level(0)
      this.need('else')
      return { kind: 'choice', condition, yes, no: this.either() }
    }
    return this.tokens[this.at + 1] === 'largest' ? this.solve() : this.level(0)
  }

  end(): void {
    if (this.at < this.tokens.length) this.fail()
  }

  private solve(): Formula {
    this.need('the', 'largest')
    const variable = this.take()
    this.need('in', '[')
    const low = this.either()
    this.need(',')
    const high = this.either()
    this.need(']', 'with')
    const of = this.level(sums)
    this.need('≥', '0')
    return { kind: 'solve', variable, low, high, of }
  }

  private level(n: number): Formula {
    if (n > products) return this.prefixed()
    if (n === 2 && this.takes('not')) return { kind: 'prefix', op: 'not', of: this.level(n) }
    let left = this.level(n + 1)
    while (levels[n]?.includes(this.next())) left = { kind: 'infix', op: this.take(), left, right: this.level(n + 1) }
    return left
  }

  private prefixed(): Formula {
    return this.takes('-') ? { kind: 'prefix', op: '-', of: this.prefixed() } : this.power()
  }

  private power(): Formula {
    const base = this.placed()
    return this.takes('^') ? { kind: 'infix', op: '^', left: base, right: this.prefixed() } : base
  }

  /** What is read at other places. */
  private placed(): Formula {
    let of = this.atom()
    while (this.takes('[')) {
      const places: Place[] = []
      do places.push(this.place())
      while (this.takes(','))
      this.need(']')
      of = { kind: 'at', of, places }
    }
    return of
  }

  private place(): Place {
    const axis = this.take()
    this.need('=')
    if (this.takes('the')) {
      this.need('group', 'of')
      return { axis, index: { kind: 'words', text: `the group of ${this.take()}` }, elseZero: false }
    }
    const index = this.either()
    const elseZero = this.takes('else')
    if (elseZero) this.need('0')
    return { axis, index, elseZero }
  }

  private atom(): Formula {
    const first = this.take()
    const fold = foldHead.exec(first)
    if (fold) return this.fold(fold[1] ?? '', fold[2] ?? '')
    if (first === '(') return this.until(')')
    if (first === '|') return { kind: 'size', of: this.closing('|') }
    if (first === '√') return { kind: 'root', of: this.atom() }
    if (/^\d/.test(first) || first === '∞') return { kind: 'number', text: first }
    if (!/^[A-Za-z_]/.test(first)) this.fail()
    return this.takes('(') ? { kind: 'call', name: first, args: this.args() } : { kind: 'name', text: first }
  }

  private args(): readonly Formula[] {
    const args = [this.either()]
    while (this.takes(',')) args.push(this.either())
    this.need(')')
    return args
  }

  /** A sum reaches to the next sum or comparison, another fold over one operand. A count has none. */
  private fold(sign: string, subscript: string): Formula {
    const over: Formula[] = subscript === '{' ? [this.level(0)] : [{ kind: 'name', text: subscript }]
    let where: Formula | undefined
    if (subscript === '{') {
      while (this.takes(',')) over.push(this.level(0))
      if (this.takes(':')) where = this.level(0)
      this.need('}')
    }
    const head = { kind: 'fold' as const, sign, over, ...(where ? { where } : {}) }
    if (sign === 'count') return head
    return { ...head, of: sign === 'Σ' ? this.level(products) : this.placed() }
  }

  private until(end: string): Formula {
    const inner = this.either()
    this.need(end)
    return inner
  }

  private closing(end: string): Formula {
    const inner = this.level(sums)
    this.need(end)
    return inner
  }

  private readonly next = (): string => this.tokens[this.at] ?? ''

  private take(): string {
    this.at += 1
    return this.tokens[this.at - 1] ?? ''
  }

  private takes(one: string): boolean {
    if (this.next() !== one) return false
    this.at += 1
    return true
  }

  private need(...all: readonly string[]): void {
    for (const one of all) if (!this.takes(one)) this.fail()
  }

  private fail(): never {
    throw new Error(`'${this.tokens.slice(this.at, this.at + 3).join(' ')}' is not understood in '${this.text}'`)
  }
}
