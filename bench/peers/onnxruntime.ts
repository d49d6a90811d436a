/** onnxruntime-node: each of its operators that can express a shape in one call, and a composition of smaller ones. */
import { documents, type Shape } from '../native/shapes.ts'
import { biasOf } from './bias.ts'
import { encodeModel, type OnnxModel, type OnnxNode, type OnnxTensor } from './onnx.ts'
import { type Contestant, type Given, loadPackage, type Peer, swapAxes } from './peer.ts'

interface Session {
  run(feeds: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, { readonly data: Float32Array }>>>
  release(): Promise<void>
}
export interface Runtime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> }
  readonly Tensor: new (type: string, data: OnnxTensor['data'], shape: readonly number[]) => unknown
}

/** A model with what it is given; its result is `out`. */
interface Plan {
  readonly model: OnnxModel
  readonly feeds: Readonly<Record<string, OnnxTensor>>
  readonly isTokensFirst: boolean // its result is [batch, query, heads, width]
}

export function onnxruntimePeers(): readonly Peer[] | string {
  const runtime = loadPackage<Runtime>('onnxruntime-node')
  return typeof runtime === 'string' ? runtime : peersOf(runtime)
}

/** The same of any of its packages. */
export function peersOf(runtime: Runtime): readonly Peer[] {
  const operators = { MultiHeadAttention: multiHead, GroupQueryAttention: grouped, Attention: attention, composed }
  const peers = Object.entries(operators).map(
    ([operator, plan]): Peer => ({ name: `ort ${operator}`, prepare: (given) => prepare(runtime, given, plan(given)) }),
  )
  return [...peers, { name: 'ort MultiHeadAttention by document', isPrintedOnly: true, prepare: byDocument(runtime) }]
}

async function prepare(runtime: Runtime, { shape, threads }: Given, plan: Plan | string): Promise<Contestant | string> {
  if (typeof plan === 'string') return plan
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 }
  const session = await runtime.InferenceSession.create(encodeModel(plan.model), options)
  const feeds = Object.fromEntries(
    Object.entries(plan.feeds).map(([name, { type, data, shape: lengths }]) => [
      name,
      new runtime.Tensor(type, data, lengths),
    ]),
  )
  let out: Float32Array = new Float32Array()
  const { batch, queries, heads, width } = shape
  return {
    call: async () => {
      out = (await session.run(feeds)).out!.data
    },
    result: () => (plan.isTokensFirst ? swapAxes(out, [batch, queries, heads, width]) : out),
    release: () => session.release(),
  }
}

const microsoft = 'com.microsoft'
const scaleOf = ({ width }: Shape): number => 1 / Math.sqrt(width)
const tensor = (data: Float32Array, ...shape: readonly number[]): OnnxTensor => ({ type: 'float32', data, shape })
const modelOf = (nodes: readonly OnnxNode[], feeds: Plan['feeds'], more: readonly string[] = []): OnnxModel => ({
  nodes,
  inputs: feeds,
  outputs: ['out', ...more],
})

/** Inputs as [batch, token, heads * width]. */
function tokensFirst({ shape, tensors }: Given): Record<'q' | 'k' | 'v', OnnxTensor> {
  const { batch, heads, keyHeads, queries, keys, width } = shape
  const of = (x: Float32Array, count: number, length: number): OnnxTensor =>
    tensor(swapAxes(x, [batch, count, length, width]), batch, length, count * width)
  return { q: of(tensors.q, heads, queries), k: of(tensors.k, keyHeads, keys), v: of(tensors.v, keyHeads, keys) }
}

/** A dense bias where a mask is none that operators know. */
const biasFeed = (given: Given): { readonly bias?: OnnxTensor } => {
  const bias = biasOf(given.shape)
  return bias ? { bias: tensor(bias.data, ...bias.shape) } : {}
}

function multiHead(given: Given): Plan | string {
  const { shape } = given
  if (shape.weights === 'sigmoid') return 'softmax only'
  if (shape.heads !== shape.keyHeads) return 'as many heads of keys as of queries only'
  const isCausal = shape.mask === 'causal' && !shape.hasSlopes
  const feeds = { ...tokensFirst(given), ...(isCausal ? {} : biasFeed(given)) }
  const node: OnnxNode = {
    op: 'MultiHeadAttention',
    domain: microsoft,
    inputs: ['q', 'k', 'v', ...('bias' in feeds ? ['', '', 'bias'] : [])],
    outputs: ['out'],
    attributes: { num_heads: shape.heads, unidirectional: isCausal ? 1 : 0, scale: scaleOf(shape) },
    isFloat: ['scale'],
  }
  return { model: modelOf([node], feeds), feeds, isTokensFirst: true }
}

