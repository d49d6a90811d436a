/** A kernel as threads run it: `next` hands out the blocks of its grid. */
export type ThreadKernel = (given: never, next: () => number) => void

/** A kernel to be run, by its place in the list of kernels. */
export interface Job {
  readonly id: number
  readonly kernel: number
  readonly given: object
  readonly counter: Int32Array
}

export interface Answer {
  readonly done: number
  readonly error: string | undefined
}

/** Another thread, alike in Node and in browsers. */
export interface Thread {
  send(job: Job): void
  readonly waiting: Map<number, (error: string | undefined) => void>
}

/** The threads that are running, and how many jobs there have been. */
export const pool: { readonly threads: Thread[]; jobs: number } = { threads: [], jobs: 0 }

/** A number from 0 up, each time the next. */
export function countUp(): () => number {
  let last = -1
  return () => {
    last += 1
    return last
  }
}

/** A number from 0 up, each to one of the threads only. */
export function countShared(counter: Int32Array): () => number {
  return () => Atomics.add(counter, 0, 1)
}

/** The arguments with all arrays copied to memory that threads share. */
export function shareAll<Given extends object>(given: Given): Given {
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    if (!ArrayBuffer.isView(value)) return [name, value]
    const type = value.constructor as new (buffer: SharedArrayBuffer) => Uint8Array
    const copy = new type(new SharedArrayBuffer(value.byteLength))
    copy.set(value as Uint8Array)
    return [name, copy]
  })
  return Object.fromEntries(entries)
}

/** Up to `count` threads besides this one; none where they cannot be had. */
export function findThreads(code: () => string, count: number | undefined): readonly Thread[] {
  const page = globalThis as unknown as { readonly navigator?: { readonly hardwareConcurrency?: number } }
  const wanted = Math.floor(count ?? page.navigator?.hardwareConcurrency ?? 1) - 1
  if (typeof SharedArrayBuffer !== 'function') return []
  while (pool.threads.length < wanted) {
    const thread = tryThread(code())
    if (!thread) break
    pool.threads.push(thread)
  }
  return pool.threads.slice(0, Math.max(0, wanted))
}

/** A thread; none where a page's rules forbid it. */
export function tryThread(code: string): Thread | undefined {
  try {
    return startThread(code)
  } catch {
    return undefined
  }
}

/** A thread of Node, or of a browser. */
export function startThread(code: string): Thread | undefined {
  const waiting: Thread['waiting'] = new Map()
  const heard = ({ done, error }: Answer): void => {
    waiting.get(done)?.(error)
    waiting.delete(done)
  }
  const failed = (error: unknown): void => {
    for (const settle of waiting.values()) settle(String(error))
    pool.threads.length = 0
  }
  const node = nodeThreads()
  if (node) {
    const worker = new node.Worker(code, { eval: true })
    // Idle threads do not keep the process alive; a listener does, so it comes first.
    worker.on('message', (answer: Answer) => {
      heard(answer)
      if (waiting.size === 0) worker.unref()
    })
    worker.on('error', failed)
    worker.unref()
    const send = (job: Job): void => {
      worker.ref()
      worker.postMessage(job)
    }
    return { waiting, send }
  }
  const page = globalThis as unknown as BrowserThreads
  if (!page.Worker) return undefined
  const worker = new page.Worker(page.URL.createObjectURL(new page.Blob([code], { type: 'text/javascript' })))
  worker.onmessage = ({ data }) => heard(data)
  worker.onerror = ({ message }) => failed(message)
  return { waiting, send: (job) => worker.postMessage(job) }
}

/** What this module uses of Node. */
export interface NodeThreads {
  readonly Worker: new (code: string, options: object) => NodePort & { ref(): void; unref(): void }
  readonly parentPort: NodePort | null
}
export interface NodePort {
  postMessage(message: object): void
  on(event: 'message' | 'error', heard: (message: never) => void): void
}

/** What this module uses of browsers. */
export interface BrowserThreads {
  readonly Worker?: new (
    url: string,
  ) => {
    postMessage(message: object): void
    onmessage: (event: { readonly data: Answer }) => void
    onerror: (event: { readonly message: string }) => void
  }
  readonly Blob: new (parts: readonly string[], options: object) => object
  readonly URL: { createObjectURL(blob: object): string }
}

export function nodeThreads(): NodeThreads | undefined {
  const scope = globalThis as unknown as { readonly process?: { getBuiltinModule?(name: string): NodeThreads } }
  return scope.process?.getBuiltinModule?.('node:worker_threads')
}

/** What a thread does: run kernels as it is told. */
export function threadLoop(kernels: readonly ThreadKernel[]): void {
  const run = ({ id, kernel, given, counter }: Job): Answer => {
    try {
      kernels[kernel]!(given as never, countShared(counter))
      return { done: id, error: undefined }
    } catch (error) {
      return { done: id, error: String(error) }
    }
  }
  const parent = nodeThreads()?.parentPort
  if (parent) return parent.on('message', (job: Job) => parent.postMessage(run(job)))
  interface Scope {
    onmessage: (event: { readonly data: Job }) => void
    postMessage(message: object): void
  }
  const scope = globalThis as unknown as Scope
  scope.onmessage = ({ data }) => scope.postMessage(run(data))
}

/** Runs one kernel on these threads and on this one. */
export async function runKernel(
  kernels: readonly ThreadKernel[],
  kernel: number,
  given: object,
  threads: readonly Thread[],
): Promise<void> {
  if (threads.length === 0) return kernels[kernel]!(given as never, countUp())
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const others = threads.map(
    (thread) =>
      new Promise<void>((resolve, reject) => {
        const id = pool.jobs++
        thread.waiting.set(id, (error) => (error === undefined ? resolve() : reject(new Error(error))))
        thread.send({ id, kernel, given, counter })
      }),
  )
  kernels[kernel]!(given as never, countShared(counter))
  await Promise.all(others)
}
