/** What tuning keeps: the log, the tuned file, and what is picked from it. */
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attention, analyze } from '../index.ts'
import type { Outcome } from '../runtime/problem.ts'
import { isChoice, optionsOf, withoutPinned } from '../runtime/tuned/choice.ts'
import { choose, pickTuned, shapeClass, withTuned } from '../runtime/tuned/pick.ts'
import { addTuned, merged, printTuned, readTuned, type Tuned, tunedPath } from '../runtime/tuned/tuned-file.ts'
import { appendToLog, type Entry, readLog, type Subject, trialsOf } from '../tune/log.ts'
import type { Trial } from '../tune/trial.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-tuned-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)

function given<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.findings[0]?.message)
  return outcome.value
}
const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'fine' : (outcome.findings[0]?.code ?? ''))

const subject: Subject = { attention: 'a', plan: 'p', target: 'ts', device: 'd', dtype: 'f32', shape: 'i=1' }
const trial = (n: number, milliseconds = 1): Trial => ({
  ...{ point: { 'tile.i': n }, milliseconds, cost: 1, low: 1, high: 1, rounds: 6, outliers: 0 },
  ...{ isNarrow: true, bits: '0', verified: true },
})
const entry = (n: number, milliseconds?: number): Entry => ({ log: 1, subject, trial: trial(n, milliseconds) })

describe('the log', () => {
  test('gives what was appended, each point once, and no other subject', () => {
    const path = at('plain.jsonl')
    for (const one of [entry(1), entry(2), entry(1, 7), { ...entry(3), subject: { ...subject, plan: 'q' } }])
      given(appendToLog(path, one))
    expect(trialsOf(given(readLog(path)).entries, subject)).toEqual([trial(1, 7), trial(2)])
  })

  test('that is not there is empty', () => {
    expect(given(readLog(at('none.jsonl')))).toEqual({ entries: [], damaged: 0 })
  })

  test('passes over a line that was cut short, and what is appended then stands in a line of its own', () => {
    const path = at('cut.jsonl')
    given(appendToLog(path, entry(1)))
    appendFileSync(path, JSON.stringify(entry(2)).slice(0, 40))
    given(appendToLog(path, entry(3)))
    const { entries, damaged } = given(readLog(path))
    expect([trialsOf(entries, subject), damaged]).toEqual([[trial(1), trial(3)], 1])
  })

  test.each([
    ['{}'],
    ['[]'],
    ['null'],
    ['{"log":1,"subject":{"attention":1},"trial":{}}'],
    [JSON.stringify({ ...entry(1), trial: { point: { x: {} } } })],
    [JSON.stringify({ log: 1, subject, trial: { point: {}, failure: { reason: 'other' } } })],
  ])('counts %s as damage', (line) => {
    const path = at('bad.jsonl')
    writeFileSync(path, `${line}\n`)
    expect(given(readLog(path))).toEqual({ entries: [], damaged: 1 })
  })

  test('of a newer attnc is refused', () => {
    const path = at('newer.jsonl')
    writeFileSync(path, `${JSON.stringify({ ...entry(1), log: 2 })}\n`)
    expect(codeOf(readLog(path))).toBe('ATTN0371')
  })

  test('that cannot be written says so', () => {
    expect(codeOf(appendToLog(at('no/such/folder.jsonl'), entry(1)))).toBe('ATTN0312')
  })

  test.skipIf(!existsSync('/dev/full'))('on a full disk says so', () => {
    const failed = appendToLog('/dev/full', entry(1))
    expect([codeOf(failed), failed.ok ? '' : failed.findings[0]?.message]).toEqual([
      'ATTN0312',
      expect.stringContaining('no space'),
    ])
  })
})

const tuned: Tuned = {
  ...{ attention: 'a', target: 'native', device: 'this', architecture: 'x64', dtype: 'f32' },
  ...{ shape: { b: 1, i: 1024, j: 1024, d: 64 }, plan: 'p', choice: { 'tile.i': 16, threads: 2 } },
  ...{ milliseconds: 2, untuned: 3, numerics: 'same', attnc: '0.1.0' },
}

