/** The C++ compiler of this machine: g++ or clang++, or what `CXX` names. It is started without a shell. */
import { accessSync, closeSync, constants, openSync, readSync, realpathSync, statSync } from 'node:fs'
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
  return [real, String(size), String(mtimeMs), os.arch(), ...processor(), ...kernelFlags()]
}

/** Linux shows what the processor is and what instructions it has; of many alike, the first is enough, and the others take time. */
function processor(): readonly string[] {
  known ??= describeProcessor()
  return known
}
let known: readonly string[] | undefined

function describeProcessor(): readonly string[] {
  const text = headOf('/proc/cpuinfo', 8192)
  const [flags] = /^(?:flags|Features)\s*:.*$/m.exec(text) ?? []
  return flags === undefined ? [os.cpus()[0]?.model ?? ''] : [/^model name.*$/m.exec(text)?.[0] ?? '', flags]
}

function headOf(path: string, bytes: number): string {
  try {
    const file = openSync(path, 'r')
    try {
      const text = Buffer.alloc(bytes)
      return text.toString('latin1', 0, readSync(file, text))
    } finally {
      closeSync(file)
    }
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

/** Flags for all C++ here, which does its arithmetic as written. */
const commonFlags = ['-std=c++17', '-fPIC', '-ffp-contract=off'] as const
/**
 * Kernels: for this machine, and what the user adds. Tiles in registers need all their loops unrolled; what -O3 has beyond that makes
 * none of them quicker, and takes a quarter of the time of a compilation.
 */
export const kernelFlags = (): readonly string[] => [
  ...['-O2', '-fpeel-loops'],
  process.arch === 'arm64' ? '-mcpu=native' : '-march=native',
  ...(process.env.ATTNC_CXXFLAGS ?? '').split(/\s+/).filter((flag) => flag !== ''),
]

export const compileShared = (what: Compilation): Promise<Outcome<undefined>> => compile('-shared', what)
export const compileObject = (what: Compilation): Promise<Outcome<undefined>> => compile('-c', what)

/** What the compiler says of our code is our bug, and so is thrown. */
async function compile(
  kind: '-shared' | '-c',
  { folder, source, output, flags }: Compilation,
): Promise<Outcome<undefined>> {
  const compiler = findCompiler()
  if (compiler === undefined)
    return failed(problem('ATTN0330', `target native cannot run here: ${missingCompiler()}`, installHint))
  const ended = await start(compiler, [...commonFlags, kind, ...flags, source, '-o', output], folder)
  if (!ended.ok) return ended
  if (ended.value.exitCode === 0) return done(undefined)
  throw new Error(`${compiler} does not compile ${source}:\n${ended.value.stderr}`)
}

/** An archive of one object file. */
export async function archive(folder: string, object: string, output: string): Promise<Outcome<undefined>> {
  const ended = await start('ar', ['rcsD', output, object], folder)
  if (!ended.ok) return ended
  const { exitCode, stderr } = ended.value
  return exitCode === 0 ? done(undefined) : failed(problem('ATTN0331', `ar failed: ${stderr.trim()}`))
}

/** A tool that ran to its end. */
async function start(
  tool: string,
  args: readonly string[],
  folder: string,
): Promise<Outcome<{ readonly exitCode: number; readonly stderr: string }>> {
  const { execa } = await import('execa')
  const result = await execa(tool, args, {
    cwd: folder,
    reject: false,
    timeout: compileLimit,
    stdin: 'ignore',
    env: { LC_ALL: 'C' },
  })
  const { exitCode, stderr } = result
  if (exitCode !== undefined) return done({ exitCode, stderr })
  if (result.timedOut) return failed(problem('ATTN0331', `${tool} was not done in ${compileLimit / 1000} s`))
  const why = result.signal ? `it was ended by ${result.signal}` : (result.originalMessage ?? 'it could not be started')
  return failed(problem('ATTN0331', `${tool} failed: ${why}`, installHint))
}

export const installHint = 'install g++ or clang++ (Debian: apt install g++), or let CXX name one'
