/** Measures the module that the ts target makes of a source: `node bench/target-ts.ts [FILE.attn] [rounds]`, on one thread. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = new URL('../', import.meta.url)
const file = process.argv[2] ?? fileURLToPath(new URL('examples/softmax.attn', root))
const folder = mkdtempSync(join(tmpdir(), 'attnc-bench-'))
const [batch, heads, length, width] = [1, 8, 1024, 64] as const

interface Tensor {
  readonly data: Float32Array
  readonly shape: readonly number[]
}
type Attention = (inputs: Readonly<Record<string, Tensor>>) => object

const draw = (): Tensor => {
  const data = Float32Array.from({ length: batch * heads * length * width }, () => Math.random() - 0.5)
  return { data, shape: [batch, heads, length, width] }
}

execFileSync(process.execPath, [
  fileURLToPath(new URL('bin/attnc.js', root)),
  'build',
  file,
  '--target',
  'ts',
  '-o',
  folder,
])
const module: Readonly<Record<string, Attention>> = await import(
  pathToFileURL(join(folder, `${basename(file, '.attn')}.js`)).href
)
rmSync(folder, { recursive: true })
const inputs = { q: draw(), k: draw(), v: draw() }
for (const [name, attention] of Object.entries(module)) {
  const times = Array.from({ length: Number(process.argv[3] ?? 5) }, () => {
    const start = performance.now()
    attention(inputs)
    return performance.now() - start
  })
  const best = Math.min(...times)
  const rate = (4 * batch * heads * length * length * width) / best / 1e6
  console.log(`${name}: ${best.toFixed(0)} ms, ${rate.toFixed(2)} GFLOP/s of the whole square`)
}