describe('the tuned file', () => {
  test('is sorted, whatever the order in which entries came', async () => {
    const others = [{ ...tuned, target: 'ts' }, { ...tuned, attention: 'b' }, tuned]
    for (const [name, list] of [
      ['x', others],
      ['y', others.toReversed()],
    ] as const)
      for (const one of list) given(await addTuned(at(name), one))
    expect(readFileSync(at('x'), 'utf8')).toBe(readFileSync(at('y'), 'utf8'))
    expect(given(readTuned(at('x'))).map(({ attention, target }) => attention + target)).toEqual([
      'anative',
      'ats',
      'bnative',
    ])
    expect(readFileSync(at('x'), 'utf8')).toBe(printTuned(given(readTuned(at('x')))))
  })

  test('keeps the greater gain for the same plan, and the newer entry for another', () => {
    const less = { ...tuned, milliseconds: 2.5 }
    expect(merged([tuned], less)).toEqual([tuned])
    expect(merged([less], tuned)).toEqual([tuned])
    expect(merged([tuned], { ...less, plan: 'q' })).toEqual([{ ...less, plan: 'q' }])
    expect(merged([tuned], { ...less, numerics: 'any' })).toEqual([{ ...less, numerics: 'any' }])
  })

  test.each([
    ['no JSON', '{"attncTuned": 1, "ent', 'ATTN0372'],
    ['another file', '{"name": "x"}', 'ATTN0372'],
    ['an older version than the first', '{"attncTuned": 0, "entries": []}', 'ATTN0372'],
    ['a newer version', '{"attncTuned": 2, "entries": {}}', 'ATTN0371'],
    ['no entries', '{"attncTuned": 1}', 'ATTN0372'],
    ['an entry that is none', '{"attncTuned": 1, "entries": [{}]}', 'ATTN0372'],
    [
      'a choice that cannot be',
      JSON.stringify({ attncTuned: 1, entries: [{ ...tuned, choice: { 'tile.i': 0.5 } }] }),
      'ATTN0372',
    ],
  ])('with %s is left as it is', async (_what, text, code) => {
    const path = at('bad.json')
    writeFileSync(path, text)
    expect(codeOf(readTuned(path))).toBe(code)
    expect(codeOf(await addTuned(path, tuned))).toBe(code)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'in a folder that cannot be written says so',
    async () => {
      const shut = mkdtempSync(at('shut-'))
      chmodSync(shut, 0o500)
      expect(codeOf(await addTuned(join(shut, 'x.json'), tuned))).toBe('ATTN0312')
    },
  )

  test('two writers lose nothing', async () => {
    const path = at('two.json')
    const names = Array.from({ length: 20 }, (_, n) => `a${n}`)
    const all = await Promise.all(names.map((attention) => addTuned(path, { ...tuned, attention })))
    expect(all.map(codeOf)).toEqual(names.map(() => 'fine'))
    expect(given(readTuned(path)).map(({ attention }) => attention)).toEqual(names.toSorted())
  })
})

/** Adds entries until it is killed, and says of each that it is there. */
const writer = (path: string, prefix: string): string => `
  import { addTuned } from '${resolve('runtime/tuned/tuned-file.ts')}'
  import { appendToLog } from '${resolve('tune/log.ts')}'
  for (let n = 0; ; n++) {
    const attention = '${prefix}' + n
    const added = await addTuned('${path}', { ...${JSON.stringify(tuned)}, attention })
    const logged = appendToLog('${path}l', { ...${JSON.stringify(entry(1))}, subject: { ...${JSON.stringify(subject)}, attention } })
    if (!added.ok || !logged.ok) process.exit(9)
    process.stdout.write(attention + ' ')
  }`

test('processes that are killed at any moment lose nothing that they had written, and leave nothing half', async () => {
  const path = at('killed.json')
  const said: string[] = []
  for (let round = 0; round < 6; round++) {
    const children = ['x', 'y'].map((name) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer(path, `${name}${round}_`)])
      let text = ''
      child.stdout.on('data', (chunk) => (text += chunk))
      const begun = new Promise<void>((begin) => child.stdout.once('data', () => begin()))
      const ended = new Promise<void>((end) => child.once('exit', () => end()))
      return { child, begun, ended, words: () => text.split(' ').slice(0, -1) }
    })
    await Promise.all(children.map(({ begun }) => begun))
    await new Promise((wait) => setTimeout(wait, (round * 37) % 90))
    for (const { child } of children) child.kill('SIGKILL')
    await Promise.all(children.map(({ ended }) => ended))
    said.push(...children.flatMap(({ words }) => words()))
    const found = given(readTuned(path)).map(({ attention }) => attention)
    expect(said.filter((name) => !found.includes(name))).toEqual([])
  }
  expect(said.length).toBeGreaterThan(10)
  const logged = given(readLog(`${path}l`)).entries.map((one) => one.subject.attention)
  expect(said.filter((name) => !logged.includes(name))).toEqual([])
  given(await addTuned(path, tuned)) // a lock of the dead holds nobody up
  expect(
    readdirSync(folder)
      .filter((name) => name.includes('killed.json') && !/\.lock\.\w{12}$/.test(name))
      .sort(),
  ).toEqual(['killed.json', 'killed.jsonl'])
}, 240_000)

