/** Evaluates the formulas of an explanation, so that what a page says can be held against the definition. */

export type Scope = Readonly<Record<string, number>>
/** The elements of a tile, for `Σ_T` and its like. */
export type Tile = readonly Scope[]

interface Cursor {
  readonly tokens: readonly string[]
  at: number
}
type Meaning = (scope: Scope, tile: Tile) => number

const functions: Readonly<Record<string, (...args: number[]) => number>> = {
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  min: Math.min,
  max: Math.max,
  sigmoid: (x) => 1 / (1 + Math.exp(-x!)),
  softplus: (x) => Math.log1p(Math.exp(x!)),
  finite: (x) => (Number.isFinite(x) ? x! : 0),
}
const folds: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Σ: (values) => values.reduce((a, b) => a + b, 0),
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  count: (values) => values.filter((x) => x !== 0).length,
}

/** A formula with its remark: `exp(r - r'), 0 where r is -∞`. */
export function evaluate(formula: string, scope: Scope, tile: Tile = []): number {
  const [, own = formula, value, left, right] = /^(.*), (\S+) where (\S+) is (\S+)$/.exec(formula) ?? []
  const number = (text: string): number => parse(text)(scope, tile)
  return left !== undefined && number(left) === number(right!) ? number(value!) : number(own)
}

function parse(text: string): Meaning {
  const plain = text
    .replaceAll('T has a place', '(0 < places)')
    .replaceAll('places of T', 'places')
    .replaceAll(/\((.+?) if (\S+) is (\S+), else (\S+)\)/g, '(if $2 == $3 then $1 else $4)')
  const tokens = plain.match(/(?:Σ|max|min|count)_T|[A-Za-z_][\w.]*'?|\d+(?:\.\d+)?(?:e-?\d+)?|\S/g) ?? []
  const cursor = { tokens, at: 0 }
  const meaning = either(cursor)
  if (cursor.at < tokens.length) throw new Error(`'${tokens[cursor.at]}' is left of '${text}'`)
  return meaning
}

const peek = (c: Cursor): string => c.tokens[c.at] ?? ''
const take = (c: Cursor): string => c.tokens[c.at++] ?? ''
function expect(c: Cursor, token: string): void {
  const found = take(c)
  if (found !== token) throw new Error(`'${found}' instead of '${token}' in ${c.tokens.join(' ')}`)
}

type Join = (a: number, b: number) => number
const levels: readonly Readonly<Record<string, Join>>[] = [
  { or: (a, b) => Number(a !== 0 || b !== 0) },
  { and: (a, b) => Number(a !== 0 && b !== 0) },
  { '<': (a, b) => Number(a < b), '≤': (a, b) => Number(a <= b), '==': (a, b) => Number(a === b) },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '·': (a, b) => a * b, '/': (a, b) => a / b },
]
const products = levels.length - 1

function either(c: Cursor): Meaning {
  if (peek(c) !== 'if') return level(c, 0)
  take(c)
  const condition = level(c, 0)
  expect(c, 'then')
  const yes = level(c, 0)
  expect(c, 'else')
  const no = either(c)
  return (scope, tile) => (condition(scope, tile) !== 0 ? yes(scope, tile) : no(scope, tile))
}

function level(c: Cursor, n: number): Meaning {
  const inner = n === products ? unary : (): Meaning => level(c, n + 1)
  let left = inner(c)
  for (;;) {
    const sign = peek(c) === '=' ? '==' : peek(c)
    const join = levels[n]?.[sign]
    if (!join) return left
    take(c)
    if (sign === '==') expect(c, '=')
    const [before, right] = [left, inner(c)]
    left = (scope, tile) => join(before(scope, tile), right(scope, tile))
  }
}

function unary(c: Cursor): Meaning {
  if (peek(c) === '-') {
    take(c)
    const of = unary(c)
    return (scope, tile) => -of(scope, tile)
  }
  if (peek(c) === 'not') {
    take(c)
    const of = unary(c)
    return (scope, tile) => Number(of(scope, tile) === 0)
  }
  const [, name] = /^(.+)_T$/.exec(peek(c)) ?? []
  if (name !== undefined) return fold(c, name)
  const base = atom(c)
  if (peek(c) !== '^') return base
  take(c)
  const exponent = unary(c)
  return (scope, tile) => base(scope, tile) ** exponent(scope, tile)
}

/** A sum reaches to the next sum, another fold over one operand. */
function fold(c: Cursor, name: string): Meaning {
  take(c)
  const body = name === 'Σ' ? level(c, products) : unary(c)
  return (scope, tile) => folds[name]!(tile.map((element) => body({ ...scope, ...element }, [])))
}

function atom(c: Cursor): Meaning {
  const token = take(c)
  if (token === '(') {
    const inner = either(c)
    expect(c, ')')
    return inner
  }
  if (token === '|') {
    const inner = level(c, 3)
    expect(c, '|')
    return (scope, tile) => Math.abs(inner(scope, tile))
  }
  if (token === '√') {
    const inner = atom(c)
    return (scope, tile) => Math.sqrt(inner(scope, tile))
  }
  if (token === '∞') return () => Infinity
  if (token === 'true' || token === 'false') return () => Number(token === 'true')
  if (/^\d/.test(token)) return () => Number(token)
  return peek(c) === '(' ? call(c, token) : named(token)
}

function named(name: string): Meaning {
  return (scope, tile) => {
    const value = name === 'places' ? tile.length : scope[name]
    if (value === undefined) throw new Error(`${name} has no value`)
    return value
  }
}

function call(c: Cursor, name: string): Meaning {
  const args: Meaning[] = []
  do {
    take(c)
    args.push(either(c))
  } while (peek(c) === ',')
  expect(c, ')')
  if (name === 'size') return named('size')
  const of = functions[name]
  if (!of) throw new Error(`no function ${name}`)
  return (scope, tile) => of(...args.map((arg) => arg(scope, tile)))
}
