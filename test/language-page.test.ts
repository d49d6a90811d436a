import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ISerializedGast, IToken, TokenType } from 'chevrotain'
import { describe, expect, test } from 'vitest'
import { builtins, folds } from '../compiler/check/builtins.ts'
import { storages } from '../compiler/check/declarations.ts'
import { predefined } from '../compiler/check/definitions.ts'
import { lex } from '../grammar/lex.ts'
import { AttnParser } from '../grammar/parser.ts'
import { Ident } from '../grammar/tokens.ts'

// The page on the language has an example of everything that the language has: of every token and every rule at every place in which
// the grammar has it, and of every name that need not be defined. Examples that are shown to fail do not count; that the others are
// right is for docs.test.ts to say.

const read = (path: string): string => readFileSync(resolve(import.meta.dirname, '..', path), 'utf8')
const examples = [...read('docs/language.md').matchAll(/^```attn\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

/** What the parser of chevrotain calls for each token and each rule that it reads, and the rule in which it is. */
interface Internals {
  consumeInternal(type: TokenType, index: number, options: unknown): IToken
  subruleInternal(rule: { readonly ruleName: string }, index: number, options: unknown): unknown
  getCurrRuleFullName(): string
}

const placeOf = (rule: string, what: string, index: number): string =>
  `${rule}: ${what}${index > 0 ? ` (${index})` : ''}`

/** The places of the grammar that a source goes through. */
function placesIn(texts: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const parser = new AttnParser()
  const spied = parser as unknown as Internals
  const { consumeInternal, subruleInternal } = spied
  spied.consumeInternal = (type, index, options) => {
    const place = placeOf(spied.getCurrRuleFullName(), type.name, index)
    const token = consumeInternal.call(parser, type, index, options)
    seen.add(place)
    return token
  }
  spied.subruleInternal = (rule, index, options) => {
    seen.add(placeOf(spied.getCurrRuleFullName(), rule.ruleName, index))
    return subruleInternal.call(parser, rule, index, options)
  }
  for (const text of texts) {
    const file = { path: 'page.attn', text }
    parser.file = file
    parser.input = [...lex(file).tokens]
    parser.program()
    expect(parser.errors).toEqual([])
  }
  return seen
}

/** All places of the grammar. */
function allPlaces(): readonly string[] {
  const collect = (rule: string, node: ISerializedGast): readonly string[] => {
    const own = node as ISerializedGast & { name?: string; idx?: number; definition?: readonly ISerializedGast[] }
    if (node.type === 'Terminal' || node.type === 'NonTerminal') return [placeOf(rule, own.name ?? '', own.idx ?? 0)]
    return (own.definition ?? []).flatMap((child) => collect(rule, child))
  }
  return new AttnParser()
    .getSerializedGastProductions()
    .flatMap((rule) => collect((rule as ISerializedGast & { name: string }).name, rule))
}

describe('the page on the language has an example of', () => {
  test('every token and every rule, wherever the grammar has it', () => {
    const seen = placesIn(examples)
    const all = allPlaces()
    expect(all.length).toBeGreaterThan(150)
    expect(all.filter((place) => !seen.has(place))).toEqual([])
  })

  test('every name that need not be defined', () => {
    const words = new Set(examples.flatMap((text) => wordsOf(text)))
    const library = [...read('compiler/std.attn').matchAll(/^fn (\w+)/gm)].map(([, name = '']) => name)
    const names = [
      ...Object.keys(builtins),
      ...Object.keys(folds),
      ...storages,
      ...predefined,
      ...library,
      'size',
      'fast',
    ]
    const helpers = ['t5_bucket_of_one_side']
    expect(names.filter((name) => !words.has(name) && !helpers.includes(name))).toEqual([])
  })
})

const wordsOf = (text: string): readonly string[] =>
  lex({ path: 'page.attn', text }).tokens.flatMap(({ tokenType, image }) => (tokenType === Ident ? [image] : []))
