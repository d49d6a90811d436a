// Reads a line of text: node read.js [--target ts|native|wgsl|cuda] [--attention FILE.attn] [PICTURE.png]
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load } from 'attnc/node'
import { pictureOf } from './picture.js'
import { loadRecogniser } from './recogniser.js'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    target: { type: 'string', default: 'auto' },
    attention: { type: 'string', default: here('softmax.attn') },
  },
})

const picture = pictureOf(await readFile(positionals[0] ?? here('line.png')))
const attention = await load(values.attention, { target: values.target })
const recogniser = await loadRecogniser()
const show = (who, { text, confidence }) => console.log(`${who}: ${text} (${confidence.toFixed(3)})`)

show('the model', await recogniser.readWhole(picture))
show('with ours', await recogniser.read(picture, async (tensors) => (await attention(tensors)).out))
