/** Shapes A to I: what is computed, with how many pairs, and what bounds it. */
import { join } from 'node:path'

export interface Shape {
  readonly name: string
  readonly about: string
  readonly source: string // the path of the definition
  readonly batch: number
  readonly heads: number
  readonly keyHeads: number
  readonly queries: number
  readonly keys: number
  readonly width: number
  readonly params?: Readonly<Record<string, number>>
  readonly weights: 'softmax' | 'sigmoid'
  readonly mask: 'none' | 'causal' | 'window' | 'documents'
  readonly hasSlopes?: boolean // of ALiBi
  readonly seen: (query: number) => readonly [from: number, to: number] // keys that a query sees: from, up to but without to
  readonly bound: 'arithmetic' | 'memory'
}

const examples = join(import.meta.dirname, '../../examples')
const example = (name: string): string => join(examples, `${name}.attn`)

export const window = 256
export const documents = [517, 389, 731, 256, 640, 455, 498, 610]
const starts = documents.map((_, n) => documents.slice(0, n).reduce((a, b) => a + b, 0))
export const documentOf = (token: number): number => starts.findLastIndex((start) => start <= token)
const ownDocument = (token: number): readonly [number, number] => {
  const start = starts[documentOf(token)]!
  return [start, start + documents[documentOf(token)]!]
}

type Common = Omit<Shape, 'name' | 'about' | 'source' | 'seen'>
const short: Common = {
  ...{ batch: 1, heads: 8, keyHeads: 8, queries: 1024, keys: 1024, width: 64 },
  weights: 'softmax',
  mask: 'none',
  bound: 'arithmetic',
}
const long: Common = { ...short, queries: 4096, keys: 4096 }
const all = (keys: number) => (): readonly [number, number] => [0, keys]
const earlier = (query: number): readonly [number, number] => [0, query + 1]

export const shapes: readonly Shape[] = [
  { ...short, name: 'A', about: 'full', source: example('softmax'), seen: all(1024) },
  { ...short, name: 'B', about: 'causal', source: example('causal'), mask: 'causal', seen: earlier },
  { ...long, name: 'C', about: 'causal, long', source: example('causal'), mask: 'causal', seen: earlier },
  {
    ...short,
    name: 'D',
    about: 'full, 197 tokens',
    source: example('softmax'),
    ...{ batch: 4, heads: 12, keyHeads: 12, queries: 197, keys: 197 },
    seen: all(197),
  },
  {
    name: 'E',
    about: 'decode, grouped',
    source: example('grouped_query'),
    ...{ batch: 8, heads: 32, keyHeads: 8, queries: 1, keys: 4096, width: 128 },
    weights: 'softmax',
    mask: 'causal',
    seen: all(4096),
    bound: 'memory',
  },
  {
    ...long,
    name: 'F',
    about: `window of ${window}`,
    source: example('sliding_window'),
    params: { window },
    mask: 'window',
    seen: (query) => [Math.max(0, query - window + 1), query + 1],
  },
  { ...short, name: 'G', about: 'sigmoid', source: example('sigmoid'), weights: 'sigmoid', seen: all(1024) },
  {
    ...long,
    name: 'H',
    about: 'ALiBi, causal',
    source: example('alibi'),
    mask: 'causal',
    hasSlopes: true,
    seen: earlier,
  },
  {
    ...long,
    name: 'I',
    about: `${documents.length} documents`,
    source: join(import.meta.dirname, 'documents.attn'),
    mask: 'documents',
    seen: ownDocument,
  },
]

export const pairsOf = ({ batch, heads, queries, seen }: Shape): number => {
  const ranges = Array.from({ length: queries }, (_, query) => seen(query))
  return batch * heads * ranges.reduce((sum, [from, to]) => sum + to - from, 0)
}
/** A multiplication and an addition for each pair and place of both widths. */
export const flopsOf = (shape: Shape): number => 4 * pairsOf(shape) * shape.width
/** Of keys and values, which are read once. */
export const bytesReadOf = ({ batch, keyHeads, keys, width }: Shape): number => 2 * 4 * batch * keyHeads * keys * width
