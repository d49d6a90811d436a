/** What a kernel was computing where it failed: generated code says so in a comment above the statement. */
import { KernelFault, outermost } from './ptx/fault.ts'

/** The fault, its message with the nearest comment above the line of the kernel; anything else as it is. */
export function withComment(error: unknown, read: (file: string) => string): unknown {
  if (!(error instanceof KernelFault) || !error.facts.place) return error
  const { file, line } = outermost(error.facts.place)
  const comment = commentAbove(read(file).split('\n'), line)
  return comment === undefined ? error : new KernelFault({ ...error.facts, comment })
}

/** Within a function, whose first line is not indented. */
function commentAbove(lines: readonly string[], line: number): string | undefined {
  for (let n = line - 1; n >= 0; n--) {
    const text = lines[n] ?? ''
    const comment = /^\s+\/\/ (.*)$/.exec(text)
    if (comment) return comment[1]
    if (/^\S/.test(text)) return undefined
  }
  return undefined
}
