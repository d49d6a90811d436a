/** What a call of generated CUDA would start on a device: its host part, compiled by nvcc, says so to a stand-in of CUDA's library. */
import type { Signature } from '../signature.ts'
import type { Module } from './ptx/module.ts'

/** An address of the device, as both words. */
export type Address = readonly [low: number, high: number]

export type Step =
  | {
      readonly kind: 'launch'
      readonly kernel: string
      readonly grid: readonly [number, number, number]
      readonly threads: readonly [number, number, number]
      readonly sharedBytes: number
      readonly params: readonly Uint8Array[]
    }
  | { readonly kind: 'copy'; readonly to: Address; readonly from: Address; readonly bytes: number }
  | { readonly kind: 'fill'; readonly to: Address; readonly value: number; readonly bytes: number }

export interface Recording {
  readonly results: readonly (readonly number[])[] // lengths of the axes of each
  readonly workspaceBytes: number
  readonly steps: readonly Step[]
}

/** What is called: templates/cuda/recorder/recorder.cc reads it. */
export interface Call {
  readonly entry: string
  readonly inputs: readonly (readonly number[])[] // lengths of the axes of each
  readonly results: readonly number[] // how many axes each has
  readonly params: readonly (readonly [bytes: number, bits: number] | undefined)[]
}

const list = (numbers: readonly number[]): string => [numbers.length, ...numbers].join(' ')

/** @param sharedMost  bytes of shared memory that a block may have */
export function callText({ entry, inputs, results, params }: Call, { entries }: Module, sharedMost: number): string {
  const kernels = [...entries.values()].map(({ name, params: own }) => `${name} ${list(own.map(({ bytes }) => bytes))}`)
  return [
    `${entry} ${sharedMost}`,
    String(entries.size),
    ...kernels,
    `${inputs.length} ${results.length}`,
    ...inputs.map(list),
    ...results.map((axes) => list(Array<number>(axes).fill(0))),
    String(params.length),
    ...params.map((param) => (param ? param.join(' ') : '0')),
    '',
  ].join('\n')
}

/** @throws RangeError  where the call was refused, with its reason */
export function readRecording(text: string): Recording {
  const results: (readonly number[])[] = []
  const steps: Step[] = []
  let workspaceBytes = 0
  for (const line of text.split('\n')) {
    const [kind, ...words] = line.split(' ')
    if (kind === 'fault') throw new RangeError(words.join(' '))
    if (kind === 'result') results.push(words.map(Number))
    if (kind === 'workspace') workspaceBytes = Number(words[0])
    if (kind === 'copy')
      steps.push({ kind, to: addressOf(words[0]), from: addressOf(words[1]), bytes: Number(words[2]) })
    if (kind === 'fill') steps.push({ kind, to: addressOf(words[0]), value: Number(words[1]), bytes: Number(words[2]) })
    if (kind === 'launch') steps.push(readLaunch(words))
  }
  return { results, workspaceBytes, steps }
}

function readLaunch([kernel = '', ...words]: readonly string[]): Step {
  const [x = 1, y = 1, z = 1, ofX = 1, ofY = 1, ofZ = 1, sharedBytes = 0] = words.slice(0, 7).map(Number)
  const params = words.slice(7).map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))
  return { kind: 'launch', kernel, grid: [x, y, z], threads: [ofX, ofY, ofZ], sharedBytes, params }
}

function addressOf(word = '0'): Address {
  const address = BigInt(word)
  return [Number(address & 0xffffffffn), Number(address >> 32n)]
}

const bits = new DataView(new ArrayBuffer(8))
/** Parameters that are given when a kernel is called, as bytes and bits. */
export function paramsOf(
  { params }: Pick<Signature, 'params'>,
  given: Readonly<Record<string, number | boolean>>,
): Call['params'] {
  return params
    .filter(({ time }) => time === 'run')
    .map(({ name, type }) => {
      const value = given[name]
      if (value === undefined) return undefined
      if (type === 'bool') return [1, Number(value)]
      if (type === 'i32') bits.setInt32(0, Number(value))
      else bits.setFloat32(0, Number(value))
      return [4, bits.getUint32(0)]
    })
}
