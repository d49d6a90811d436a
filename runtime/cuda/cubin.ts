/** The CUDA compiler, nvcc: which architectures it knows, and what it makes of generated kernels. It is started without a shell. */
import { done, failed, type Outcome, problem } from '../problem.ts'

const limit = 300_000 // ms

/** As the generated files ask for it. */
const flags = ['-std=c++17', '-O3', '-fmad=false', '-cubin', '-Xptxas', '-v', '-diag-suppress', '177'] as const

/** The architectures that generated code is for, of those that nvcc knows, as `sm_80`. */
export async function knownArchitectures(): Promise<Outcome<readonly string[]>> {
  const ended = await start(['--list-gpu-code'], undefined)
  if (!ended.ok) return ended
  const all = ended.value.printed.match(/sm_\d+/g) ?? []
  return done(all.filter((name) => Number(name.slice(3)) >= 80).sort((a, b) => Number(a.slice(3)) - Number(b.slice(3))))
}

/** Compiles for one architecture; the answer is what ptxas says. What it says of our code as an error is our bug, and so is thrown. */
export async function compileCubin(
  folder: string,
  source: string,
  architecture: string,
  output: string,
): Promise<Outcome<string>> {
  const ended = await start([...flags, `-arch=${architecture}`, source, '-o', output], folder)
  if (!ended.ok) return ended
  if (ended.value.exitCode === 0) return done(ended.value.printed)
  throw new Error(`nvcc does not compile ${source} for ${architecture}:\n${ended.value.printed}`)
}

const hint = 'install the CUDA toolkit, and put its bin folder on PATH; sources are generated without it'

async function start(
  args: readonly string[],
  folder: string | undefined,
): Promise<Outcome<{ readonly exitCode: number; readonly printed: string }>> {
  const { execa } = await import('execa')
  const result = await execa('nvcc', args, {
    ...(folder === undefined ? {} : { cwd: folder }),
    reject: false,
    timeout: limit,
    stdin: 'ignore',
    env: { LC_ALL: 'C' },
  })
  const { exitCode } = result
  if (exitCode !== undefined) return done({ exitCode, printed: `${result.stdout}\n${result.stderr}` })
  if (result.code === 'ENOENT') return failed(problem('ATTN0330', 'there is no nvcc in the PATH', hint))
  if (result.timedOut) return failed(problem('ATTN0331', `nvcc was not done in ${limit / 1000} s`))
  return failed(
    problem('ATTN0331', `nvcc failed: ${result.signal ?? result.originalMessage ?? 'it could not be started'}`),
  )
}
