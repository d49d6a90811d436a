/** The graph of an ONNX model, and its attention blocks, found by what they compute. */
import { readFields, textsOf } from './protobuf.js'

// Numbers of the fields, in onnx.proto.
export const model = { graph: 7 }
export const graph = { node: 1, name: 2, input: 11, output: 12 }
const node = { input: 1, output: 2, operator: 4 }

/**
 * @typedef {{ operator: string, inputs: string[], outputs: string[], field: import('./protobuf.js').Field }} Node
 * @typedef {{ query: string, key: string, value: string, output: string }} Block  names of tensors
 */

/** @param {Uint8Array} bytes  of a model whose weights are nodes, as converters from Paddle write it */
export function readGraph(bytes) {
  const fields = readFields(bytes)
  const parts = readFields(fields.find(({ number }) => number === model.graph).bytes)
  const nodes = parts
    .filter(({ number }) => number === graph.node)
    .map((field) => {
      const own = readFields(field.bytes)
      const [operator] = textsOf(own, node.operator)
      return { operator, inputs: textsOf(own, node.input), outputs: textsOf(own, node.output), field }
    })
  const named = (number) =>
    parts.filter((part) => part.number === number).flatMap(({ bytes: one }) => textsOf(readFields(one), 1))
  return { fields, parts, nodes, inputs: named(graph.input), outputs: named(graph.output) }
}

/**
 * Softmax of a product of two tensors, times a third: softmax(q · kᵀ) · v, with the scale on q, in order of the graph.
 *
 * @param {Node[]} nodes
 * @returns {Block[]}
 */
export function findBlocks(nodes) {
  const maker = new Map(nodes.flatMap((one) => one.outputs.map((name) => [name, one])))
  const through = (name, operator) => (maker.get(name)?.operator === operator ? maker.get(name).inputs[0] : undefined)
  return nodes.flatMap((softmax) => {
    const scores = softmax.operator === 'Softmax' ? maker.get(softmax.inputs[0]) : undefined
    const weighted = nodes.find((one) => one.operator === 'MatMul' && one.inputs[0] === softmax.outputs[0])
    if (scores?.operator !== 'MatMul' || !weighted) return []
    const query = through(scores.inputs[0], 'Mul')
    const key = through(scores.inputs[1], 'Transpose')
    return query && key ? [{ query, key, value: weighted.inputs[1], output: weighted.outputs[0] }] : []
  })
}
