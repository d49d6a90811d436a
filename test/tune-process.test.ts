/** Candidates in a process: one that crashes or hangs is out, and the next has a process again. */
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { lockOf, timingAlone } from '../tune/device-lock.ts'
import { processRig } from '../tune/process-rig.ts'
import type { Job } from '../tune/protocol.ts'
import { type Rig, succeeded } from '../tune/rig.ts'

const job = {} as Job // the process of these tests does not look at it
let rig: Rig
afterEach(() => rig.close())
const open = (call = 60_000): Rig => {
  rig = processRig(job, { build: 60_000, call }, pathToFileURL(`${import.meta.dirname}/tune-candidate.mjs`))
  return rig
}

test('one process serves all requests', async () => {
  open()
  const first = await rig.bits({ n: 1 })
  expect(await rig.turns({ n: 1 }, { n: 2 }, 1)).toEqual(succeeded({ own: [1], other: [] }))
  expect(await rig.verify({ n: 2 })).toEqual(succeeded(undefined))
  expect(await rig.bits({ n: 3 })).toEqual(first)
})

describe('a candidate that ends its process', () => {
  test.each([
    ['crash', 'it ended with exit code 7'],
    ['kill', 'it was ended by SIGKILL'],
  ])('by %s', async (n, text) => {
    open()
    const before = await rig.bits({ n: 1 })
    expect(await rig.turns({ n }, undefined, 1)).toEqual({ ok: false, failure: { reason: 'crash', text } })
    const after = await rig.bits({ n: 1 })
    expect(after.ok).toBe(true)
    expect(after).not.toEqual(before)
  })

  test('while several are built takes only itself with it', async () => {
    open()
    const built = await rig.build([{ n: 1 }, { n: 'crash', at: 'build' }, { n: 2 }])
    expect(built.map(({ ok }) => ok)).toEqual([true, false, true])
  })
})

test('a candidate that hangs is ended at its limit', async () => {
  open(300)
  expect(await rig.turns({ n: 'hang' }, undefined, 1)).toMatchObject({
    failure: { reason: 'hang', text: 'it was not done in 0.3 s' },
  })
  expect((await rig.bits({ n: 1 })).ok).toBe(true)
}, 60_000)

test('what computes on a GPU waits for that, and not for the processor', () => {
  expect(lockOf('cuda')).toBe(lockOf('wgsl'))
  expect(lockOf('native')).toBe(lockOf('ts'))
  expect(lockOf('cuda')).not.toBe(lockOf('ts'))
})

test('tuners time in turns', async () => {
  const path = `${process.env.ATTNC_CACHE_DIR ?? '/tmp'}-device-${process.pid}.lock`
  let inside = 0
  let most = 0
  const turns = async () => {
    inside += 1
    most = Math.max(most, inside)
    await new Promise((resolve) => setTimeout(resolve, 3))
    inside -= 1
    return succeeded({ own: [1], other: [] })
  }
  rig = open()
  const alone = timingAlone({ ...rig, turns }, path)
  await Promise.all([1, 2, 3, 4].map((n) => alone.turns({ n }, undefined, 1)))
  expect(most).toBe(1)
})
