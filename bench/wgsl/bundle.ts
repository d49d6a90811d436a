// KB of the compiler as a page loads it, gzipped. A process of its own, since Dawn and the bundler's threads do not get along in one.
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = join(import.meta.dirname, '../..')
const made = await build({
  root,
  logLevel: 'silent',
  configFile: false,
  build: {
    write: false,
    lib: { entry: join(root, 'index.ts'), formats: ['es'] },
    rolldownOptions: { external: ['ts-morph'] }, // a chunk of its own, loaded when the target ts is asked for
  },
})
const outputs = [made].flat() as readonly { readonly output: readonly { readonly code?: string }[] }[]
const texts = outputs.flatMap(({ output }) => output.flatMap(({ code }) => (code === undefined ? [] : [code])))
console.log(texts.reduce((sum, text) => sum + gzipSync(text).length, 0) / 1000)
