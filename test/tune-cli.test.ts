/** `attnc tune` and `attnc bench` as commands. What is timed here is timed for real, and nothing depends on how long it takes. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load } from '../node.ts'
import { attnc } from './cli-io.ts'
import { withCompiler } from './native-build.ts'

let folder = ''
const root = resolve(import.meta.dirname, '..')
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-tune-'))
  process.chdir(folder)
  for (const name of ['softmax', 'sigmoid'])
    copyFileSync(join(root, `examples/${name}.attn`), join(folder, `${name}.attn`))
})
afterAll(() => {
  process.chdir(root)
  rmSync(folder, { recursive: true, force: true })
})

const codes = (text: string): readonly string[] => [...text.matchAll(/\[(ATTN\d{4})\]/g)].map(([, code = '']) => code)
const tiny = ['--target', 'ts', '--shape', 'b=1,h=1,i=24,j=24']

describe('--show-space', () => {
  test('prints parameters, what is left and what is not, and why', async () => {
    const { exit, out } = await attnc(['tune', 'softmax.attn', ...tiny, '--show-space'])
    expect(exit).toBe(0)
    expect(out).toMatch(/^tile\.i +4 8 16 24 32 48 64 96 128 +48 +none$/m)
    expect(out).toMatch(/^tile\.j .* order of sums$/m)
    expect(out).toContain('tile.j=24 holds all 24 already')
    expect(existsSync('softmax.attn.tuning.jsonl')).toBe(false)
  })

  test('of every target, also of those that cannot run here', async () => {
    for (const target of ['native', 'wgsl', 'cuda']) {
      const { exit, out } = await attnc([
        'tune',
        'softmax.attn',
        '--target',
        target,
        '--show-space',
        '--space',
        'tile.i=16:64:512',
        '--json',
      ])
      const { points, rejected, parameters } = JSON.parse(out)
      expect([exit, points.length > 1, rejected.length > 0, parameters[0].name]).toEqual([0, true, true, 'tile.i'])
    }
  })

  test('of cuda holds what the target says that a device has room for, and not more', async () => {
    const args = ['--target', 'cuda', '--dtype', 'f16', '--size', 'd=128,e=128', '--space', 'splits=1', '--show-space']
    const { points, rejected } = JSON.parse((await attnc(['tune', 'softmax.attn', ...args, '--json'])).out)
    const tiles = points.map((point: Record<string, number>) => `${point['tile.i']}x${point['tile.j']}`)
    expect(tiles).toEqual(expect.arrayContaining(['128x32', '64x96']))
    expect(rejected.map(({ reason }: { reason: string }) => reason)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^the tiles of softmax\S+ take \d+ (registers of a thread|KiB of)/),
      ]),
    )
  })

  test('of wgsl follows what the device is said to have', async () => {
    const space = async (...args: readonly string[]): Promise<number> => {
      const { out } = await attnc(['tune', 'softmax.attn', '--target', 'wgsl', '--show-space', '--json', ...args])
      return JSON.parse(out).points.length
    }
    const limits = 'maxComputeWorkgroupStorageSize=65536,maxComputeInvocationsPerWorkgroup=1024'
    expect(await space('--features', 'subgroups', '--limits', limits)).toBeGreaterThan(await space())
  })

  test('has groups that a tile gives work to, and features that kernels may do without', async () => {
    const space = async (...args: readonly string[]) => {
      const { out } = await attnc(['tune', 'softmax.attn', ...args, '--show-space', '--json'])
      const { parameters, points, rejected } = JSON.parse(out)
      const values = (name: string) => parameters.find((one: { name: string }) => one.name === name)?.values
      return { values, points, reasons: rejected.map(({ reason }: { reason: string }) => reason) }
    }
    const wgsl = await space('--target', 'wgsl', '--features', 'subgroups', '--space', 'splits=1,tile.i=8:32,tile.j=8')
    expect([wgsl.values('group'), wgsl.values('subgroups')]).toEqual([
      [64, 128, 256],
      ['no', 'yes'],
    ])
    expect(wgsl.points).toContainEqual({ 'tile.i': 32, 'tile.j': 8, splits: 1, group: 128, subgroups: 'no' })
    expect(wgsl.reasons).toContain('these tiles give work to a group of 64')
    const cuda = await space('--target', 'cuda', '--dtype', 'f16', '--space', 'splits=1,tile.i=32:128,tile.j=32')
    const groups = (rows: number) =>
      cuda.points.flatMap((point: Record<string, number>) => (point['tile.i'] === rows ? point.group : [])).sort()
    expect([groups(32), groups(128)]).toEqual([
      [32, 64],
      [128, 256, 64],
    ])
    const narrow = ['--shape', 'b=1,h=2,i=64,j=64,d=6,e=6'] // which tensor cores cannot take
    const plain = await space('--target', 'cuda', '--dtype', 'f32', '--space', 'splits=1', ...narrow)
    expect([plain.values('group'), plain.values('subgroups')]).toEqual([undefined, undefined])
  })

  test('what the source or the command pins is no parameter, --space narrows', async () => {
    writeFileSync('pinned.attn', readFileSync('softmax.attn', 'utf8').replace(/\n}/, '\n  tile { i = 16 }\n}'))
    const names = async (...args: readonly string[]): Promise<unknown> => {
      const { out } = await attnc(['tune', ...args, '--target', 'ts', '--show-space', '--json'])
      return JSON.parse(out).parameters.map(({ name, values }: Record<string, unknown>) => [name, values])
    }
    expect(await names('pinned.attn', '--space', 'tile.j=8:16')).toEqual([['tile.j', [8, 16]]])
    expect(await names('softmax.attn', '--tile', 'j=8', '--space', 'tile.i=8')).toEqual([['tile.i', [8]]])
  })
})

describe('what is asked for wrongly is said', () => {
  test.each([
    [['tune'], 'ATTN0300', 2],
    [['tune', 'a.attn', 'b.attn'], 'ATTN0300', 2],
    [['tune', '-'], 'ATTN0300', 2],
    [['tune', 'none.attn'], 'ATTN0310', 2],
    [['tune', 'softmax.attn', '--target', 'tz'], 'ATTN0301', 2],
    [['tune', 'softmax.attn', '--space', 'tile.k=3', '--target', 'ts'], 'ATTN0302', 2],
    [['tune', 'softmax.attn', '--space', 'tile.i=', '--target', 'ts'], 'ATTN0302', 2],
    [['tune', 'softmax.attn', '--space', 'tile.i=x', '--target', 'ts'], 'ATTN0302', 2],
    [['tune', 'softmax.attn', '--strategy', 'luck'], 'ATTN0302', 2],
    [['tune', 'softmax.attn', '--time', '3 weeks'], 'ATTN0302', 2],
    [['tune', 'softmax.attn', '--shape', 'z=3', '--target', 'ts'], 'ATTN0303', 2],
    [
      [
        'tune',
        'softmax.attn',
        '--target',
        'native',
        '--show-space',
        '--shape',
        'i=64,j=64',
        '--space',
        'splits=8,tile.j=64',
      ],
      'ATTN0370',
      1,
    ],
    [['tune', 'softmax.attn', '--target', 'ts', '--features', 'shader-f16'], 'ATTN0302', 2],
    [['bench', 'softmax.attn', '--target', 'ts', '--limits', 'maxComputeWorkgroupStorageSize=32768'], 'ATTN0302', 2],
    [['verify', 'softmax.attn', '--target', 'ts', '--features', 'shader-f16'], 'ATTN0302', 2],
    [['tune', '--simulate', 'softmax.attn'], 'ATTN0372', 1],
    [['tune', 'report', 'none.attn'], 'ATTN0310', 2],
    [['bench', 'softmax.attn', '--sweep', 'j=4..2', '--target', 'ts'], 'ATTN0302', 2],
    [['bench', 'softmax.attn', '--fail-over', '5'], 'ATTN0302', 2],
    [['bench', 'softmax.attn', '--fail-over', '5%'], 'ATTN0300', 2],
    [['bench', 'softmax.attn', '--baseline', 'none.json'], 'ATTN0310', 2],
    [['bench', 'softmax.attn', '--baseline', 'softmax.attn'], 'ATTN0372', 1],
  ])('%j', async (args, code, exit) => {
    const answered = await attnc(args)
    expect([codes(answered.err)[0], answered.exit]).toEqual([code, exit])
  })

  test('a tuned file of a newer attnc is left alone by tune, and a warning elsewhere', async () => {
    const path = 'sigmoid.attn.tuned.json'
    writeFileSync(path, '{"attncTuned": 2}')
    const tuned = await attnc(['tune', 'sigmoid.attn', ...tiny])
    expect([codes(tuned.err), tuned.exit, readFileSync(path, 'utf8')]).toEqual([['ATTN0371'], 1, '{"attncTuned": 2}'])
    const built = await attnc(['build', 'sigmoid.attn', '--target', 'ts', '-o', '-'])
    expect([codes(built.err), built.exit, built.err.startsWith('warning')]).toEqual([['ATTN0371'], 0, true])
    const without = await attnc(['build', 'sigmoid.attn', '--target', 'ts', '-o', '-', '--no-tuned'])
    expect([without.err, without.out]).toEqual(['', built.out])
    rmSync(path)
  })
})

const targets = [
  ['ts', '--space', 'tile.i=8:48,tile.j=8:32'],
  ...(withCompiler() === undefined ? [['native', '--space', 'tile.i=16:32,tile.j=64,threads=1']] : []),
]

describe.each(targets)('a whole run on %s', (target = '', ...space) => {
  const shape = ['--target', target, '--shape', 'b=1,h=1,i=64,j=64']
  const path = 'softmax.attn.tuned.json'

  test('tunes, goes on, and is picked up', async () => {
    const args = ['tune', 'softmax.attn', ...shape, ...space, '--effort', 'quick', '--time', '1h']
    const first = JSON.parse((await attnc([...args, '--json'])).out)
    expect(first).toMatchObject({ ok: true, target, failures: {}, resumed: 0, why: 'all', total: 2 })
    expect(first.tried).toBe(first.points)
    expect(first.best.milliseconds).toBeLessThanOrEqual(first.usual.milliseconds)
    const again = JSON.parse((await attnc([...args, '--json'])).out)
    expect([again.resumed, again.tried, again.best]).toEqual([first.tried, first.tried, first.best])
    const { entries } = JSON.parse(readFileSync(path, 'utf8'))
    const entry = entries.find((one: { target: string }) => one.target === target)
    expect(entry).toMatchObject({ attention: 'softmax_attention', choice: first.best.point, numerics: 'same' })
    const ran = await attnc(['run', 'softmax.attn', ...shape])
    expect([ran.exit, ran.err]).toEqual([0, expect.stringContaining(`tuned: `)])
    expect(ran.err).toContain(path)
    expect((await attnc(['run', 'softmax.attn', ...shape, '--no-tuned'])).out).toBe(ran.out) // the same bits
  }, 900_000)

  test('is benched against itself', async () => {
    const args = ['bench', 'softmax.attn', ...shape, '--time', '20ms']
    const first = await attnc([...args, '-o', `${target}.json`])
    expect([first.exit, first.err]).toEqual([0, expect.stringContaining('tuned: ')])
    expect(first.out).toMatch(/GFLOP\/s +GB\/s/)
    const second = JSON.parse((await attnc([...args, '--baseline', `${target}.json`, '--json'])).out)
    expect(second.results[0].compared.ratio).toBeGreaterThan(0)
    const old = JSON.parse(readFileSync(`${target}.json`, 'utf8'))
    const quicker = old.results.map((one: { times: readonly number[] }) => ({
      ...one,
      times: one.times.map((t) => t / 1000),
    }))
    writeFileSync('quick.json', JSON.stringify({ ...old, results: quicker }))
    const slower = await attnc([...args, '--baseline', 'quick.json', '--fail-over', '5%'])
    expect([slower.exit, codes(slower.err)]).toEqual([1, expect.arrayContaining(['ATTN0376'])])
  }, 300_000)
})

test('a run that had no time left says how to go on, with all that decides about what is tuned', async () => {
  const args = ['tune', 'sigmoid.attn', '--target', 'ts', '--param', 'bias=-3', '--shape', 'b=1,h=1,i=64,j=64']
  const more = ['--space', 'tile.i=8:16:32', '--numerics', 'any', '--effort', 'quick', '--log', "a log's.jsonl"]
  const { exit, err } = await attnc([...args, ...more, '--time', '1ms'])
  const words = [...args.slice(2), ...more.slice(0, -1)].join(' ')
  expect([exit, /go on with: (.*)/.exec(err)?.[1]]).toEqual([0, `attnc tune sigmoid.attn ${words} 'a log'\\''s.jsonl'`])
})

test('load picks up what was tuned, and says so where it is asked to', async () => {
  const said: string[] = []
  const sizes = { b: 1, h: 1, i: 64, j: 64, d: 64, e: 64 }
  const options = { target: 'ts', sizes, cache: false, onTuned: (about: string) => void said.push(about) }
  await load('softmax.attn', options)
  expect(said).toEqual([expect.stringContaining('softmax.attn.tuned.json')])
  await load('softmax.attn', { ...options, tuned: false })
  expect(said).toHaveLength(1)
})

test('a sweep shows how cost grows, and draws it', async () => {
  const { exit, out } = await attnc([
    'bench',
    'sigmoid.attn',
    '--target',
    'ts',
    '--shape',
    'b=1,h=1,i=8',
    '--sweep',
    'j=8..32',
    '--time',
    '10ms',
    '-o',
    'growth.svg',
  ])
  expect(exit).toBe(0)
  expect(out.match(/n\^-?[\d.]+/g)).toHaveLength(2)
  expect(readFileSync('growth.svg', 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
})

describe('the report', () => {
  test('is a page that stands alone', async () => {
    expect((await attnc(['tune', 'report', 'softmax.attn', '-o', 'page.html'])).exit).toBe(0)
    const page = readFileSync('page.html', 'utf8')
    expect(page).toContain('<h2>softmax_attention, ts</h2>')
    expect(page.match(/<svg /g)!.length).toBeGreaterThan(2)
    expect(page).not.toMatch(/<script|src=|href=|url\(/)
    if (withCompiler('a roofline') === undefined) expect(page).toContain('limits, measured on this machine')
    else expect(page).not.toContain('Roofline')
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toContain('http')
  })

  test('is a table, or plots', async () => {
    const { out } = await attnc(['tune', 'report', 'softmax.attn', '--csv'])
    const [head = '', ...lines] = out.trimEnd().split('\n')
    expect(head).toContain('attention,target,device,dtype,shape,tile.i,tile.j')
    const logged = readFileSync('softmax.attn.tuning.jsonl', 'utf8')
      .split('\n')
      .filter((line) => line.includes('"trial"'))
    expect(lines).toHaveLength(logged.length)
    const { out: files } = await attnc(['tune', 'report', 'softmax.attn', '-o', 'plots.svg'])
    for (const path of files.trim().split('\n')) expect(readFileSync(path, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
    expect(codes((await attnc(['tune', 'report', 'softmax.attn', '-o', 'x.pdf'])).err)).toEqual(['ATTN0302'])
  })
})
