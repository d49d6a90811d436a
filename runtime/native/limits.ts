/** What this machine can do at most: fused multiplications in registers, and reading memory once. Measured, the best of several times. */
import { createHash } from 'node:crypto'
import { machineFiles } from '../../targets/native/machine.ts'
import { withoutCache } from '../cache/cache.ts'
import type { Work } from '../cache/provide.ts'
import type { Made } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Keeping } from '../runners.ts'
import { compileShared, describeMachine, kernelFlags } from './compiler.ts'
import { type Loader, loadLoader } from './loader.ts'

export interface Limits {
  readonly gflops: number
  readonly gbytes: number // read, a second
}

const library = 'machine.so'
const rounds = 2_000_000 // of fused multiplications: milliseconds
const elements = 2 ** 26 // larger than any cache
const times = 8

export async function nativeLimits(keeping: Keeping, workers: number): Promise<Outcome<Limits>> {
  const loader = await loadLoader(keeping)
  if (!loader.ok) return loader
  const work: Work<Limits> = {
    build: async (staging) => {
      for (const [name, text] of Object.entries(machineFiles)) staging.write(name, text)
      return compileShared({ folder: staging.folder, source: 'machine.cc', output: library, flags: kernelFlags() })
    },
    use: async (made) => done(measure(loader.value, made, workers)),
  }
  if (!keeping.cache) return withoutCache(work)
  const key = createHash('sha256')
    .update(JSON.stringify([machineFiles, describeMachine()]))
    .digest('hex')
  const about = { source: 'the limits of this machine', target: 'native', options: '' }
  return keeping.cache.provide({ ...work, key, about, warn: keeping.warn })
}

function measure(loader: Loader, made: Made, workers: number): Limits {
  const opened = loader.open(made.path(library))
  const floats = Uint32Array.of(1, 4) // one axis, four bytes
  const length = Float64Array.of(0, workers, rounds) // of the result; then parameters
  const fma = loader.find(opened, 'fma', Uint32Array.of(), floats, 'ii', length)
  const lengths = Float64Array.of(elements, 0, workers) // of the input and the result; then the parameter
  const read = loader.find(opened, 'read', floats, floats, 'i', lengths)
  const large = new Float32Array(loader.allocate(4 * elements)).fill(1)
  let flops = 0
  const multiply = (): void => {
    fma.shapes()
    const pieces = new Float32Array(length[0]!)
    fma.run(workers, pieces)
    flops = pieces.reduce((sum, piece) => sum + piece, 0)
  }
  const pass = (): void => {
    read.shapes(large)
    read.run(workers, large, new Float32Array(lengths[1]!))
  }
  const best = (call: () => unknown): number => Math.min(...Array.from({ length: times }, () => timeOf(call)))
  const [multiplying, reading] = [best(multiply), best(pass)]
  return { gflops: flops / multiplying / 1e6, gbytes: (4 * elements) / reading / 1e6 }
}

/** ms */
function timeOf(call: () => unknown): number {
  const start = performance.now()
  call()
  return performance.now() - start
}
