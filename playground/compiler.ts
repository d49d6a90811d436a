/** The page's side of a compiler in a worker: of each kind the newest wish counts, and what takes too long ends. */
import type { Answer, Asked, Kind, StepOf } from './compile-worker.ts'
import type { Wish } from './steps.ts'

export interface Compiler {
  ask<K extends Kind>(kind: K, wish: Wish, onStep: (step: StepOf<K>) => void, onDone?: () => void): void
}

/** Milliseconds without a sign of life after which a worker ends: code of a source may run without an end, drivers compile for long. */
const patience = { compiling: 20_000, running: 5_000, device: 60_000 }
/** The same where something newer is wanted. */
const patienceForOld = 3_000

interface Pending extends Asked {
  readonly onStep: (step: StepOf<Kind>) => void
  readonly onDone: () => void
}

export function createCompiler(name: string): Compiler {
  const pending = new Map<Kind, Pending>()
  let ids = 0
  let heard = 0 // when the worker last had nothing to do, or said something
  let alarm: ReturnType<typeof setTimeout> | undefined
  let worker = start()

  function start(): Worker {
    const made = new Worker(new URL('./compile-worker.ts', import.meta.url), { type: 'module', name })
    made.addEventListener('message', ({ data }: MessageEvent<Answer>) => hear(data))
    made.addEventListener('error', ({ message }) =>
      fail(`the compiler stopped: ${message || 'it could not be loaded'}`),
    )
    return made
  }

  function hear({ kind, id, step }: Answer): void {
    const isRunning = step?.step === 'running'
    const asked = pending.get(kind)
    if (asked?.id !== id) return listen()
    listen(isRunning ? patience.running : undefined)
    if (step) asked.onStep(step)
    else finish(asked)
  }
  function finish({ kind, onDone }: Pending): void {
    pending.delete(kind)
    if (pending.size === 0) clearTimeout(alarm)
    onDone()
  }

  function listen(limit = pending.has('device') ? patience.device : patience.compiling): void {
    heard = performance.now()
    clearTimeout(alarm)
    if (pending.size > 0) alarm = setTimeout(() => fail(`it took more than ${limit / 1000} s, and was stopped`), limit)
  }

  function fail(why: string): void {
    restart()
    for (const asked of [...pending.values()]) {
      asked.onStep({ step: 'failed', why })
      finish(asked)
    }
  }
  function restart(): void {
    worker.terminate()
    worker = start()
  }

  return {
    ask(kind, wish, onStep, onDone = () => {}) {
      const isStuck = pending.size > 0 && performance.now() - heard > patienceForOld
      const asked = { kind, id: ++ids, wish, onStep, onDone } as Pending
      pending.set(kind, asked)
      if (isStuck) {
        restart()
        for (const one of pending.values()) post(one)
      } else post(asked)
      if (pending.size === 1 || isStuck) listen()
    },
  }

  function post({ kind, id, wish }: Pending): void {
    worker.postMessage({ kind, id, wish } satisfies Asked)
  }
}
