/** Sources that are nearly right: those of the repository, with a few tokens or lines changed. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { reserved } from '../../grammar/tokens.ts'

const root = resolve(import.meta.dirname, '../..')
const paths = ['examples/*.attn', 'test/fixtures/**/*.attn', 'test/check/*.attn', 'test/golden/sources/*.attn']
const bases = globSync(paths, { cwd: root })
  .sort()
  .map((path) => readFileSync(resolve(root, path), 'utf8'))

const tokensOf = (text: string): readonly string[] =>
  text.match(/[A-Za-z_]\w*|\d[\w.]*|\s+|\/\/[^\n]*|[<>=!]=|[^\s\w]/g) ?? []
const isBlank = (token: string): boolean => /^\s+$/.test(token)

const words = [...new Set(bases.flatMap(tokensOf))].filter((token) => !isBlank(token) && !token.startsWith('//'))
const numbers = [
  '0',
  '1',
  '2',
  '0.5',
  '3',
  '64',
  '65',
  '512',
  '513',
  '65536',
  '2147483647',
  '2147483648',
  '1e-9',
  '1e38',
  '1e39',
  '1e400',
]
const word = fc.oneof(fc.constantFrom(...words), fc.constantFrom(...numbers), fc.constantFrom(...reserved))

interface Edit {
  readonly kind: 'replace' | 'insert' | 'remove' | 'repeat' | 'exchange' | 'like' | 'line' | 'number'
  readonly at: number
  readonly other: number
  readonly length: number
  readonly word: string
}
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'remove', 'repeat', 'exchange', 'like', 'like', 'like', 'number', 'line'),
  at: fc.nat(1e6),
  other: fc.nat(1e6),
  length: fc.integer({ min: 1, max: 6 }),
  word,
})

/** What a token could give way to without an error of syntax. */
const likes: readonly RegExp[] = [/^\d/, /^[A-Za-z_]/, /^[-+*/%^]$/, /^([<>=!]=|[<>])$/]

function apply(tokens: readonly string[], { kind, at, other, length, word: put }: Edit): readonly string[] {
  const solid = tokens.flatMap((token, n) => (isBlank(token) ? [] : [n]))
  const here = solid[at % Math.max(1, solid.length)]
  const there = solid[other % Math.max(1, solid.length)]
  if (here === undefined || there === undefined) return [put]
  const old = tokens[here]!
  switch (kind) {
    case 'replace':
      return tokens.with(here, put)
    case 'insert':
      return tokens.toSpliced(here, 0, put, ' ')
    case 'remove':
      return tokens.toSpliced(here, length)
    case 'repeat':
      return tokens.toSpliced(there, 0, ' ', ...tokens.slice(here, here + 2 * length), ' ')
    case 'exchange':
      return tokens.with(here, tokens[there]!).with(there, old)
    case 'number':
      return /^\d/.test(old) ? tokens.with(here, numbers[other % numbers.length]!) : tokens.with(here, put)
    case 'like': {
      const form = likes.find((one) => one.test(old))
      const fitting = form ? solid.filter((n) => form.test(tokens[n]!)) : []
      return fitting.length > 0 ? tokens.with(here, tokens[fitting[other % fitting.length]!]!) : tokens
    }
    case 'line':
      return tokensOf(exchangeLines(tokens.join(''), at, other))
  }
}

function exchangeLines(text: string, at: number, other: number): string {
  const lines = text.split('\n')
  const [a, b] = [at % lines.length, other % lines.length]
  return lines.with(a, lines[b]!).with(b, lines[a]!).join('\n')
}

export const mutated: fc.Arbitrary<string> = fc
  .record({ base: fc.constantFrom(...bases), edits: fc.array(edit, { minLength: 1, maxLength: 4 }) })
  .map(({ base, edits }) => edits.reduce<readonly string[]>(apply, tokensOf(base)).join(''))

/** The first part of one source and the last of another. */
export const spliced: fc.Arbitrary<string> = fc
  .record({ a: fc.constantFrom(...bases), b: fc.constantFrom(...bases), at: fc.nat(1e6), to: fc.nat(1e6) })
  .map(({ a, b, at, to }) => {
    const [first, second] = [a.split('\n'), b.split('\n')]
    return [...first.slice(0, at % (first.length + 1)), ...second.slice(to % (second.length + 1))].join('\n')
  })
