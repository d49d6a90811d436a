/** Calls that run in the addon's threads take turns: each has all of them, and none waits in a thread of Node's. */

/** What a call reads now and then: it is to end early once `stop[0]` is other than 0. */
export type Stop = Int32Array

let last: Promise<unknown> = Promise.resolve()

/**
 * Starts `work` once the calls before it are over. An abort of `signal` rejects at once, with its reason; what had started by then
 * ends early, and the next call waits for that.
 */
export function inTurn<T>(work: (stop: Stop) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const stop = new Int32Array(1)
  const turn = last.then(() => {
    signal?.throwIfAborted()
    return work(stop)
  })
  last = turn.catch(() => {})
  return signal ? untilAborted(turn, signal, stop) : turn
}

async function untilAborted<T>(turn: Promise<T>, signal: AbortSignal, stop: Stop): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => {
    Atomics.store(stop, 0, 1)
    reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted) abort()
    return await Promise.race([turn, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
