/** Models of a few operators as onnx.proto encodes them: field numbers are those of that file. */

export interface OnnxNode {
  readonly op: string
  readonly domain?: string // of operators that are not of ONNX itself
  readonly inputs: readonly string[] // an empty name: not given
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>
  readonly isFloat?: readonly string[] // attributes that are floats; the others are integers
}
export type ElementType = 'float32' | 'int32' | 'int64'
export interface OnnxTensor {
  readonly type: ElementType
  readonly data: Float32Array | Int32Array | BigInt64Array
  readonly shape: readonly number[]
}
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[]
  readonly inputs: Readonly<Record<string, Pick<OnnxTensor, 'type' | 'shape'>>>
  readonly constants?: Readonly<Record<string, OnnxTensor>>
  readonly outputs: readonly string[]
}

const elementTypes = { float32: 1, int32: 6, int64: 7 } as const
const attributeTypes = { float: 1, int: 2, ints: 7 } as const
const versions = { irVersion: 10, '': 23, 'com.microsoft': 1 } as const

export function encodeModel({ nodes, inputs, constants = {}, outputs }: OnnxModel): Uint8Array {
  const graph = message(
    ...nodes.map((node) => field(1, encodeNode(node))),
    field(2, text('graph')),
    ...Object.entries(constants).map(([name, tensor]) => field(5, encodeTensor(name, tensor))),
    ...Object.entries(inputs).map(([name, { type, shape }]) => field(11, encodeValue(name, type, shape))),
    ...outputs.map((name) => field(12, encodeValue(name, 'float32'))),
  )
  const opset = (domain: '' | 'com.microsoft') => message(field(1, text(domain)), field(2, versions[domain]))
  return message(field(1, versions.irVersion), field(7, graph), field(8, opset('')), field(8, opset('com.microsoft')))
}

function encodeNode({ op, domain, inputs, outputs, attributes = {}, isFloat = [] }: OnnxNode): Uint8Array {
  return message(
    ...inputs.map((name) => field(1, text(name))),
    ...outputs.map((name) => field(2, text(name))),
    field(4, text(op)),
    ...Object.entries(attributes).map(([name, value]) =>
      field(5, encodeAttribute(name, value, isFloat.includes(name))),
    ),
    ...(domain ? [field(7, text(domain))] : []),
  )
}

function encodeAttribute(name: string, value: number | readonly number[], isFloat: boolean): Uint8Array {
  if (typeof value !== 'number')
    return message(field(1, text(name)), ...value.map((n) => field(8, n)), field(20, attributeTypes.ints))
  if (isFloat) return message(field(1, text(name)), float(2, value), field(20, attributeTypes.float))
  return message(field(1, text(name)), field(3, value), field(20, attributeTypes.int))
}

function encodeTensor(name: string, { type, data, shape }: OnnxTensor): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return message(...shape.map((n) => field(1, n)), field(2, elementTypes[type]), field(8, text(name)), field(9, raw))
}

function encodeValue(name: string, type: ElementType, shape?: readonly number[]): Uint8Array {
  const dims = shape && message(...shape.map((n) => field(1, message(field(1, n)))))
  const tensor = message(field(1, elementTypes[type]), ...(dims ? [field(2, dims)] : []))
  return message(field(1, text(name)), field(2, message(field(1, tensor))))
}

// Protocol buffers: a field is its number and kind, then a number, four bytes, or a length and bytes.

const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields)
const text = (s: string): Uint8Array => Buffer.from(s)

function field(number: number, value: number | Uint8Array): Uint8Array {
  if (typeof value === 'number') return message(varint(number << 3), varint(value))
  return message(varint((number << 3) | 2), varint(value.length), value)
}

function float(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return message(varint((number << 3) | 5), bytes)
}

/** Seven bits a byte, the lowest first; -1 is 64 bits of ones. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Uint8Array.of(...bytes, Number(rest))
}
