/** The compiler beside the page. Newer wishes end older ones between two steps. */
import { type Step, steps, type Wish } from './steps.ts'

export interface Asked {
  readonly id: number
  readonly wish: Wish
}
export type Answer = Step & { readonly id: number }

let newest = 0

const { port1, port2 } = new MessageChannel()
const waiting: (() => void)[] = []
port1.onmessage = () => waiting.shift()?.()
/** Lets messages in that have come meanwhile. */
const pause = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve)
    port2.postMessage(0)
  })

async function work({ id, wish }: Asked): Promise<void> {
  for await (const step of steps(wish)) {
    if (id !== newest) return
    postMessage({ ...step, id } satisfies Answer)
    await pause()
  }
}

addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  newest = data.id
  work(data)
})
