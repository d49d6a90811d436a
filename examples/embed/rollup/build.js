import attn from 'attnc/rollup'
import { rollup } from 'rollup'

const bundle = await rollup({ input: '../app/main.js', plugins: [attn()] })
await bundle.write({ file: 'dist/main.js' })
await bundle.close()
