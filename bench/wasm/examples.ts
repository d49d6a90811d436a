/** The module of every example: its bytes, and how long it takes from them to one that can be called. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { prepare } from '../../index.ts'
import { importReader } from '../../runtime/imports.ts'
import { compileKernels } from '../../targets/ts/wasm/kernel.ts'
import { median } from '../median.ts'
import { instantiate } from './engine.ts'

export interface Size {
  readonly example: string
  readonly bytes: number
  readonly milliseconds: number // of processor time
}

const root = join(import.meta.dirname, '../..')
const repeated = 5

export async function measureExamples(): Promise<readonly Size[]> {
  const all: Size[] = []
  for (const path of globSync('examples/*.attn', { cwd: root }).sort()) {
    const file = { path, text: readFileSync(join(root, path), 'utf8') }
    const made = await prepare(file, { target: 'ts', simd: 'wasm', readImport: importReader(file, root) })
    if (!made.ok) throw new Error(`${path} has errors`)
    const { bytes, imports } = compileKernels(made.value.programs)
    const functions = Object.fromEntries(imports.map((name) => [name, () => 0]))
    const times = Array.from({ length: repeated }, () => {
      const before = process.cpuUsage()
      instantiate(bytes, functions)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    })
    all.push({ example: basename(path, '.attn'), bytes: bytes.length, milliseconds: median(times) })
  }
  return all
}
