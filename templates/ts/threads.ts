/** A kernel as threads run it: `next` hands out the blocks of its grid. */
export type ThreadKernel = (given: never, next: () => number) => void

/** A kernel to be run, by several threads at a time. */
export interface Job {
  readonly kernel: number | string // its place in the list of kernels; of WebAssembly its name
  readonly given: object
  readonly cells: Int32Array // shared: how many blocks are taken, how many threads are at work, how many have failed
}

/** What a thread is told first: nothing, or what it needs of WebAssembly. */
export interface ThreadStart {
  readonly module?: object
  readonly memory?: object
  readonly own?: number // where its part of the memory begins
}

/** The first answer says that it has started, others that a job is done. */
export interface ThreadAnswer {
  readonly done?: number
  readonly error?: string | undefined
}

/** Another thread, alike in Node and in browsers. */
export interface Thread {
  readonly send: (message: object) => void
  readonly hold: (isNeeded: boolean) => void // whether the process waits for it
  readonly end: () => unknown
  readonly start: ThreadStart
  readonly waiting: Map<number, (error: string | undefined) => void>
  readonly started: Promise<void> // or failed to
  readonly settle: () => void
  isReady: boolean
}

/** Threads that run the same code, and why there are no more. */
export interface ThreadPool {
  readonly code: () => string // the text of a thread
  readonly starts: () => ThreadStart
  readonly ended: (start: ThreadStart) => void
  readonly threads: Thread[]
  readonly running: Set<Promise<void>> // jobs
  jobs: number // that there have been
  held: number // how many wait for threads
  file: string | undefined // the module's own, where that is what threads are made of
  search: Promise<void> | undefined // for that file
  refusal: string | undefined
}

export function makePool(
  code: ThreadPool['code'],
  starts: ThreadPool['starts'] = () => ({}),
  ended: ThreadPool['ended'] = () => {},
): ThreadPool {
  const none = { jobs: 0, held: 0, file: undefined, search: undefined, refusal: undefined }
  return { code, starts, ended, threads: [], running: new Set(), ...none }
}

/** How many threads a call has, this one included. */
export function countThreads(asked: number | undefined): number {
  const page = globalThis as unknown as { readonly navigator?: { readonly hardwareConcurrency?: number } }
  const most = 256
  if (asked === undefined) return Math.min(page.navigator?.hardwareConcurrency ?? 1, most)
  if (Number.isInteger(asked) && asked >= 1 && asked <= most) return asked
  throw new RangeError(`threads must be an integer from 1 to ${most}, not ${asked}`)
}

/** A number from 0 up, each time the next. */
export function countUp(): () => number {
  let last = -1
  return () => {
    last += 1
    return last
  }
}

/** A number from 0 up, each to one of the threads only. */
export function countShared(cells: Int32Array): () => number {
  return () => Atomics.add(cells, 0, 1)
}

/** Whether there is memory that threads can share; where there is none, the pool says so. */
export function canShare(pool: ThreadPool): boolean {
  const { crossOriginIsolated } = globalThis as unknown as { readonly crossOriginIsolated?: boolean }
  const isMissing = typeof SharedArrayBuffer !== 'function'
  if (crossOriginIsolated === false) refuseThreads(pool, 'This page is not cross-origin isolated.')
  else if (isMissing) refuseThreads(pool, 'There is no SharedArrayBuffer.')
  return crossOriginIsolated !== false && !isMissing
}