const source = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
  tile { j = 64 }
}
`
const attentionOf = (text: string): Attention => {
  const module = analyze({ path: 'a.attn', text })
  if (!module.ok) throw new Error(module.diagnostics[0]?.message)
  return module.value.attentions[0]!
}

describe('what is picked', () => {
  const attention = attentionOf(source.replace('  tile { j = 64 }\n', ''))
  const sizes = { b: 1, h: 8, i: 1000, j: 1024, d: 64, e: 64 }
  const here = { device: 'this', architecture: 'x64' }
  const shape = shapeClass(attention, sizes)
  const own = { ...tuned, shape }
  const wanted = { attention, target: 'native', options: {}, sizes }
  const fitOf = (entries: readonly Tuned[], more: object = {}): unknown => {
    const found = choose(entries, { ...wanted, ...more }, here)
    return found && [found.fit, found.entry.choice['tile.i']]
  }
  const having = (part: Partial<Tuned>, tile: number): Tuned => ({ ...own, ...part, choice: { 'tile.i': tile } })

  test('lengths that are not in generated code count up to the next power of two', () => {
    expect(shape).toEqual({ b: 1, h: 8, i: 1024, j: 1024, d: 64, e: 64 })
    expect(shapeClass(attention, { i: 0, j: 1, d: 65 })).toEqual({ i: 0, j: 1, d: 65 })
  })

  test('this device, then its architecture, then the nearest lengths, then nothing', () => {
    const far = having({ shape: { ...shape, i: 2048, j: 2048 } }, 1)
    const near = having({ shape: { ...shape, i: 2048 } }, 2)
    const similar = having({ device: 'other' }, 3)
    const exact = having({}, 4)
    expect(fitOf([far, near, similar, exact])).toEqual(['device', 4])
    expect(fitOf([far, near, similar])).toEqual(['architecture', 3])
    expect(fitOf([far, near])).toEqual(['shape', 2])
    expect(fitOf([far])).toEqual(['shape', 1])
    expect(fitOf([having({ shape: { ...shape, i: 1, j: 65536 } }, 5)])).toBeUndefined()
    expect(fitOf([having({ architecture: 'arm64' }, 5)])).toBeUndefined()
  })

  test('what was measured goes before what was modelled, however near that is', () => {
    const far = having({ device: 'other', shape: { ...shape, i: 2048 } }, 1)
    const modelled = having({ device: 'that, modelled', modelled: true }, 2)
    expect(fitOf([far, modelled])).toEqual(['shape', 1])
    expect(fitOf([modelled])).toEqual(['architecture', 2])
    expect(fitOf([having({ shape: { ...shape, i: 1, j: 65536 } }, 1), modelled])).toEqual(['architecture', 2])
  })

  test('what was tuned for what a device was said to have is not picked for others', () => {
    const plain = having({}, 1)
    const asking = having({ features: ['shader-f16'], limits: { storage: 32768 } }, 2)
    const both = { features: ['subgroups', 'shader-f16'], limits: { storage: 65536 } }
    expect(fitOf([plain, asking])).toEqual(['device', 1])
    expect(fitOf([asking])).toBeUndefined()
    expect(fitOf([plain, asking], { options: both })).toEqual(['device', 2])
    expect(fitOf([asking], { options: { ...both, limits: { storage: 16384 } } })).toBeUndefined()
    expect(fitOf([plain], { options: both })).toEqual(['device', 1])
    expect(merged([plain], asking)).toHaveLength(2) // each has its place
  })

  test('where no device is, any architecture may be meant', () => {
    const entry = having({ device: 'GPU', architecture: 'sm_90' }, 1)
    const nowhere = { device: 'unknown', architecture: undefined }
    expect(choose([entry], wanted, nowhere)).toEqual({ entry, fit: 'architecture', rivals: [] })
    expect(choose([entry], wanted, { device: 'other GPU', architecture: 'sm_80' })).toBeUndefined()
  })

  test('of architectures that fit alike the newest is picked, whatever the order of the file, and the others are named', () => {
    const nowhere = { device: 'unknown', architecture: undefined }
    const made = ['sm_80', 'sm_100', 'sm_90'].map((architecture) =>
      having({ device: `GPU of ${architecture}`, architecture }, 8),
    )
    const orders = [made, made.toReversed(), [made[1]!, made[0]!, made[2]!]]
    for (const entries of orders) {
      const found = choose(entries, wanted, nowhere)
      expect(found?.entry.architecture).toBe('sm_100')
      expect(found?.rivals.toSorted()).toEqual(['sm_80', 'sm_90'])
      expect(choose(entries, { ...wanted, architectures: ['sm_80'] }, nowhere)?.entry.architecture).toBe('sm_80')
      expect(choose(entries, { ...wanted, architectures: ['sm_75'] }, nowhere)).toBeUndefined()
    }
    const twins = ['b', 'a'].map((device) => having({ device: `GPU ${device}`, architecture: 'sm_90' }, 8))
    for (const entries of [twins, twins.toReversed()])
      expect(choose(entries, wanted, nowhere)).toMatchObject({ entry: { device: 'GPU a' }, rivals: [] })
  })

  test('what was modelled says so, for which architecture', async () => {
    const path = at('modelled.attn')
    const entry = {
      ...own,
      target: 'cuda',
      device: 'H100 SXM, modelled',
      architecture: 'sm_90',
      modelled: true,
    } as const
    given(await addTuned(tunedPath(path), entry))
    expect(given(readTuned(tunedPath(path)))).toEqual([entry])
    const picked = given(await pickTuned(path, { ...wanted, target: 'cuda' }))
    expect(picked?.about).toContain(', modelled for sm_90)')
    const older = { ...entry, device: 'A100 SXM, modelled', architecture: 'sm_80' }
    given(await addTuned(tunedPath(path), older))
    const one = given(await pickTuned(path, { ...wanted, target: 'cuda' }))
    expect(one?.about).toContain(', modelled for sm_90, taken before sm_80 as the newest)')
  })

  test('of this attention, target and type only', () => {
    for (const part of [{ attention: 'b' }, { target: 'ts' }, { dtype: 'f16' }])
      expect(fitOf([having(part, 1)])).toBeUndefined()
    expect(fitOf([having({ dtype: 'f16' }, 1)], { options: { dtype: 'f16' } })).toEqual(['device', 1])
  })

  test('what the source pins and what is asked for win', () => {
    const choice = { 'tile.i': 16, 'tile.j': 32, 'tile.gone': 8, splits: 2, rows: 'few', threads: 1 }
    expect(withoutPinned(choice, attentionOf(source), { splits: 4 })).toEqual({ 'tile.i': 16, rows: 'few', threads: 1 })
    expect(withoutPinned(choice, attention, { tile: { i: 8 }, rows: 'many' })).toEqual({
      'tile.j': 32,
      splits: 2,
      threads: 1,
    })
    expect(optionsOf(choice)).toEqual({ tile: { i: 16, j: 32, gone: 8 }, splits: 2, rows: 'few' })
    expect(isChoice({ splits: 'by length' })).toBe(true)
    expect([{ rows: 'none' }, { splits: 0 }, { other: 1 }, { 'tile.i-': 1 }, null].some(isChoice)).toBe(false)
  })

  test('a file beside the source is found, and said', async () => {
    const path = at('a.attn')
    const { device, architecture = '' } = await (await import('../runtime/tuned/device.ts')).deviceOf('ts')
    given(
      await addTuned(tunedPath(path), {
        ...own,
        target: 'ts',
        device,
        architecture,
        choice: { 'tile.i': 16, rows: 'few' },
      }),
    )
    const picked = given(await pickTuned(path, { ...wanted, target: 'ts' }))
    expect(picked).toMatchObject({
      fit: 'device',
      about: expect.stringContaining(`tuned: rows=few tile.i=16, from ${path}.tuned.json`),
    })
    expect(withTuned({ target: 'ts', tile: { j: 4 } }, picked)).toEqual({
      target: 'ts',
      rows: 'few',
      tile: { i: 16, j: 4 },
    })
    const near = given(await pickTuned(path, { ...wanted, target: 'ts', sizes: { ...sizes, i: 300 } }))
    expect(near?.options).toEqual({ tile: { i: 16 } }) // rows belong to the lengths that they were chosen for
    expect(given(await pickTuned(at('b.attn'), { ...wanted, target: 'ts' }))).toBeUndefined()
  })
})

test('ten thousand results are loaded, each once', () => {
  const path = at('many.jsonl')
  writeFileSync(path, Array.from({ length: 10_000 }, (_, n) => `${JSON.stringify(entry(n))}\n`).join(''))
  expect(trialsOf(given(readLog(path)).entries, subject)).toHaveLength(10_000)
})
