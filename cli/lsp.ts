import { serve } from '../integrations/lsp/server.ts'
import type { Answer } from './answer.ts'
import type { Io } from './io.ts'
import type { Options } from './program.ts'

/** Speaks the Language Server Protocol on standard input and output until the editor leaves, and then ends the process. */
export function lsp(_args: readonly string[], _options: Options, io: Io): Promise<Answer> {
  if (process.stdin.isTTY) io.err('attnc lsp is started by editors, and waits for what they ask: docs/editor.md\n')
  serve(process.stdin, process.stdout)
  return new Promise(() => {})
}
