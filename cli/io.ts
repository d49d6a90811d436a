import { styleText } from 'node:util'
import { displayWidth } from '../grammar/display.ts'
import { oneLine } from './one-line.ts'

/** The world as a command sees it; tests give their own. */
export interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly readStdin: () => Promise<Uint8Array>
  readonly colors: { readonly out: boolean; readonly err: boolean }
  /** Replaces the line of progress, and with '' takes it away; absent where nobody would see it. */
  readonly progress?: (text: string) => void
}

type Environment = Readonly<Record<string, string | undefined>>

/** NO_COLOR, FORCE_COLOR, TERM and what the stream is, each stream by itself. */
const isColored = (stream: NodeJS.WriteStream): boolean => styleText('red', 'x', { stream }) !== 'x'

export function processIo(): Io {
  const { stdout, stderr, env } = process
  const progress = progressOn(stderr, env)
  if (progress) process.once('exit', () => progress('')) // also where Ctrl-C ends the work
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    readStdin,
    colors: { out: isColored(stdout), err: isColored(stderr) },
    ...(progress ? { progress } : {}),
  }
}

/** How often the line changes at most, in ms: work that is done in many small steps must not be spent on saying so. */
const rest = 80

/**
 * A line that is written over itself, no wider than the terminal. Undefined where that cannot be, or is of no use: in a file or
 * pipe, on a terminal that cannot go back in its line, and in logs of continuous integration.
 */
export function progressOn(
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>,
  env: Environment,
  now: () => number = () => performance.now(),
): Io['progress'] {
  const inLog = env.CI !== undefined && env.CI !== '' && env.CI !== 'false'
  if (!stream.isTTY || env.TERM === 'dumb' || inLog) return undefined
  let last = Number.NEGATIVE_INFINITY
  let isShown = false
  return (text) => {
    if (text === '') {
      if (isShown) stream.write('\r\x1b[K')
      isShown = false
      last = Number.NEGATIVE_INFINITY
    } else if (now() - last >= rest) {
      stream.write(`\r\x1b[K${fitting(oneLine(text), (stream.columns || 80) - 1)}`)
      isShown = true
      last = now()
    }
  }
}

function fitting(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let fits = ''
  for (const character of text) {
    if (displayWidth(`${fits}${character}…`) > width) break
    fits += character
  }
  return `${fits}…`
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
}
