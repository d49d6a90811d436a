/** The masks of papers: as a source, and as a function of one pair, written a second time. */
import type { MaskInput } from '../compiler/masks/scalar-run.ts'
import { createNormal } from './run-source.ts'

export interface Pattern {
  readonly name: string
  /** Of 1024 tiles of 32 by 32: with an admitted pair; not known to be empty; within the bounds of their loop. */
  readonly tiles: readonly [live: number, entered: number, visited: number]
  readonly inputs?: string // declarations beside q, k and v
  readonly lines?: string // further ones
  readonly mask: string
  readonly data?: Readonly<Record<string, MaskInput>>
  readonly seen: (i: number, j: number) => boolean
}

export const length = 1024
export const sizes = { b: 1, h: 1, i: length, j: length, d: 4, e: 4, r: 16, c: 16 }
const uniform = createNormal(5)
const draw = (n: number): number => Math.floor(Math.abs(uniform()) * 1e6) % n
const integers = (axes: readonly string[], count: number, of: (n: number) => number): MaskInput => ({
  axes,
  data: Int32Array.from({ length: count }, (_, n) => of(n)),
})
const bits = (axes: readonly string[], count: number, of: (n: number) => boolean): MaskInput => ({
  axes,
  data: Uint8Array.from({ length: count }, (_, n) => (of(n) ? 1 : 0)),
})

const div = (x: number, n: number): number => Math.floor(x / n)
const mod = (x: number, n: number): number => x - n * div(x, n)
const hubs = bits(['b', 'j'], length, (n) => n === 3 || n === 700)
const isHub = (n: number): boolean => hubs.data[n] === 1
const ends = [70, 133, 300, 310, 480, 512, 700, 801, 990]
const documentOf = (n: number): number => ends.filter((end) => end <= n).length
const padded = (n: number): number => (n < 990 ? documentOf(n) : -1)
const shuffled = (n: number): number => mod(7 * div(n, 32), 9)
const clusters = integers(['b', 'i'], length, () => draw(8))
const blocks = bits(['h', 'r', 'c'], 256, (n) => draw(16) < 3 || n % 17 === 0)
const chosen = integers(['h', 'r', 'm'], 48, () => draw(16))
const kept = (n: number): boolean => n >= 100 && n < 900
const times = integers(['b', 'j'], length, (n) => div(n, 3) * 2)
const documents = (name: string, of: (n: number) => number, tiles: Pattern['tiles']): Pattern => ({
  name,
  tiles,
  inputs: 'doc[b, i]: i32, key_doc[b, j]: i32',
  mask: 'doc == key_doc',
  data: { doc: integers(['b', 'i'], length, of), key_doc: integers(['b', 'j'], length, of) },
  seen: (i, j) => of(i) === of(j),
})

