/** The program that stands in for CUDA's library: built once for a toolkit, and kept. */
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recorderFiles } from '../../targets/cuda/recorder.ts'
import { withoutCache } from '../cache/cache.ts'
import type { Work } from '../cache/provide.ts'
import type { Staging } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Keeping } from '../runners.ts'
import { compileRecorder, describeNvcc } from './nvcc.ts'

/** Takes a library, and says what a call of it would start: see recording.ts for both texts. */
export type Recorder = (library: Uint8Array) => (call: string) => Promise<string>

const output = 'recorder'
let known: Promise<Outcome<Recorder>> | undefined

export function loadRecorder(keeping: Keeping): Promise<Outcome<Recorder>> {
  known ??= provideRecorder(keeping).then((recorder) => {
    if (!recorder.ok) known = undefined
    return recorder
  })
  return known
}

async function provideRecorder({ cache, warn }: Keeping): Promise<Outcome<Recorder>> {
  const work: Work<Recorder> = { build, use: async (made) => done(recorderOf(made.read(output))) }
  if (!cache) return withoutCache(work)
  const key = createHash('sha256')
    .update(JSON.stringify([recorderFiles, describeNvcc()]))
    .digest('hex')
  const about = { source: 'the recorder of launches of CUDA', target: 'cuda-ptx', options: '' }
  return cache.provide({ ...work, key, about, warn })
}

async function build(staging: Staging): Promise<Outcome<undefined>> {
  for (const [path, text] of Object.entries(recorderFiles)) staging.write(path, text)
  const [main = ''] = Object.keys(recorderFiles)
  return compileRecorder(staging.folder, main, output)
}

/**
 * Files of the cache cannot be executed, and what is built without one is gone once it is loaded. So these have a folder of their own
 * until this process ends.
 */
function recorderOf(program: Uint8Array): Recorder {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-recorder-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, output)
  writeFileSync(path, program)
  chmodSync(path, 0o700)
  let count = 0
  return (bytes) => {
    const library = join(folder, `${count++}.so`)
    writeFileSync(library, bytes)
    return async (call) => {
      const { execa } = await import('execa')
      const { stdout } = await execa(path, [library], { input: call, timeout: 60_000, maxBuffer: 2 ** 26 })
      return stdout
    }
  }
}
