/** @ruvector/attention: a call takes queries, each with keys and values of its own, and computes on one thread. */
import { type Contestant, type Given, loadPackage, type Peer } from './peer.ts'

type Rows = readonly Float32Array[]
interface Library {
  batchFlashAttentionCompute(
    queries: Rows,
    keys: readonly Rows[],
    values: readonly Rows[],
    width: number,
    keysOfBlock: number,
  ): Promise<{ readonly outputs: Rows }>
}

/** Of all rows one in so many is computed: all would take minutes. */
const every = 64

export function ruvectorPeers(): readonly Peer[] | string {
  const library = loadPackage<Library>('@ruvector/attention-linux-x64-gnu')
  if (typeof library === 'string') return library
  return [{ name: '@ruvector/attention', prepare: async (given) => prepare(library, given) }]
}

function prepare(library: Library, { shape, tensors, threads }: Given): Contestant | string {
  if (threads > 1) return 'one thread only'
  if (shape.weights === 'sigmoid' || shape.hasSlopes) return 'softmax of products only'
  const { batch, heads, keyHeads, queries, keys, width, seen } = shape
  const rowsOf = (x: Float32Array): Rows =>
    Array.from({ length: x.length / width }, (_, n) => x.slice(n * width, (n + 1) * width))
  const [q, k, v] = [rowsOf(tensors.q), rowsOf(tensors.k), rowsOf(tensors.v)]
  const first = every / 2
  const count = Math.ceil((batch * heads * queries - first) / every)
  const chosen = Array.from({ length: count }, (_, n) => first + every * n)
  const seenBy = (all: Rows, row: number): Rows => {
    const [from, to] = seen(row % queries)
    const start = Math.floor(row / queries / (heads / keyHeads)) * keys
    return all.slice(start + from, start + to)
  }
  const given = [k, v].map((all) => chosen.map((row) => seenBy(all, row)))
  let outputs: Rows = []
  return {
    rows: { every, first },
    call: async () => {
      const result = await library.batchFlashAttentionCompute(
        chosen.map((row) => q[row]!),
        given[0]!,
        given[1]!,
        width,
        64,
      ) // prettier-ignore
      outputs = result.outputs
    },
    result: () => {
      const out = new Float32Array(q.length * width)
      for (const [n, row] of outputs.entries()) out.set(row, chosen[n]! * width)
      return out
    },
  }
}
