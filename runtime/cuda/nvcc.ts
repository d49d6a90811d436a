/** nvcc, started without a shell. */
import { accessSync, constants, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { done, failed, type Outcome, problem } from '../problem.ts'

/** The path of nvcc; undefined if there is none in the PATH. */
export function findNvcc(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, 'nvcc')).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** What a build by nvcc depends on: its file, since a toolkit comes as a whole. */
export function describeNvcc(): readonly string[] {
  const path = findNvcc()
  if (path === undefined) return []
  const real = realpathSync(path)
  const { size, mtimeMs } = statSync(real)
  return [real, String(size), String(mtimeMs)]
}

const limit = 300_000 // ms

/**
 * Compiles CUDA in one go as nvcc does for a device, but that the device's part stays PTX: its text is returned, and the host part is a
 * shared library, not optimized, to which something else has to give the functions of CUDA. What nvcc says of our code is our bug, and
 * so is thrown.
 *
 * @param source   a file in the folder
 * @param output   the shared library, there
 * @param virtual  the architecture that PTX is for: 'compute_80'
 */
export async function compileToPtx(
  folder: string,
  source: string,
  output: string,
  virtual: string,
): Promise<Outcome<string>> {
  const own = mkdtempSync(join(tmpdir(), 'attnc-nvcc-'))
  const flags = [
    ...['-std=c++17', '-O3', '-fmad=false', '-lineinfo'], // device code as it is made for a GPU
    ...['-gencode', `arch=${virtual},code=${virtual}`, '--keep', '--keep-dir', own],
    ...['-shared', '-Xcompiler', '-fPIC,-O0'],
  ]
  try {
    const compiled = await nvcc(folder, 'none', [...flags, source, '-o', output])
    return compiled.ok ? done(readFileSync(join(own, source.replace(/\.cu$/, '.ptx')), 'utf8')) : compiled
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

/** Architectures as 'sm_80'; `ptx`: also what a driver can translate for those after the last. */
interface Architectures {
  readonly names: readonly string[]
  readonly ptx: boolean
}

/** Flags that ask for code for each of them. */
export const codeFor = ({ names, ptx }: Architectures): readonly string[] =>
  names.flatMap((name, n) => {
    const virtual = name.replace('sm_', 'compute_')
    return ['-gencode', `arch=${virtual},code=${ptx && n === names.length - 1 ? `[${name},${virtual}]` : name}`]
  })

/** Compiles CUDA to a shared library that has code for each of the architectures, and no runtime of CUDA's: that is among the sources. */
export function compileLibrary(
  folder: string,
  sources: readonly string[],
  output: string,
  wanted: Architectures,
): Promise<Outcome<undefined>> {
  return nvcc(folder, 'none', [
    ...['-std=c++17', '-O3', '-fmad=false', ...codeFor(wanted)],
    ...['-shared', '-Xcompiler', '-fPIC,-O1', '-Xlinker', '-Bsymbolic'], // its own functions, whatever the process has
    ...sources,
    ...['-o', output],
  ])
}

/** A program of the host that gives libraries which it loads the functions of CUDA. */
export const compileRecorder = (folder: string, source: string, output: string): Promise<Outcome<undefined>> =>
  nvcc(folder, 'none', ['-std=c++17', '-Xcompiler', '-rdynamic', source, '-o', output, '-ldl'])

/** @param runtime  CUDA's, within what is linked or not */
export async function nvcc(
  folder: string,
  runtime: 'none' | 'static',
  args: readonly string[],
): Promise<Outcome<undefined>> {
  const path = findNvcc()
  if (path === undefined) return failed(problem('ATTN0331', 'nvcc is no longer in the PATH'))
  const { execa } = await import('execa')
  const options = { cwd: folder, reject: false, timeout: limit, stdin: 'ignore', env: { LC_ALL: 'C' } } as const
  const { exitCode, stderr, timedOut, signal } = await execa(path, ['-w', '--cudart', runtime, ...args], options)
  if (exitCode === 0) return done(undefined)
  const refusal = /^nvcc fatal.*|.*#error -- unsupported.*/m.exec(stderr)?.[0] // of an architecture, of the compiler of the host
  if (refusal !== undefined) return failed(problem('ATTN0331', `nvcc fails: ${refusal}`))
  if (exitCode !== undefined && !timedOut) throw new Error(`nvcc ${args.join(' ')} fails:\n${stderr}`)
  const why = timedOut ? `was not done in ${limit / 1000} s` : `was ended by ${signal ?? 'something'}`
  return failed(problem('ATTN0331', `nvcc ${why}`))
}
