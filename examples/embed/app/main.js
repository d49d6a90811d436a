import { capped } from '../kernels/capped.attn'
import meta from '../kernels/capped.attn?meta'
import shader from '../kernels/capped.attn?wgsl'

const width = 64
const tensor = (length, value) => ({
  shape: [1, 2, length, width],
  data: Float32Array.from({ length: 2 * length * width }, (_, n) => value(Math.floor(n / width) % length)),
})

// All keys are the same, so that each result is the mean of the values: of 0 .. 6 that is 3.
const { out } = capped({ q: tensor(3, () => 1), k: tensor(7, () => 0), v: tensor(7, (key) => key) })
const [attention] = meta.attentions
console.log(`${attention.name} of ${attention.inputs.map(({ name }) => name)}: ${out.data[0].toFixed(3)}`)
console.log(/@compute.*/.exec(shader)[0].slice(0, 8))
