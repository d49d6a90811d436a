/** Asks a program for its version: without a shell, and never for long. */
import type { Need } from './need.ts'

/** A program under one of several names, the first that answers counts. */
export interface Tool {
  readonly what: string
  readonly programs: readonly string[]
  readonly args: readonly string[]
  readonly version: (printed: string) => string | undefined
  readonly required: boolean
  readonly help: string
}

/** How long a program may take to say its version, in ms: it may have to be read from a slow disk. */
const patience = 5000

export async function findTool(tool: Tool, limit: number = patience): Promise<Need> {
  const { what, programs, required, help } = tool
  let why: Pick<Need, 'state' | 'found'> = { state: 'missing', found: `none of ${programs.join(', ')}` }
  if (programs.length === 1) why = { ...why, found: `no ${programs[0]} on PATH` }
  for (const program of programs) {
    const answer = await ask(program, tool.args, limit)
    const version = answer.ok ? tool.version(answer.printed) : undefined
    if (version !== undefined) return { what, required, state: 'ok', found: `${program} ${version}` }
    if (answer.ok) why = { state: 'unusable', found: `${program} does not say its version` }
    else if (!answer.missing) why = { state: 'unusable', found: `${program} ${answer.fault}` }
  }
  return { what, required, help, ...why }
}

type Answer =
  | { readonly ok: true; readonly printed: string }
  | { readonly ok: false; readonly missing: boolean; readonly fault: string }

/**
 * A program of its own group is ended with all that it has started: what a script leaves running would else keep its output
 * open, and us waiting.
 */
async function ask(program: string, args: readonly string[], limit: number): Promise<Answer> {
  const { execa } = await import('execa')
  const grouped = process.platform !== 'win32'
  const child = execa(program, args, { reject: false, stdin: 'ignore', detached: grouped, maxBuffer: 2 ** 16 })
  let late = false
  const end = (): void => endAll(child.pid, grouped)
  const timer = setTimeout(() => {
    late = true
    end()
  }, limit)
  process.once('exit', end) // Ctrl-C reaches only our own group
  try {
    const { failed, code, exitCode, stdout, stderr } = await child
    if (!failed) return { ok: true, printed: `${stdout}\n${stderr}` }
    if (late) return { ok: false, missing: false, fault: `does not answer within ${limit / 1000} s` }
    const fault = exitCode === undefined ? `cannot be run (${code ?? 'ended'})` : `fails with exit code ${exitCode}`
    return { ok: false, missing: code === 'ENOENT', fault }
  } finally {
    clearTimeout(timer)
    process.off('exit', end)
  }
}

function endAll(pid: number | undefined, grouped: boolean): void {
  if (pid === undefined) return
  try {
    process.kill(grouped ? -pid : pid, 'SIGKILL')
  } catch {
    // it has just ended by itself
  }
}
