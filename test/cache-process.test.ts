import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tryOpen } from '../runtime/cache/cache.ts'
import { isLive } from '../runtime/cache/claim.ts'
import { lookAt } from '../runtime/cache/entry.ts'
import { clear, prune } from '../runtime/cache/prune.ts'
import type { Store } from '../runtime/cache/store.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const child = join(root, 'test/fixtures/cache-child.mjs')
const module = pathToFileURL(join(root, 'dist/runtime/cache/cache.js')).href
const key = 'c'.repeat(64)
const minute = 60_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-processes-'))
  writeFileSync(join(folder, 'log'), '')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (...names: readonly string[]): string => join(folder, 'cache', 'v1', ...names)

const start = ({ rounds = 1, dieAt }: { rounds?: number; dieAt?: number } = {}) =>
  execa(
    process.execPath,
    [child, module, join(folder, 'cache'), join(folder, 'config'), key, join(folder, 'log'), `${rounds}`],
    {
      reject: false,
      timeout: minute,
      env: dieAt === undefined ? {} : { DIE_AT: `${dieAt}` },
    },
  )
const builds = (): number => readFileSync(join(folder, 'log'), 'utf8').split('\n').length - 1

function storeOf(): Store {
  const store = tryOpen({ cache: join(folder, 'cache'), config: join(folder, 'config') })
  if (!store.ok) throw new Error(store.fault)
  return store.value
}

/** What lies around though nobody is at work, after everything that may be old has become old. */
function leftovers(): readonly string[] {
  const old = new Date(Date.now() - 3600_000)
  for (const room of ['staging', 'claims'])
    for (const name of readdirSync(at(room))) utimesSync(at(room, name), old, old)
  prune(storeOf(), 2 ** 30)
  return ['staging', 'claims', 'trash'].flatMap((room) => readdirSync(at(room)))
}

describe('processes that want the same', { timeout: 3 * minute }, () => {
  const right = { exitCode: 0, stdout: 'right', stderr: '' }

  test('are given what one of them builds', async () => {
    const ran = await Promise.all(Array.from({ length: 16 }, () => start()))
    for (const one of ran) expect(one).toMatchObject(right)
    expect(builds()).toBe(1)
    expect(readdirSync(at('entries'))).toEqual([key])
    expect([...readdirSync(at('staging')), ...readdirSync(at('claims')), ...readdirSync(at('trash'))]).toEqual([])
  })

  test('are right while others empty the cache and change what is in it', async () => {
    await start()
    const running = Promise.all(Array.from({ length: 6 }, () => start({ rounds: 40 })))
    let over = false
    const ran = running.finally(() => {
      over = true
    })
    for (let n = 0; !over; n++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      try {
        if (n % 2 === 0) clear(storeOf())
        else appendFileSync(at('entries', key, 'part0'), 'x')
      } catch {
        // there is no entry just now
      }
    }
    for (const one of await ran) {
      expect({ ...one, stderr: one.stderr.replaceAll(/^ATTN036[01] .*\n?/gm, '') }).toMatchObject(right)
    }
    expect(leftovers()).toEqual([])
  })
})

describe('a process that is killed', { timeout: 3 * minute }, () => {
  test('at any change of the file system holds nobody up, and leaves nothing that is not whole', async () => {
    let points = 0
    for (let over = false; !over; points++) {
      rmSync(join(folder, 'cache'), { recursive: true, force: true })
      rmSync(join(folder, 'config'), { recursive: true, force: true })
      const killed = await start({ dieAt: points + 1 })
      over = killed.signal !== 'SIGKILL'
      const store = storeOf()
      expect(isLive(at('claims', key))).toBe(false)
      for (const name of readdirSync(at('entries'))) {
        expect(lookAt(at('entries', name), key, store.secret).kind).toBe('found')
      }
      if (points % 6 === 0) expect(await start()).toMatchObject({ exitCode: 0, stdout: 'right', stderr: '' })
      expect(leftovers()).toEqual([])
    }
    expect(points).toBeGreaterThan(30)
  })
})

describe('attnc run', { timeout: 3 * minute }, () => {
  const source = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`
  const bin = join(root, 'bin/attnc.js')
  const attnc = (...args: readonly string[]) =>
    execa(process.execPath, [bin, 'run', 'a.attn', '--shape', 'i=3,j=5', '--target', 'ts', ...args], {
      cwd: folder,
      reject: false,
      timeout: minute,
      env: { ATTNC_CACHE_DIR: join(folder, 'cache'), XDG_CONFIG_HOME: join(folder, 'config') },
    })

  test('gives the same in 16 processes at once, and keeps one build', async () => {
    writeFileSync(join(folder, 'a.attn'), source)
    const alone = await attnc('--no-cache')
    expect(alone).toMatchObject({ exitCode: 0, stderr: '' })
    const ran = await Promise.all(Array.from({ length: 16 }, () => attnc()))
    for (const one of ran) expect(one).toMatchObject({ exitCode: 0, stdout: alone.stdout, stderr: '' })
    const builds = readdirSync(at('entries')).filter((key) => existsSync(at('entries', key, 'module.js')))
    expect(builds.length).toBe(1) // beside what came of checking the source
    expect(leftovers()).toEqual([])
  })

  test('that is killed at any time does the next no harm', async () => {
    writeFileSync(join(folder, 'a.attn'), source)
    const killed: string[] = []
    for (const delay of [150, 300, 400, 500, 600, 700, 900]) {
      const running = attnc()
      setTimeout(() => running.kill('SIGKILL'), delay)
      killed.push((await running).signal ?? '')
      if (delay % 300 === 0) rmSync(join(folder, 'cache'), { recursive: true, force: true })
    }
    expect(killed).toContain('SIGKILL')
    expect(await attnc()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(leftovers()).toEqual([])
  })
})
