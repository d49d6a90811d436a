/** attnc in Node: the compiler of `index.ts`, and what reads sources, keeps what is built and runs it. It never exits. */
export * from './index.ts'
export * from './load.ts'
export { importJavaScript, type Kernel } from './runtime/load-ts.ts'
export type { Tensor } from './runtime/tensor.ts'
export {
  type ReadTensorOptions,
  readTensor,
  readTensors,
  writeTensor,
  writeTensors,
} from './runtime/tensors/tensor-io.ts'
