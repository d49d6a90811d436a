/** onnxruntime-web on WebAssembly with vectors, one thread: the operators of its relative for Node. */
import { peersOf, type Runtime } from '../peers/onnxruntime.ts'
import { loadPackage, type Peer } from '../peers/peer.ts'

interface Web extends Runtime {
  readonly env: { readonly wasm: { numThreads: number }; logLevel: string }
}

/** A text says why there are none. */
export function onnxruntimeWeb(): readonly Peer[] | string {
  const runtime = loadPackage<Web>('onnxruntime-web', import.meta.url)
  if (typeof runtime === 'string') return runtime
  runtime.env.wasm.numThreads = 1
  runtime.env.logLevel = 'fatal'
  return peersOf(runtime)
}
