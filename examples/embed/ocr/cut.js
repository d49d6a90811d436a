/**
 * A model cut at its attention blocks: stages that run one after the other, with attention between them. What a later stage needs of
 * an earlier one goes with it.
 */
import { findBlocks, graph, model, readGraph } from './graph.js'
import { integer, message, text, writeFields } from './protobuf.js'

/**
 * @param {Uint8Array} bytes  of an ONNX model
 * @returns the blocks, and for each stage the names of its inputs and outputs with a function that writes it as a model, given the
 *   types of inputs that are new
 */
export function cutModel(bytes) {
  const whole = readGraph(bytes)
  const blocks = findBlocks(whole.nodes)
  const { stageOf, made } = placeNodes(whole, blocks)
  const stages = Array.from({ length: blocks.length + 1 }, (_, k) => {
    const block = blocks[k]
    return {
      wanted: new Set(block ? [block.query, block.key, block.value] : whole.outputs),
      nodes: [],
      needed: new Set(),
    }
  })
  for (const [k, stage] of [...stages.entries()].reverse()) {
    const open = [...stage.wanted]
    const taken = new Set()
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const maker = made.get(name)
      const at = maker ? stageOf.get(maker) : undefined
      if (at === undefined || at < k) {
        if (name !== '') stage.needed.add(name)
        if (at !== undefined && name !== '') stages[at].wanted.add(name)
      } else if (!taken.has(maker)) {
        taken.add(maker)
        open.push(...maker.inputs)
      }
    }
    stage.nodes = whole.nodes.filter((one) => taken.has(one))
  }
  return {
    blocks,
    stages: stages.map(({ nodes, needed, wanted }) => ({
      inputs: [...needed],
      outputs: [...wanted],
      write: (types) => writeStage(whole, nodes, [...needed], [...wanted], types),
    })),
  }
}

/** The stage of each node: behind as many blocks as its inputs are. Constants are in every stage that reads them. */
function placeNodes({ nodes }, blocks) {
  const made = new Map(nodes.flatMap((one) => one.outputs.map((name) => [name, one])))
  const stageOf = new Map()
  const outputs = blocks.map(({ output }) => output)
  for (const one of nodes) {
    if (one.operator === 'Constant') stageOf.set(one, Number.POSITIVE_INFINITY)
    else {
      const behind = one.inputs.map((name) => {
        const block = outputs.indexOf(name)
        if (block >= 0) return block + 1
        const at = stageOf.get(made.get(name))
        return at === undefined || at === Number.POSITIVE_INFINITY ? 0 : at
      })
      stageOf.set(one, Math.max(0, ...behind))
    }
  }
  for (const output of outputs) made.delete(output) // attention makes it
  return { stageOf, made }
}

function writeStage({ fields, parts, inputs }, nodes, needed, wanted, types) {
  const kept = new Set(nodes.map(({ field }) => field))
  const own = (part) => (part.number === graph.node ? kept.has(part) : part.number === graph.name)
  const given = parts.filter(({ number }) => number === graph.input)
  const declared = needed.map((name) =>
    inputs.includes(name) ? given[inputs.indexOf(name)] : message(graph.input, text(1, name), tensorType(types[name])),
  )
  const results = wanted.map((name) => message(graph.output, text(1, name)))
  const cut = message(model.graph, ...parts.filter(own), ...declared, ...results)
  return writeFields(fields.map((field) => (field.number === model.graph ? cut : field)))
}

/** A tensor of any shape. */
const tensorType = (type = 'float32') =>
  message(2, message(1, integer(1, { float32: 1, int32: 6, int64: 7, bool: 9 }[type])))
