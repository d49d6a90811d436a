/** onnxruntime-web on WebGPU: its MultiHeadAttention, and the same composed of smaller operators. */
import { join } from 'node:path'
import { encodeModel, type OnnxModel, type OnnxTensor } from '../peers/onnx.ts'
import type { Contestant, Prepare } from './contestant.ts'
import type { Shape } from './shape.ts'

interface Tensor {
  getData(): Promise<Float32Array>
  dispose(): void
}
interface Runtime {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string }
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: object): Promise<Readonly<Record<string, Tensor>>> }>
  }
  readonly Tensor: new (type: string, data: OnnxTensor['data'], shape: readonly number[]) => Tensor
}

/** The runtime takes the adapter of `gpu`; a text says why there is none. */
export async function onnxruntime(gpu: GPU): Promise<readonly Prepare[] | string> {
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true })
  const path = join(import.meta.dirname, 'node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs')
  const runtime = await import(path).then(
    (module: Runtime) => module,
    (error: Error) => error.message.split('\n')[0]!,
  )
  if (typeof runtime === 'string') return `onnxruntime-web is not installed: ${runtime}`
  runtime.env.wasm.numThreads = 1
  runtime.env.logLevel = 'error'
  return [prepare(runtime, 'ort MultiHeadAttention', multiHead), prepare(runtime, 'ort composed', composed)]
}

interface Plan {
  readonly model: OnnxModel
  readonly shape: readonly number[] // of queries, keys and values
}

const prepare =
  (runtime: Runtime, name: string, plan: (shape: Shape) => Plan): Prepare =>
  async (shape, tensors): Promise<Contestant> => {
    const { model, shape: lengths } = plan(shape)
    const session = await runtime.InferenceSession.create(encodeModel(model), { executionProviders: ['webgpu'] })
    const feeds = Object.fromEntries(
      Object.entries(tensors).map(([key, data]) => [key, new runtime.Tensor('float32', data, lengths)]),
    )
    const call = async (): Promise<Float32Array> => {
      const { out } = await session.run(feeds)
      const data = await out!.getData()
      out!.dispose()
      return data
    }
    return { name, call }
  }

const scaleOf = ({ width }: Shape): number => 1 / Math.sqrt(width)
const inputsOf = (shape: readonly number[]): OnnxModel['inputs'] => ({
  q: { type: 'float32', shape },
  k: { type: 'float32', shape },
  v: { type: 'float32', shape },
})

function multiHead(shape: Shape): Plan {
  const lengths = [1, shape.length, shape.width]
  const node = {
    op: 'MultiHeadAttention',
    domain: 'com.microsoft',
    inputs: ['q', 'k', 'v'],
    outputs: ['out'],
    attributes: { num_heads: 1, unidirectional: shape.isCausal ? 1 : 0, scale: scaleOf(shape) },
    isFloat: ['scale'],
  }
  return { model: { nodes: [node], inputs: inputsOf(lengths), outputs: ['out'] }, shape: lengths }
}

/** Where the shape is causal, a dense bias says so. */
function composed(shape: Shape): Plan {
  const { length, width, isCausal } = shape
  const lengths = [1, 1, length, width]
  const scale: OnnxTensor = { type: 'float32', data: Float32Array.of(scaleOf(shape)), shape: [1] }
  const seen = (n: number): boolean => n % length <= Math.floor(n / length)
  const bias = (): OnnxTensor => ({
    type: 'float32',
    data: Float32Array.from({ length: length * length }, (_, n) => (seen(n) ? 0 : -1e30)),
    shape: [1, 1, length, length],
  })
  const nodes = [
    { op: 'Transpose', inputs: ['k'], outputs: ['columns'], attributes: { perm: [0, 1, 3, 2] } },
    { op: 'Mul', inputs: ['q', 'scale'], outputs: ['scaled'] },
    { op: 'MatMul', inputs: ['scaled', 'columns'], outputs: ['products'] },
    ...(isCausal ? [{ op: 'Add', inputs: ['products', 'bias'], outputs: ['scores'] }] : []),
    { op: 'Softmax', inputs: [isCausal ? 'scores' : 'products'], outputs: ['weights'] },
    { op: 'MatMul', inputs: ['weights', 'v'], outputs: ['out'] },
  ]
  const constants = isCausal ? { scale, bias: bias() } : { scale }
  return { model: { nodes, inputs: inputsOf(lengths), constants, outputs: ['out'] }, shape: lengths }
}
