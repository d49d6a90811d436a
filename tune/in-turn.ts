/** Work on several things, a few at a time. */
import { allThreads } from '../runtime/threads.ts'

/** As many at once as there are cores: compilers are processes of their own. */
export async function inTurn<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const waiting = [...all.entries()]
  const serve = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: Math.min(allThreads(), all.length) }, serve))
  return results
}
