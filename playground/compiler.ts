/** The page's side of a compiler in a worker: the newest wish counts, and one that takes too long ends. */
import type { Answer, Asked } from './compile-worker.ts'
import type { Step, Wish } from './steps.ts'

export interface Compiler {
  ask(wish: Wish): void
}

/** @param limit  milliseconds that a step may take */
export function createCompiler(name: string, onStep: (step: Step) => void, limit = 10_000): Compiler {
  let worker = start()
  let id = 0
  let alarm: ReturnType<typeof setTimeout> | undefined

  function start(): Worker {
    const made = new Worker(new URL('./compile-worker.ts', import.meta.url), { type: 'module', name })
    made.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      if (data.id !== id) return
      clearTimeout(alarm)
      if (!isLast(data)) watch()
      onStep(data)
    })
    made.addEventListener('error', (event) =>
      end(`the compiler stopped: ${event.message || 'its worker could not be loaded'}`),
    )
    return made
  }

  function watch(): void {
    clearTimeout(alarm)
    alarm = setTimeout(
      () => end(`the compiler took more than ${limit / 1000} s for this source and was stopped`),
      limit,
    )
  }

  function end(why: string): void {
    clearTimeout(alarm)
    worker.terminate()
    worker = start()
    onStep({ step: 'failed', why })
  }

  return {
    ask(wish) {
      id += 1
      watch()
      worker.postMessage({ id, wish } satisfies Asked)
    },
  }
}

const isLast = (step: Step): boolean =>
  step.step === 'failed' ||
  step.step === 'generated' ||
  (step.step === 'refused' && step.of === 'generated') ||
  (step.step === 'checked' && !step.isRight)
