import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createOnigScanner, createOnigString, loadWASM } from 'vscode-oniguruma'
import { type IGrammar, INITIAL, parseRawGrammar, Registry } from 'vscode-textmate'
import { builtins } from '../compiler/check/builtins.ts'
import { predefined } from '../compiler/check/definitions.ts'
import { lex } from '../grammar/lex.ts'
import { Ident, Num, OpenStr, reserved, Str } from '../grammar/tokens.ts'
import { path, text } from '../scripts/textmate.ts'

const root = resolve(import.meta.dirname, '..')
const committed = readFileSync(resolve(root, path), 'utf8')
const sources = globSync(['examples/**/*.attn', 'compiler/*.attn', 'test/golden/sources/*.attn'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})

let grammar: IGrammar

beforeAll(async () => {
  const wasm = createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm')
  await loadWASM(new Uint8Array(readFileSync(wasm)).buffer)
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
    loadGrammar: async () => parseRawGrammar(committed, path),
  })
  grammar = (await registry.loadGrammar('source.attn'))!
})

interface Colored {
  readonly start: number
  readonly end: number
  readonly scope: string // the innermost
}

/** The pieces of a text with their scopes, as an editor gets them: line by line. */
function colour(source: string): readonly Colored[] {
  const pieces: Colored[] = []
  let state = INITIAL
  let start = 0
  for (const line of source.split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state)
    const from = start
    for (const { startIndex, endIndex, scopes } of tokens)
      pieces.push({
        start: from + startIndex,
        end: Math.min(from + endIndex, from + line.length),
        scope: scopes.at(-1)!,
      })
    state = ruleStack
    start += line.length + 1
  }
  return pieces
}

const scopeOf = (source: string, piece: string): string | undefined => {
  const at = source.indexOf(piece)
  return colour(source).find(({ start, end }) => start <= at && at + piece.length <= end)?.scope
}

test('the grammar that is committed is made of the tokens there are: npm run textmate', () => {
  expect(committed).toBe(text)
})

/** What the compiler's own lexer says a token is, as scopes that it may have. */
function expected(type: string, image: string): RegExp {
  if (type === Num.name) return /^constant\.numeric\.attn$/
  if (type === Str.name) return /^string\.quoted/
  if (type === Ident.name) {
    return predefined.includes(image)
      ? /^variable\.(language|parameter)|^entity\.name/
      : /^(variable|entity\.name|support\.(function|type))\./
  }
  if (reserved.some((word) => word === image))
    return /^(storage\.type|keyword\.(control|other|operator\.word)|constant\.language)/
  return /^(keyword\.operator\.attn|punctuation)/
}

describe('tokens of the compiler are pieces of one colour:', () => {
  test.each(sources)('%s', (source) => {
    const file = { path: source, text: readFileSync(resolve(root, source), 'utf8') }
    const pieces = colour(file.text)
    const { tokens, comments, problems } = lex(file)
    expect(problems).toEqual([])
    const faults: string[] = []
    let at = 0
    for (const { startOffset, image, tokenType } of tokens) {
      while (pieces[at]!.end <= startOffset) at += 1
      const piece = pieces[at]!
      const holds = piece.start <= startOffset && startOffset + image.length <= piece.end
      if (!holds || !expected(tokenType.name, image).test(piece.scope))
        faults.push(`${image} at ${startOffset}: ${piece.scope}`)
    }
    for (const { startOffset } of comments) {
      const piece = pieces.find(({ end }) => end > startOffset)!
      if (piece.start !== startOffset || !piece.scope.startsWith('comment.')) faults.push(`comment at ${startOffset}`)
    }
    expect(faults).toEqual([])
  })
})

test('nothing of an example is taken for a mistake', () => {
  const all = sources.flatMap((source) => colour(readFileSync(resolve(root, source), 'utf8')))
  expect(all.filter(({ scope }) => scope.startsWith('invalid'))).toEqual([])
  const scopes = new Set(all.map(({ scope }) => scope))
  for (const scope of [
    'entity.name.type.attention',
    'entity.name.function',
    'variable.parameter.axis',
    'variable.language',
    'support.function',
    'support.type',
    'comment.line.documentation',
  ])
    expect(scopes).toContain(`${scope}.attn`)
})

const written = [
  'attention steep { input q[b, h, i, d]: f16, table[b, m]: i32 in [0, limit]',
  'axis g divides h, a like h',
  'split j into (c, t) by 64',
  'score = dot(q, k[j = j - 1, d = (d + 1) % size(d)]) / sqrt(size(e))',
  'output best as [h, b] = max[j where mask and good[b = 0]](score)',
  'check { b = 1, i = 33 } // seen',
  'let min = import2 + if_then',
].join('\n')

test.each([
  ['steep', 'entity.name.type.attention'],
  ['f16', 'support.type'],
  ['b, h', undefined], // not one piece: the comma is punctuation
  ['m]', undefined],
  ['limit', 'variable.other'],
  ['divides', 'keyword.other'],
  ['split', 'storage.type'],
  ['c, t', undefined],
  ['dot', 'entity.name.function'],
  ['sqrt', 'support.function'],
  ['best', 'variable.other'],
  ['max', 'support.function'],
  ['good', 'variable.other'],
  ['33', 'constant.numeric'],
  ['min', 'variable.other'],
  ['import2', 'variable.other'],
  ['if_then', 'variable.other'],
  ['// seen', 'comment.line.double-slash'],
])('%s is %s', (piece, scope) => {
  expect(scopeOf(written, piece)).toBe(scope && `${scope}.attn`)
})

test('names in brackets are axes, the ends of a range and indices are not', () => {
  const axes = colour(written).filter(({ scope }) => scope === 'variable.parameter.axis.attn')
  expect(axes.map(({ start, end }) => written.slice(start, end).trim()).join(' ')).toBe(
    'b h i d b m g h h j c t j d d e h b j b b i',
  )
})

test('a string or a check that is still being typed colours its own line alone', () => {
  const source = 'import "lib.at\ncheck { b = 1,\nattention a { let x = exp(1.5e-3) }'
  expect(scopeOf(source, '"lib.at')).toBe('invalid.illegal.string.attn')
  expect(lex({ path: 'x.attn', text: source }).tokens.length).toBeGreaterThan(0)
  expect(scopeOf(source, 'attention')).toBe('storage.type.attn')
  expect(scopeOf(source, '1.5e-3')).toBe('constant.numeric.attn')
})

test('every function of the language is known where it is called, and is a name elsewhere', () => {
  for (const name of Object.keys(builtins)) {
    expect(scopeOf(`let x = ${name}(y)`, name)).toBe('support.function.attn')
    expect(scopeOf(`let x = ${name} + 1`, name)).toBe('variable.other.attn')
  }
})

test('tokens that no parser sees have a colour too', () => {
  expect(OpenStr.PATTERN).toBeInstanceOf(RegExp)
  expect(scopeOf('let x = 1 # y', '#')).toBe('source.attn')
})