export const patterns: readonly Pattern[] = [
  { name: 'causal', tiles: [528, 528, 528], mask: 'j <= i', seen: (i, j) => j <= i },
  {
    name: 'causal window',
    tiles: [150, 150, 150],
    mask: 'j <= i and i - j < 100',
    seen: (i, j) => j <= i && i - j < 100,
  },
  {
    name: 'prefix',
    tiles: [549, 549, 549],
    inputs: 'prefix[b]: i32',
    mask: 'j <= i or j < prefix',
    data: { prefix: integers(['b'], 1, () => 200) },
    seen: (i, j) => j <= i || j < 200,
  },
  // Beltagy, Peters, Cohan, "Longformer: The Long-Document Transformer", 2020.
  {
    name: 'Longformer',
    tiles: [264, 264, 797],
    inputs: 'hub[b, j]: bool',
    mask: 'abs(i - j) <= 64 or hub or hub[j = i else 0]',
    data: { hub: hubs },
    seen: (i, j) => Math.abs(i - j) <= 64 || isHub(j) || isHub(i),
  },
  {
    name: 'Longformer, leading tokens',
    tiles: [212, 212, 618],
    mask: 'abs(i - j) <= 64 or i < 10 or j < 10',
    seen: (i, j) => Math.abs(i - j) <= 64 || i < 10 || j < 10,
  },
  {
    name: 'Longformer, dilated',
    tiles: [472, 472, 472],
    mask: 'abs(i - j) <= 256 and (i - j) % 4 == 0',
    seen: (i, j) => Math.abs(i - j) <= 256 && mod(i - j, 4) === 0,
  },
  // Zaheer et al., "Big Bird: Transformers for Longer Sequences", 2020.
  {
    name: 'BigBird, blocks in a tensor',
    tiles: [260, 260, 1024],
    lines: 'axis r = 16  axis c = 16',
    inputs: 'blocks[h, r, c]: bool',
    mask: 'blocks[r = i div 64, c = j div 64]',
    data: { blocks },
    seen: (i, j) => blocks.data[div(i, 64) * 16 + div(j, 64)] === 1,
  },
  {
    name: 'BigBird, blocks in a list',
    tiles: [380, 380, 1024],
    lines: 'axis r = 16  axis m = 3',
    inputs: 'chosen[h, r, m]: i32',
    mask: 'j div 64 == 0 or abs(i div 64 - j div 64) <= 1 or any[m](chosen[r = i div 64] == j div 64)',
    data: { chosen },
    seen: (i, j) =>
      j < 64 ||
      Math.abs(div(i, 64) - div(j, 64)) <= 1 ||
      [0, 1, 2].some((m) => chosen.data[div(i, 64) * 3 + m] === div(j, 64)),
  },
  // Child, Gray, Radford, Sutskever, "Generating Long Sequences with Sparse Transformers", 2019.
  {
    name: 'Sparse Transformer, strided',
    tiles: [234, 234, 528],
    mask: 'j <= i and (i - j < 128 or (i - j) % 128 == 0)',
    seen: (i, j) => j <= i && (i - j < 128 || mod(i - j, 128) === 0),
  },
  {
    name: 'Sparse Transformer, fixed',
    tiles: [192, 192, 528],
    mask: 'j <= i and (i div 128 == j div 128 or j % 128 >= 120)',
    seen: (i, j) => j <= i && (div(i, 128) === div(j, 128) || mod(j, 128) >= 120),
  },
  // Fuller et al., "LookHere: Vision Transformers with Directed Attention Generalize and Extrapolate", 2024.
  {
    name: 'LookHere, up',
    tiles: [528, 528, 528],
    mask: 'i div 32 - j div 32 >= abs(i % 32 - j % 32)',
    seen: (i, j) => div(i, 32) - div(j, 32) >= Math.abs(mod(i, 32) - mod(j, 32)),
  },
  {
    name: 'LookHere, right',
    tiles: [1024, 1024, 1024],
    mask: 'j % 32 - i % 32 >= abs(i div 32 - j div 32)',
    seen: (i, j) => mod(j, 32) - mod(i, 32) >= Math.abs(div(i, 32) - div(j, 32)),
  },
  {
    name: 'neighbours in a grid of width 128',
    tiles: [220, 220, 352],
    mask: 'abs(i div 128 - j div 128) <= 1 and abs(i % 128 - j % 128) <= 8',
    seen: (i, j) => Math.abs(div(i, 128) - div(j, 128)) <= 1 && Math.abs(mod(i, 128) - mod(j, 128)) <= 8,
  },
  // Ding et al., "LongNet: Scaling Transformers to 1,000,000,000 Tokens", 2023.
  {
    name: 'LongNet',
    tiles: [448, 448, 640],
    mask: 'i div 64 == j div 64 or (i div 256 == j div 256 and i % 4 == 0 and j % 4 == 0) or (i % 64 == 0 and j % 64 == 0)',
    seen: (i, j) =>
      div(i, 64) === div(j, 64) ||
      (div(i, 256) === div(j, 256) && i % 4 === 0 && j % 4 === 0) ||
      (i % 64 === 0 && j % 64 === 0),
  },
  documents('documents', documentOf, [186, 186, 186]),
  documents('documents with padding', padded, [186, 236, 660]),
  documents('documents in any order', shuffled, [116, 116, 968]),
  {
    name: 'clusters of the routing kind',
    tiles: [1024, 1024, 1024],
    inputs: 'cluster[b, i]: i32, key_cluster[b, j]: i32',
    mask: 'cluster == key_cluster',
    data: { cluster: clusters, key_cluster: { ...clusters, axes: ['b', 'j'] } },
    seen: (i, j) => clusters.data[i] === clusters.data[j],
  },
  {
    name: 'by time',
    tiles: [198, 198, 198],
    inputs: 'time[b, j]: i32',
    mask: 'time <= time[j = i] and time[j = i] - time < 100',
    data: { time: times },
    seen: (i, j) => times.data[j]! <= times.data[i]! && times.data[i]! - times.data[j]! < 100,
  },
  {
    name: 'padded keys',
    tiles: [676, 676, 676],
    inputs: 'kept[b, j]: bool',
    mask: 'kept and kept[j = i]',
    data: { kept: bits(['b', 'j'], length, kept) },
    seen: (i, j) => kept(i) && kept(j),
  },
  {
    name: 'lengths of rows',
    tiles: [96, 96, 96],
    inputs: 'from[b, i]: i32, to[b, i]: i32',
    mask: 'from <= j and j < to',
    data: {
      from: integers(['b', 'i'], length, (n) => div(n, 2)),
      to: integers(['b', 'i'], length, (n) => div(n, 2) + 50),
    },
    seen: (i, j) => div(i, 2) <= j && j < div(i, 2) + 50,
  },
  {
    name: 'where ALiBi still counts',
    tiles: [122, 122, 528],
    inputs: 'slope[h]: f32',
    mask: 'j <= i and slope * (i - j) < 12.0',
    data: { slope: { axes: ['h'], data: Float32Array.of(0.125) } },
    seen: (i, j) => j <= i && 0.125 * (i - j) < 12,
  },
  {
    name: 'pairs in a tensor',
    tiles: [698, 698, 1024],
    inputs: 'pair[i, j]: bool',
    mask: 'pair',
    data: { pair: bits(['i', 'j'], length * length, (n) => mod(div(n, length) - (n % length), 90) === 0) },
    seen: (i, j) => mod(i - j, 90) === 0,
  },
  {
    name: 'pages of a cache',
    tiles: [353, 353, 528],
    lines: 'axis m = 16',
    inputs: 'used[b, m]: bool',
    mask: 'used[m = j div 64] and j <= i',
    data: { used: bits(['b', 'm'], 16, (n) => n % 3 !== 1) },
    seen: (i, j) => div(j, 64) % 3 !== 1 && j <= i,
  },
]

/** `m` counts pages in one pattern, and a list's entries in another. */
export const sizesOf = ({ lines }: Pattern): Readonly<Record<string, number>> => ({
  ...sizes,
  m: Number(/m = (\d+)/.exec(lines ?? '')?.[1] ?? 1),
})

export const sourceOf = ({ inputs, lines, mask }: Pattern): string =>
  [
    'attention pattern {',
    ...(lines ? [`  ${lines}`] : []),
    `  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]${inputs ? `, ${inputs}` : ''}`,
    '  score     = dot(q, k)',
    `  mask      = ${mask}`,
    '  normalize = softmax[j](score)',
    '}',
  ].join('\n')