export function refuseThreads(pool: ThreadPool, reason: string): void {
  if (pool.refusal !== undefined) return
  pool.refusal = reason
  const { console } = globalThis as unknown as { readonly console: { readonly warn: (text: string) => void } }
  console.warn(`Kernels have fewer threads here than they could have. ${reason}`)
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

/** So many threads besides this one, or fewer: they may still be starting. */
export function findThreads(pool: ThreadPool, count: number): readonly Thread[] {
  while (pool.threads.length < count && canShare(pool) && pool.refusal === undefined && !pool.search) {
    try {
      pool.threads.push(startThread(pool))
    } catch (error) {
      refuseThreads(pool, error instanceof Error ? error.message : String(error))
    }
  }
  return pool.threads.slice(0, Math.max(0, count))
}

/** The same, once they have started; gives how many there are, this one included. */
export async function awaitThreads(pool: ThreadPool, count: number): Promise<number> {
  for (;;) {
    const threads = findThreads(pool, count - 1)
    await holdThreads(pool, threads, Promise.all([pool.search, ...threads.map(({ started }) => started)]))
    const ready = pool.threads.filter(({ isReady }) => isReady).length + 1
    if (ready >= count || pool.refusal !== undefined) return Math.min(ready, count)
  }
}

/** Ends the threads, when the kernels that they run are done. Later calls start others. */
export async function endThreads(pool: ThreadPool): Promise<void> {
  const threads = pool.threads.splice(0)
  await Promise.allSettled(pool.running)
  for (const thread of threads) {
    await thread.end()
    thread.settle()
    pool.ended(thread.start)
  }
}

/** Keeps the process waiting for threads while there is work that does. */
export async function holdThreads<Result>(
  pool: ThreadPool,
  threads: readonly Thread[],
  work: Promise<Result>,
): Promise<Result> {
  for (const thread of threads) thread.hold(true)
  pool.held += 1
  try {
    return await work
  } finally {
    pool.held -= 1
    if (pool.held === 0) for (const thread of pool.threads) thread.hold(false)
  }
}

/** A thread of Node, or of a browser. Throws where a page's rules forbid it. */
export function startThread(pool: ThreadPool): Thread {
  let settle = (): void => {}
  const started = new Promise<void>((resolve) => {
    settle = resolve
  })
  const heard = ({ done, error }: ThreadAnswer): void => {
    if (done === undefined) {
      thread.isReady = true
      return settle()
    }
    thread.waiting.get(done)?.(error)
    thread.waiting.delete(done)
  }
  const lost = (reason: string): void => loseThread(pool, thread, reason)
  const node = nodeThreads()
  const port = node ? startInNode(pool, node, heard, lost) : startInPage(pool, heard, lost)
  const thread: Thread = { ...port, start: pool.starts(), waiting: new Map(), started, settle, isReady: false }
  try {
    port.send(thread.start)
  } catch (error) {
    port.end()
    throw error
  }
  return thread
}

type Heard = (answer: ThreadAnswer) => void
type Lost = (reason: string) => void
type Port = Pick<Thread, 'send' | 'hold' | 'end'>

export function startInNode(pool: ThreadPool, node: NodeThreads, heard: Heard, lost: Lost): Port {
  const worker = new node.Worker(pool.code(), { eval: true, execArgv: [] })
  worker.on('message', heard)
  worker.on('error', (error: unknown) => lost(String(error)))
  worker.on('exit', () => lost('A thread has ended.'))
  worker.unref() // listeners have it keep the process alive, so they come first
  return {
    send: (message) => worker.postMessage(message),
    hold: (isNeeded) => (isNeeded ? worker.ref() : worker.unref()),
    end: () => worker.terminate(),
  }
}

/** Of the text of a thread; where a page's policy forbids that, of the module's own file. */
export function startInPage(pool: ThreadPool, heard: Heard, lost: Lost): Port {
  const page = globalThis as unknown as BrowserThreads
  if (!page.Worker) throw new Error('There are no workers.')
  const { file } = pool
  const url = file ?? page.URL.createObjectURL(new page.Blob([pool.code()], { type: 'text/javascript' }))
  const worker = new page.Worker(url, file === undefined ? {} : { type: 'module', name: threadName() })
  worker.onmessage = ({ data }) => {
    if (file === undefined) page.URL.revokeObjectURL(url)
    heard(data)
  }
  worker.onerror = ({ message }) => {
    worker.terminate()
    lost(message ?? 'The policy of this page lets no worker start.')
  }
  return { send: (message) => worker.postMessage(message), hold: () => {}, end: () => worker.terminate() }
}

/** What has never started has done no harm: others do its work. */
export function loseThread(pool: ThreadPool, thread: Thread, reason: string): void {
  const place = pool.threads.indexOf(thread)
  if (place < 0) return
  pool.threads.splice(place, 1)
  thread.settle()
  for (const settle of thread.waiting.values()) settle(thread.isReady ? reason : undefined)
  if (thread.isReady) return
  pool.ended(thread.start)
  if (nodeThreads() || pool.file !== undefined) return refuseThreads(pool, reason)
  pool.search ??= findOwnFile(pool, reason)
}

/** The module's own file, if that is all that stands in it. */
export async function findOwnFile(pool: ThreadPool, reason: string): Promise<void> {
  const { fetch } = globalThis as unknown as { fetch(url: string): Promise<{ text(): Promise<string> }> }
  const { url } = import.meta as unknown as { readonly url: string }
  const text = await fetch(url)
    .then((answer) => answer.text())
    .catch(() => '')
  if (text.startsWith('// Generated by attnc')) pool.file = url
  else refuseThreads(pool, reason)
  pool.search = undefined
}

/** What threads that are made of the module's own file are called. */
export function threadName(): string {
  return 'attnc thread'
}

export function isOwnThread(): boolean {
  const scope = globalThis as unknown as { readonly name?: string; readonly document?: object }
  return scope.name === threadName() && scope.document === undefined
}

/** What this module uses of Node. */
export interface NodeThreads {
  readonly Worker: new (code: string, options: object) => NodePort & NodeWorker
  readonly parentPort: NodePort | null
}
export interface NodePort {
  postMessage(message: object): void
  on(event: 'message' | 'error' | 'exit', heard: (message: never) => void): void
}
export interface NodeWorker {
  ref(): void
  unref(): void
  terminate(): Promise<unknown>
}

/** What this module uses of browsers. */
export interface BrowserThreads {
  readonly Worker?: new (
    url: string,
    options: object,
  ) => {
    postMessage(message: object): void
    terminate(): void
    onmessage: (event: { readonly data: ThreadAnswer }) => void
    onerror: (event: { readonly message?: string }) => void
  }
  readonly Blob: new (parts: readonly string[], options: object) => object
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void }
}

