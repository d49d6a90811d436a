/** What the target generates for a shape, on tensors in the memory of its module; and its tiles. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Program } from '../../compiler/kernel.ts'
import { renderHuman } from '../../grammar/diagnostic.ts'
import { compile } from '../../index.ts'
import { importModule } from '../../runtime/load-ts.ts'
import { documentOf, type Shape } from '../native/shapes.ts'
import type { Contestant, Given } from '../peers/peer.ts'

interface Tensor {
  readonly data: Float32Array | Int32Array
  readonly shape: readonly number[]
}
type Attention = (inputs: object, options: object) => Readonly<Record<string, Tensor>>
interface Module {
  allocate(type: unknown, shape: readonly number[]): Tensor
}
export interface Ours extends Contestant {
  readonly tile: Tile
}
export interface Tile {
  readonly i: number
  readonly j: number
}

/** Around zero, of variance one, the same in every run. */
export function tensorsOf({ batch, heads, queries, width }: Shape): Given['tensors'] {
  let state = 1
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const draw = (): Float32Array =>
    Float32Array.from({ length: batch * heads * queries * width }, () => next() + next() + next())
  return { q: draw(), k: draw(), v: draw() }
}

/** @throws Error  where the definition has errors */
export async function ours({ shape, tensors }: Given): Promise<Ours> {
  const { batch, heads, queries, keys, width, params = {} } = shape
  const file = { path: basename(shape.source), text: readFileSync(shape.source, 'utf8') }
  const made = await compile(file, { target: 'ts', simd: 'wasm', sizes: { d: width, e: width } })
  if (!made.ok) throw new Error(made.diagnostics.map((one) => renderHuman(one)).join('\n'))
  const { files, programs } = made.value
  const module = await importModule(files.find(({ path }) => path.endsWith('.js'))!.text)
  const { allocate } = module as unknown as Module
  const attention = module[programs[0]!.name] as Attention
  const place = (data: Float32Array | Int32Array, lengths: readonly number[]): Tensor => {
    const tensor = allocate(data.constructor, lengths)
    tensor.data.set(data)
    return tensor
  }
  const [rows, columns] = [
    [batch, heads, queries, width],
    [batch, heads, keys, width],
  ]
  const inputs = {
    q: place(tensors.q, rows!),
    k: place(tensors.k, columns!),
    v: place(tensors.v, columns!),
    ...(shape.mask === 'documents' ? textsOf(shape, place) : {}),
  }
  const into = { out: place(new Float32Array(tensors.q.length), rows!) }
  return {
    call: () => attention(inputs, { params, into }),
    result: () => into.out.data as Float32Array,
    tile: tileOf(programs[0]!),
  }
}

function textsOf({ batch, queries }: Shape, place: (data: Int32Array, lengths: readonly number[]) => Tensor): object {
  const texts = Int32Array.from({ length: batch * queries }, (_, n) => documentOf(n % queries))
  return { text_of_query: place(texts, [batch, queries]), text_of_key: place(texts, [batch, queries]) }
}

/** How long the tiles of a program are along queries and keys. */
function tileOf(program: Program): Tile {
  const found: Record<string, number> = {}
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const { axis, tile } = node as { readonly axis?: unknown; readonly tile?: unknown }
    if (typeof axis === 'string' && typeof tile === 'number') found[axis] = tile
    for (const child of Object.values(node)) look(child)
  }
  look(program.steps)
  return { i: found.i ?? 1, j: found.j ?? 1 }
}

/** Tiles that have a pair which the mask admits; where rows see ranges of keys, they lie side by side. */
export function liveTiles({ batch, heads, queries, seen }: Shape, { i, j }: Tile): number {
  let count = 0
  for (let first = 0; first < queries; first += i) {
    const ranges = Array.from({ length: Math.min(i, queries - first) }, (_, n) => seen(first + n))
    const from = Math.min(...ranges.map(([begin]) => begin))
    const to = Math.max(...ranges.map(([, end]) => end))
    count += Math.ceil(to / j) - Math.floor(from / j)
  }
  return batch * heads * count
}
