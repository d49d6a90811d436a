/** What is measured: a source for the compiler, and the same mask as ranges of keys for the opponent. */
import type { Range } from './blocked.ts'

export interface Case {
  readonly name: string
  readonly heads: number
  readonly length: number
  readonly mask: string | undefined
  readonly inputs?: string // declared beside q, k and v
  readonly seen: (i: number, length: number) => readonly [from: number, to: number]
  readonly document?: (i: number) => number
}

const window = 256
const documents = [517, 389, 731, 256, 640, 455, 498, 610]
const starts = documents.map((_, n) => documents.slice(0, n).reduce((a, b) => a + b, 0))
const documentOf = (i: number): number => starts.findLastIndex((start) => start <= i)
const short = 256

/** The dense one comes first: others are compared with it. */
export const cases: readonly Case[] = [
  { name: 'dense', heads: 8, length: 1024, mask: undefined, seen: (_, length) => [0, length] },
  { name: 'causal', heads: 1, length: 4096, mask: 'j <= i', seen: (i) => [0, i + 1] },
  {
    name: `window ${window}`,
    heads: 4,
    length: 4096,
    mask: `j <= i and i - j < ${window}`,
    seen: (i) => [Math.max(0, i - window + 1), i + 1],
  },
  {
    name: `${documents.length} documents`,
    heads: 2,
    length: 4096,
    mask: 'text_of_key == text_of_query',
    inputs: `text_of_query[b, i]: i32 in [0, ${documents.length - 1}], text_of_key[b, j]: i32 in [0, ${documents.length - 1}]`,
    document: documentOf,
    seen: (i) => {
      const n = documentOf(i)
      const start = starts[n] ?? 0
      return [start, start + (documents[n] ?? 0)]
    },
  },
  // Nearly all tiles are dead: what it takes to pass them by shows.
  {
    name: `64 documents of ${short}`,
    heads: 1,
    length: 64 * short,
    mask: 'text_of_key == text_of_query',
    inputs: 'text_of_query[b, i]: i32, text_of_key[b, j]: i32',
    document: (i) => Math.floor(i / short),
    seen: (i) => [i - (i % short), i - (i % short) + short],
  },
]

export const sourceOf = ({ mask, inputs }: Case): string =>
  [
    'attention measured {',
    '  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]',
    ...(inputs ? [`  input ${inputs}`] : []),
    '  score     = dot(q, k) / sqrt(size(d))',
    ...(mask ? [`  mask      = ${mask}`] : []),
    '  normalize = softmax[j](score)',
    '}',
    '',
  ].join('\n')

export function rangeOf({ length, seen }: Case): Range {
  const all = Array.from({ length }, (_, i) => seen(i, length))
  return { from: Int32Array.from(all, ([from]) => from), to: Int32Array.from(all, ([, to]) => to) }
}

/** Pairs that the mask admits, over all heads. */
export const pairsOf = ({ heads, length, seen }: Case): number =>
  heads * Array.from({ length }, (_, i) => seen(i, length)).reduce((sum, [from, to]) => sum + to - from, 0)
