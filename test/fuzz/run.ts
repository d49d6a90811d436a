/**
 * Examines many sources: `npm run fuzz -- --sources 200000 --seed 1`. Each lies in a batch of a hundred with a seed of its own, so
 * that a fault can be seen again with `--batch`. A worker does the work, so that one that hangs is found and named.
 */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { examine } from './examine.ts'
import { shrink } from './shrink.ts'
import { anySource } from './sources.ts'

const batchSize = 100
const patience = 60_000 // for one source, on a machine that may be busy; what ends takes milliseconds
const slow = 10_000

interface Report {
  readonly batch: number
  readonly at: number // in its batch
  readonly what: string
  readonly details: string
  readonly text: string
}
type Message =
  | { readonly kind: 'begin'; readonly batch: number; readonly at: number; readonly text: string }
  | { readonly kind: 'batch'; readonly accepted: number; readonly slowest: number }
  | { readonly kind: 'fault'; readonly report: Report }

const batchOf = (seed: number, batch: number): readonly string[] =>
  fc.sample(anySource, { seed: (seed * 1_000_003 + batch) | 0, numRuns: batchSize })

async function work(seed: number, from: number, to: number, post: (message: Message) => void): Promise<void> {
  for (let batch = from; batch < to; batch++) {
    let [accepted, slowest] = [0, 0]
    for (const [at, text] of batchOf(seed, batch).entries()) {
      post({ kind: 'begin', batch, at, text })
      const began = performance.now()
      const { fault, isAccepted } = await examine(text, { ways: at % 10 === 0 ? 'all' : at, ts: at % 50 === 0 })
      const took = performance.now() - began
      slowest = Math.max(slowest, took)
      if (isAccepted) accepted++
      if (took > slow)
        post({ kind: 'fault', report: { batch, at, text, what: `slow`, details: `${Math.round(took)} ms` } })
      if (fault) post({ kind: 'fault', report: { batch, at, text, what: fault.what, details: fault.details } })
    }
    post({ kind: 'batch', accepted, slowest })
  }
}

interface Group {
  readonly first: Report
  count: number
  shortest: string
}

/** Starts a worker at a batch; resolves to the batch to go on with if it hung, which is then a fault. */
function supervise(
  seed: number,
  from: number,
  to: number,
  groups: Map<string, Group>,
  totals: { done: number; accepted: number; slowest: number },
) {
  return new Promise<number>((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { seed, from, to } })
    let last = { batch: from, at: 0, text: '' }
    const give = async (next: number): Promise<void> => {
      clearTimeout(timer)
      await worker.terminate()
      resolve(next)
    }
    const hang = (): void => {
      add(groups, { ...last, what: 'hangs', details: `more than ${patience} ms` })
      void give(last.batch + 1)
    }
    const timer = setTimeout(hang, patience)
    worker.on('message', (message: Message) => {
      timer.refresh()
      if (message.kind === 'begin') last = message
      else if (message.kind === 'fault') add(groups, message.report)
      else {
        totals.done += batchSize
        totals.accepted += message.accepted
        totals.slowest = Math.max(totals.slowest, message.slowest)
        if (totals.done % 10_000 === 0)
          console.log(`${totals.done} sources, ${totals.accepted} accepted, ${groups.size} kinds of fault`)
      }
    })
    worker.on('error', (error) => {
      add(groups, { ...last, what: `the process ends: ${error.message}`, details: error.stack ?? '' })
      void give(last.batch + 1)
    })
    worker.on('exit', (code) => (code === 0 ? void give(to) : undefined))
    worker.on('messageerror', reject)
  })
}

function add(groups: Map<string, Group>, report: Report): void {
  const group = groups.get(report.what)
  if (!group) {
    groups.set(report.what, { first: report, count: 1, shortest: report.text })
    console.log(`batch ${report.batch}, source ${report.at}: ${report.what}`)
    return
  }
  group.count++
  if (report.text.length < group.shortest.length) group.shortest = report.text
}

async function show([what, { first, count, shortest }]: readonly [string, Group]): Promise<void> {
  const hasFault = async (text: string): Promise<boolean> => (await examine(text)).fault?.what === what
  const text = /^(slow|hangs|the process)/.test(what) ? shortest : await shrink(shortest, hasFault)
  console.log(
    `\n${count} times, first in --batch ${first.batch} at ${first.at}: ${what}\n${first.details}\n--- source\n${text}\n---`,
  )
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sources: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      batch: { type: 'string' },
    },
  })
  const seed = Number(values.seed)
  const [from, to] = values.batch
    ? [Number(values.batch), Number(values.batch) + 1]
    : [0, Math.ceil(Number(values.sources) / batchSize)]
  const groups = new Map<string, Group>()
  const totals = { done: 0, accepted: 0, slowest: 0 }
  for (let next = from; next < to; ) next = await supervise(seed, next, to, groups, totals)
  for (const group of groups) await show(group)
  const faults = [...groups.keys()].filter((what) => what !== 'slow')
  console.log(
    `${totals.done} sources of seed ${seed}: ${totals.accepted} accepted, ${faults.length} kinds of fault, slowest ${Math.round(totals.slowest)} ms`,
  )
  process.exitCode = faults.length > 0 ? 1 : 0
}

if (isMainThread) await main()
else {
  const { seed, from, to } = workerData as { seed: number; from: number; to: number }
  await work(seed, from, to, (message) => parentPort?.postMessage(message))
}
