// What the native target costs beside arithmetic: a call of a small kernel, the first `load` on a machine, which compiles, and the
// first in a process that finds everything kept. It runs the built program: `npm run build`, then `node bench/calls.ts`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { median } from './median.ts'

const root = resolve(import.meta.dirname, '..')
const source = join(root, 'examples/softmax.attn')
const built = <T>(path: string): Promise<T> => import(`${root}/dist/${path}.js`)
const [phase = 'all'] = process.argv.slice(2)
const phases = { all, json: all, load, calls }

/** Medians of several processes, each with the cache that the first one filled. */
async function all(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'attnc-bench-'))
  const env = { ...process.env, ATTNC_CACHE_DIR: join(scratch, 'cache'), XDG_CONFIG_HOME: join(scratch, 'config') }
  const inProcess = (name: string): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, name], {
      env,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    return stdout
  }
  type Times = Readonly<Record<string, number>>
  const medians = (runs: readonly string[]): Times => {
    const rows = runs.map((run) => JSON.parse(run) as Times)
    return Object.fromEntries(
      Object.keys(rows[0] ?? {}).map((name) => [name, median(rows.map((row) => row[name] ?? 0))]),
    )
  }
  try {
    const costs = {
      'ms of the first load on a machine': medians([inProcess('load')]),
      'ms of the first load in a process': medians(Array.from({ length: 9 }, () => inProcess('load'))),
      'µs of a call': medians([inProcess('calls')]),
    }
    if (phase === 'json') return console.log(JSON.stringify(costs))
    for (const [what, times] of Object.entries(costs)) {
      const list = Object.entries(times).map(([name, time]) => `${name} ${time.toFixed(what.startsWith('ms') ? 0 : 2)}`)
      console.log(`${what}: ${list.join(', ')}`)
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** A first call by way of attnc/load, the loader apart: it is built once for a machine. */
async function load(): Promise<void> {
  const times: Record<string, number> = {}
  const timed = async <T>(name: string, work: () => Promise<T> | T): Promise<T> => {
    const start = performance.now()
    const value = await work()
    times[name] = performance.now() - start
    return value
  }
  const attnc = await timed('modules', () => built<typeof import('../load.ts')>('load'))
  const { sharedCache } = await built<typeof import('../runtime/cache/cache.ts')>('runtime/cache/cache')
  const { loadLoader } = await built<typeof import('../runtime/native/loader.ts')>('runtime/native/loader')
  const keeping = { cache: sharedCache(), warn: () => {} }
  const tensor = { shape: [1, 1, 16, 64], data: new Float32Array(16 * 64) }
  await timed('loader', () => loadLoader(keeping))
  await timed('kernel', async () => {
    const attention = await attnc.load(source, { target: 'native', sizes: { d: 64, e: 64 } })
    await attention({ q: tensor, k: tensor, v: tensor })
  })
  console.log(JSON.stringify(times))
}

/** One query and one key of width 4: next to nothing is computed. */
async function calls(): Promise<void> {
  const attnc = await built<typeof import('../node.ts')>('node')
  const opened = attnc.openSource(source)
  if (!opened.ok) throw new Error(`${source} cannot be read`)
  const module = attnc.analyze(opened.value.file)
  if (!module.ok) throw new Error(`${source} has errors`)
  const ready = await attnc.loadAttention(opened.value, module.value.attentions[0]!, {
    target: 'native',
    sizes: { d: 4, e: 4 },
  })
  if (!ready.ok) throw new Error(ready.findings[0]?.message)
  const { program, loaded } = ready.value
  const tensor = { storage: 'f32', shape: [1, 1, 1, 4], data: new Float32Array(4) } as const
  const inputs = { q: tensor, k: tensor, v: tensor }
  const least = async (count: number, call: () => unknown): Promise<number> => {
    let time = Infinity
    for (let round = 0; round < 20; round++) {
      const start = performance.now()
      for (let n = 0; n < count; n++) await call()
      time = Math.min(time, ((performance.now() - start) / count) * 1000)
    }
    return time
  }
  const here = await least(5000, () => loaded.call(program, inputs, {}))
  const elsewhere = await least(500, () => loaded.call(program, inputs, {}, { threads: 1 }))
  console.log(JSON.stringify({ 'in this thread': here, 'in threads of the addon': elsewhere }))
}

await phases[phase as keyof typeof phases]()