export function nodeThreads(): NodeThreads | undefined {
  const scope = globalThis as unknown as { readonly process?: { getBuiltinModule?(name: string): NodeThreads } }
  return scope.process?.getBuiltinModule?.('node:worker_threads')
}

/** What a thread does: run kernels as it is told. `functions`: what those in WebAssembly take from their surroundings. */
export function threadLoop(kernels: readonly ThreadKernel[], functions: object): void {
  type Exports = Readonly<Record<string, (...numbers: readonly number[]) => void>>
  type Message = ThreadStart & Partial<Job> & { readonly id?: number }
  interface Scope {
    readonly WebAssembly: { readonly Instance: new (module: object, imports: object) => { readonly exports: object } }
    onmessage: (event: { readonly data: Message }) => void
    postMessage(message: object): void
  }
  const scope = globalThis as unknown as Scope
  let exports: Exports = {}
  let place = 0
  const run = ({ kernel, given, cells }: Job): string | undefined => {
    Atomics.add(cells, 1, 1)
    try {
      if (typeof kernel === 'number') kernels[kernel]!(given as never, countShared(cells))
      else exports[kernel]!(place, cells.byteOffset, ...(given as readonly number[]))
      return undefined
    } catch (error) {
      Atomics.add(cells, 2, 1)
      return String(error)
    } finally {
      Atomics.sub(cells, 1, 1)
    }
  }
  const answer = ({ id, module, memory, own = 0, ...job }: Message): ThreadAnswer => {
    if (id !== undefined) return { done: id, error: run(job as Job) }
    if (module) exports = new scope.WebAssembly.Instance(module, { js: { ...functions, memory } }).exports as Exports
    place = own
    return {}
  }
  const parent = nodeThreads()?.parentPort
  if (parent) return parent.on('message', (message: Message) => parent.postMessage(answer(message)))
  scope.onmessage = ({ data }) => scope.postMessage(answer(data))
}

/**
 * Has some threads besides this one run a job; `own` is this one's share. Those that start too late have no share: they look into
 * the cells only, until `answered`.
 */
export async function runShared(
  pool: ThreadPool,
  others: number,
  job: Job,
  own: () => void,
  answered: () => void = () => {},
): Promise<void> {
  const threads = findThreads(pool, others)
  const run = share(pool, threads, job, own, answered)
  pool.running.add(run)
  await holdThreads(pool, threads, run).finally(() => pool.running.delete(run))
}

export async function share(
  pool: ThreadPool,
  threads: readonly Thread[],
  job: Job,
  own: () => void,
  answered: () => void,
): Promise<void> {
  const faults: string[] = []
  const pending = new Set<Promise<void>>()
  for (const { waiting, send } of threads) {
    const id = pool.jobs++
    const answer = new Promise<string | undefined>((resolve) => waiting.set(id, resolve)).then((error) => {
      if (error !== undefined) faults.push(error)
      pending.delete(answer)
    })
    pending.add(answer)
    send({ id, ...job })
  }
  try {
    own()
  } catch (error) {
    faults.push(String(error))
  }
  void Promise.all(pending).then(answered)
  const isAtWork = (): boolean => Atomics.load(job.cells, 1) > 0
  const hasFailed = (): boolean => Atomics.load(job.cells, 2) > 0 && faults.length === 0
  while (pending.size > 0 && (isAtWork() || hasFailed())) await Promise.race(pending)
  // one that starts as late as now has yet to answer, and finds nothing left to do
  if (faults.length === 0 && pending.size === 0 && isAtWork()) faults.push('It has ended at its work.')
  if (faults.length > 0) throw new Error(`a thread has failed: ${faults[0]}`)
}

/** Runs a plain kernel on so many threads, of which this is one. */
export async function runKernel(
  pool: ThreadPool,
  kernels: readonly ThreadKernel[],
  kernel: number,
  given: object,
  threads: number,
  blocks: number,
): Promise<void> {
  if (threads === 1 || !canShare(pool)) return kernels[kernel]!(given as never, countUp())
  const cells = new Int32Array(new SharedArrayBuffer(12))
  const own = (): void => kernels[kernel]!(given as never, countShared(cells))
  await runShared(pool, Math.min(threads, blocks) - 1, { kernel, given, cells }, own)
}
