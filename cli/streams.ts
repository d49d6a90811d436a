/** What becomes of output that cannot be written. */
import { reasonOf } from '../runtime/files.ts'
import { problem } from '../runtime/problem.ts'
import { painter, renderFindings } from './render.ts'

/**
 * The reader of a pipe may leave early (`attnc ... | head`): that is its right and no error. Anything else, as a full disk, is
 * said on standard error, if that can be written. These stay for as long as the process: what is written is written later.
 */
export function hearStreams(): void {
  const { stdout, stderr } = process
  stdout.on('error', (error) => {
    if (!isBroken(error)) {
      const fault = problem('ATTN0312', `cannot write to standard output: ${reasonOf(error)}`)
      stderr.write(renderFindings([fault], painter(false)))
      process.exit(2)
    }
    process.exit()
  })
  stderr.on('error', (error) => process.exit(isBroken(error) ? undefined : 2))
}

const isBroken = (error: Error): boolean => 'code' in error && error.code === 'EPIPE'
