import { styleText } from 'node:util'

/** The world as a command sees it; tests give their own. */
export interface Io {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly readStdin: () => Promise<Uint8Array>
  readonly colors: { readonly out: boolean; readonly err: boolean }
  /** Replaces the line of progress on a terminal; absent where stderr is none. */
  readonly progress?: (text: string) => void
}

/** NO_COLOR, FORCE_COLOR and what the stream is, each stream by itself. */
const isColored = (stream: NodeJS.WriteStream): boolean => styleText('red', 'x', { stream }) !== 'x'

export function processIo(): Io {
  const { stdout, stderr } = process
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    readStdin,
    colors: { out: isColored(stdout), err: isColored(stderr) },
    ...(stderr.isTTY
      ? { progress: (text: string) => void stderr.write(text === '' ? '\r\x1b[K' : `\r\x1b[K${text}`) }
      : {}),
  }
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
}
