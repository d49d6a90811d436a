/** The compiler beside the page. A newer wish of a kind ends the older one between two steps. */
import { runOnDevice } from './device-steps.ts'
import { mapFor } from './map-steps.ts'
import { generateFor, rehearse, understand, type Wish } from './steps.ts'

const kinds = { understand, rehearse, generate: generateFor, map: mapFor, device: runOnDevice } as const

export type Kind = keyof typeof kinds
type Yielded<T> = T extends AsyncGenerator<infer S> ? S : never
export type StepOf<K extends Kind> = Yielded<ReturnType<(typeof kinds)[K]>>

export interface Asked {
  readonly kind: Kind
  readonly id: number
  readonly wish: Wish
}
/** Without a step: all steps are done. */
export interface Answer {
  readonly kind: Kind
  readonly id: number
  readonly step?: StepOf<Kind>
}

const newest = new Map<Kind, number>()

const { port1, port2 } = new MessageChannel()
const waiting: (() => void)[] = []
port1.onmessage = () => waiting.shift()?.()
/** Lets messages in that have come meanwhile. */
const pause = (): Promise<void> =>
  new Promise((resolve) => {
    waiting.push(resolve)
    port2.postMessage(0)
  })

async function work({ kind, id, wish }: Asked): Promise<void> {
  for await (const step of kinds[kind](wish)) {
    if (newest.get(kind) !== id) return
    postMessage({ kind, id, step } satisfies Answer)
    await pause()
    if (newest.get(kind) !== id) return
  }
  postMessage({ kind, id } satisfies Answer)
}

addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  newest.set(data.kind, data.id)
  work(data)
})
