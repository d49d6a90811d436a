/** Generated extensions of PyTorch, built by their own setup.py and called from Python, with test/torch standing in for PyTorch. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { findCompiler } from '../runtime/native/compiler.ts'
import { withCompiler } from './native-build.ts'

const root = resolve(import.meta.dirname, '..')
const standin = resolve(import.meta.dirname, 'torch')
const flags = ['-std=c++17', '-O1', '-fPIC', '-shared', '-Wall', '-Wextra', '-Werror', `-I${standin}/include`]
/** Of what is generated: nothing may be said about it. */
const strict = ['-Wall', '-Wextra', '-Werror', `-I${standin}/include`]

/** Why extensions cannot be built and called here; undefined if they can. */
export function missingPython(): string | undefined {
  const missing = withCompiler('extensions of PyTorch')
  if (missing !== undefined) return missing
  for (const module of ['numpy', 'setuptools'])
    try {
      execFileSync('python3', ['-c', `import ${module}`], { stdio: 'ignore' })
    } catch {
      const why = `there is no python3 that has ${module}`
      console.log(`skipped: extensions of PyTorch, since ${why}`)
      return why
    }
  return undefined
}

/** Python with the stand-in in place of PyTorch. */
export class StandinTorch {
  readonly #folder: string

  /** @param folder  for what is compiled once */
  constructor(folder: string) {
    this.#folder = folder
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true })
    await execa(findCompiler()!, [...flags, join(standin, 'standin.cc'), '-o', join(this.#folder, 'standin.so')])
  }

  /** Builds all extensions of a folder. */
  async build(folder: string): Promise<void> {
    await this.python(folder, ['setup.py', '-q', 'build_ext', '--inplace'])
  }

  /** @param built  where extensions are, if elsewhere */
  async python(folder: string, args: readonly string[], built = folder): Promise<string> {
    const env = {
      ATTNC_STANDIN_TORCH: join(this.#folder, 'standin.so'),
      ATTNC_STANDIN_FLAGS: strict.join(' '),
      ATTNC_EMULATION: join(root, 'templates/cuda/emulation'),
      CXX: findCompiler()!,
      PYTHONPATH: [join(standin, 'python'), built].join(':'),
      PYTHONDONTWRITEBYTECODE: '1',
    }
    const { stdout } = await execa('python3', args, { cwd: folder, env, timeout: 240_000 })
    return stdout
  }

  /** What test/torch/call.py prints of one call. */
  async call(folder: string, args: readonly string[]): Promise<Called> {
    return JSON.parse(await this.python(folder, [join(standin, 'call.py'), ...args]))
  }
}

export interface Called {
  readonly told: string | null // an error
  readonly handles: number // of tensors that were not given back
  readonly log: readonly string[] // on which device memory and streams were asked for
  readonly results: readonly (readonly [string, readonly number[]])[]
  readonly faked: Called['results'] // what the operator's fake says that they are
}
