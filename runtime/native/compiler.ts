/** The C++ compiler of this machine: g++ or clang++, or what `CXX` names. It is started without a shell. */
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs'
import os from 'node:os'
import { delimiter, join } from 'node:path'
import { done, failed, type Outcome, problem } from '../problem.ts'

/** Names that are looked for, the first first. */
const names = ['g++', 'clang++', 'c++'] as const

/** The path of the compiler; undefined if there is none. */
export function findCompiler(): string | undefined {
  const asked = process.env.CXX
  const wanted = asked !== undefined && asked !== '' ? [asked] : names
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = wanted.flatMap((name) =>
    name.includes('/') ? [name] : folders.map((folder) => join(folder, name)),
  )
  return candidates.find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Why nothing can be compiled here, or undefined. */
export function missingCompiler(): string | undefined {
  if (process.platform === 'win32') return 'it needs GCC or Clang, which is not looked for on Windows'
  if (findCompiler() !== undefined) return undefined
  const { CXX } = process.env
  return CXX
    ? `CXX names ${CXX}, which is no program`
    : 'there is no C++ compiler: neither g++ nor clang++ is in the PATH'
}

/** What a build depends on: this compiler, by its file, and this processor, since code is made for the machine it runs on. */
export function describeMachine(): readonly string[] {
  const compiler = findCompiler()
  if (compiler === undefined) return []
  const real = realpathSync(compiler)
  const { size, mtimeMs } = statSync(real)
  return [real, String(size), String(mtimeMs), os.arch(), os.cpus()[0]?.model ?? '', processorFlags(), ...kernelFlags()]
}

/** Linux shows what instructions the processor has. */
function processorFlags(): string {
  try {
    return /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? ''
  } catch {
    return ''
  }
}

export interface Compilation {
  readonly folder: string // where the compiler runs, and where its output goes
  readonly source: string
  readonly output: string
  readonly flags: readonly string[]
}

const compileLimit = 300_000 // ms

/** Flags for all C++ here: shared libraries whose arithmetic is as written. */
export const sharedFlags = ['-std=c++17', '-fPIC', '-shared', '-ffp-contract=off'] as const
/** Kernels: for this machine, as fast as can be, and what the user adds. */
export const kernelFlags = (): readonly string[] => [
  '-O3',
  process.arch === 'arm64' ? '-mcpu=native' : '-march=native',
  ...(process.env.ATTNC_CXXFLAGS ?? '').split(/\s+/).filter((flag) => flag !== ''),
]

/** Compiles a shared library. What the compiler says of it is our bug, and so is thrown. */
export async function compileShared({ folder, source, output, flags }: Compilation): Promise<Outcome<undefined>> {
  const compiler = findCompiler()
  if (compiler === undefined)
    return failed(problem('ATTN0330', `target native cannot run here: ${missingCompiler()}`, installHint))
  const { execa } = await import('execa')
  const result = await execa(compiler, [...sharedFlags, ...flags, source, '-o', output], {
    cwd: folder,
    reject: false,
    timeout: compileLimit,
    stdin: 'ignore',
    env: { LC_ALL: 'C' },
  })
  if (result.exitCode === 0) return done(undefined)
  if (result.timedOut) return failed(problem('ATTN0331', `${compiler} was not done in ${compileLimit / 1000} s`))
  if (result.exitCode === undefined) {
    const why = result.signal
      ? `it was ended by ${result.signal}`
      : (result.originalMessage ?? 'it could not be started')
    return failed(problem('ATTN0331', `${compiler} failed: ${why}`))
  }
  throw new Error(`${compiler} does not compile ${source}:\n${result.stderr}`)
}

export const installHint = 'install g++ or clang++ (Debian: apt install g++), or let CXX name one'