/** Causal, with a cache of all but the last tokens where there are fewer queries than keys. */
function grouped(given: Given): Plan | string {
  const { shape, tensors } = given
  if (shape.weights === 'sigmoid') return 'softmax only'
  const isDecode = shape.queries < shape.keys
  if (!isDecode && (shape.mask === 'none' || shape.mask === 'documents')) return 'causal only'
  const { batch, keyHeads, queries, keys, width } = shape
  const past = keys - queries
  const part = (x: Float32Array, from: number, to: number): Float32Array => {
    const one = keys * width
    const out = new Float32Array(batch * keyHeads * (to - from) * width)
    for (let n = 0; n < batch * keyHeads; n++)
      out.set(x.subarray(n * one + from * width, n * one + to * width), n * (to - from) * width)
    return out
  }
  const cut = { ...shape, keys: queries }
  const newest = { q: tensors.q, k: part(tensors.k, past, keys), v: part(tensors.v, past, keys) }
  const bias = shape.hasSlopes ? biasFeed(given) : {}
  const feeds: Record<string, OnnxTensor> = {
    ...tokensFirst({ ...given, shape: cut, tensors: newest }),
    pastK: tensor(part(tensors.k, 0, past), batch, keyHeads, past, width),
    pastV: tensor(part(tensors.v, 0, past), batch, keyHeads, past, width),
    lengths: { type: 'int32', data: new Int32Array(batch).fill(keys - 1), shape: [batch] },
    total: { type: 'int32', data: Int32Array.of(keys), shape: [1] },
    ...bias,
  }
  const node: OnnxNode = {
    op: 'GroupQueryAttention',
    domain: microsoft,
    inputs: ['q', 'k', 'v', 'pastK', 'pastV', 'lengths', 'total', ...('bias' in feeds ? ['', '', '', 'bias'] : [])],
    outputs: ['out', 'newK', 'newV'],
    attributes: {
      num_heads: shape.heads,
      kv_num_heads: keyHeads,
      scale: scaleOf(shape),
      local_window_size: shape.params?.window ?? -1,
    },
    isFloat: ['scale'],
  }
  return { model: modelOf([node], feeds, ['newK', 'newV']), feeds, isTokensFirst: true }
}

/** Inputs as they lie. */
function headsFirst({ shape, tensors }: Given): Record<'q' | 'k' | 'v', OnnxTensor> {
  const { batch, heads, keyHeads, queries, keys, width } = shape
  return {
    q: tensor(tensors.q, batch, heads, queries, width),
    k: tensor(tensors.k, batch, keyHeads, keys, width),
    v: tensor(tensors.v, batch, keyHeads, keys, width),
  }
}

/** The operator of ONNX 23. */
function attention(given: Given): Plan | string {
  const { shape } = given
  if (shape.weights === 'sigmoid') return 'softmax only'
  const isCausal = shape.mask === 'causal' && !shape.hasSlopes && shape.queries > 1
  const feeds = { ...headsFirst(given), ...(isCausal ? {} : biasFeed(given)) }
  const node: OnnxNode = {
    op: 'Attention',
    inputs: ['q', 'k', 'v', ...('bias' in feeds ? ['bias'] : [])],
    outputs: ['out'],
    attributes: { is_causal: isCausal ? 1 : 0, scale: scaleOf(shape) },
    isFloat: ['scale'],
  }
  return { model: modelOf([node], feeds), feeds, isTokensFirst: false }
}

/** Products and a softmax or a sigmoid; query heads that share keys are rows of one product. */
function composed(given: Given): Plan {
  const { shape, tensors } = given
  const { batch, heads, keyHeads, queries, width } = shape
  const feeds = {
    ...headsFirst(given),
    q: tensor(tensors.q, batch, keyHeads, (heads / keyHeads) * queries, width),
    ...biasFeed(given),
  }
  const constants = {
    scale: tensor(Float32Array.of(scaleOf(shape))),
    shift: tensor(Float32Array.of(-Math.log(shape.keys))),
  }
  const isSigmoid = shape.weights === 'sigmoid'
  const added = isSigmoid ? 'shift' : 'bias' in feeds ? 'bias' : undefined
  const nodes: readonly OnnxNode[] = [
    { op: 'Transpose', inputs: ['k'], outputs: ['kt'], attributes: { perm: [0, 1, 3, 2] } },
    { op: 'MatMul', inputs: ['q', 'kt'], outputs: ['products'] },
    { op: 'Mul', inputs: ['products', 'scale'], outputs: ['scores'] },
    ...(added ? [{ op: 'Add', inputs: ['scores', added], outputs: ['shifted'] }] : []),
    { op: isSigmoid ? 'Sigmoid' : 'Softmax', inputs: [added ? 'shifted' : 'scores'], outputs: ['weights'] },
    { op: 'MatMul', inputs: ['weights', 'v'], outputs: ['out'] },
  ]
  return { model: { ...modelOf(nodes, feeds), constants }, feeds, isTokensFirst: false }
}

/** Who knows where documents end can call it for each: one call is no longer enough, so it is only printed. */
const byDocument =
  (runtime: Runtime): Peer['prepare'] =>
  async (given) => {
    if (given.shape.mask !== 'documents') return 'no documents'
    const { batch, heads, queries, width } = given.shape
    const one = await Promise.all(
      documents.map((length, n) => {
        const start = documents.slice(0, n).reduce((a, b) => a + b, 0)
        const rows = (x: Float32Array): Float32Array => {
          const out = new Float32Array(batch * heads * length * width)
          for (let h = 0; h < batch * heads; h++)
            out.set(
              x.subarray((h * queries + start) * width, (h * queries + start + length) * width),
              h * length * width,
            )
          return out
        }
        const { q, k, v } = given.tensors
        const shape: Shape = { ...given.shape, queries: length, keys: length, mask: 'none' }
        const own = { ...given, shape, tensors: { q: rows(q), k: rows(k), v: rows(v) } }
        return prepare(runtime, own, multiHead(own))
      }),
    )
    const ready = one.filter((contestant) => typeof contestant !== 'string')
    return {
      call: async () => {
        for (const { call } of ready) await call()
      },
      result: () =>
        joinDocuments(
          ready.map(({ result }) => result()),
          given.shape,
        ),
      release: () => Promise.all(ready.map(({ release }) => release?.())),
    }
  }

function joinDocuments(parts: readonly Float32Array[], { batch, heads, queries, width }: Shape): Float32Array {
  const out = new Float32Array(batch * heads * queries * width)
  let start = 0
  for (const part of parts) {
    const one = part.length / (batch * heads)
    for (let h = 0; h < batch * heads; h++) out.set(part.subarray(h * one, (h + 1) * one), h * queries * width + start)
    start += one
  }
  return out
}
