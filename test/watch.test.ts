import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Io } from '../cli/io.ts'
import { repeat } from '../cli/watch.ts'
import { watchFiles } from '../runtime/watch.ts'
import { attnc } from './cli-io.ts'

const bin = fileURLToPath(new URL('../bin/attnc.js', import.meta.url))
const right = `import "lib/twice.attn"
attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = twice(dot(q, k))
  normalize = softmax[j](score)
}
check { b = 1, h = 1, i = 2, j = 3, d = 2, e = 2 }
`
const twice = 'fn twice(x) = 2 * x\n'
const patience = 40_000 // ms; never waited for unless something is wrong

let folder: string
const put = (path: string, text: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}
/** As an editor saves: a new file takes the place of the old one. */
const replace = (path: string, text: string): void => {
  put(`${path}~`, text)
  renameSync(join(folder, `${path}~`), join(folder, path))
}

interface Running {
  readonly process: ChildProcess
  readonly text: () => string
  /** Until the text that was printed has so many places of a pattern. */
  readonly until: (pattern: RegExp, times: number) => Promise<void>
}

let running: Running | undefined
function start(...args: readonly string[]): Running {
  const process = spawn(globalThis.process.execPath, [bin, ...args], { cwd: folder })
  let text = ''
  let look = (): void => {}
  for (const stream of [process.stdout, process.stderr])
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      look()
    })
  const until = (pattern: RegExp, times: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited for ${times} of ${pattern} in:\n${text}`)), patience)
      look = () => {
        if ([...text.matchAll(new RegExp(pattern.source, 'gm'))].length < times) return
        clearTimeout(timer)
        resolve()
      }
      look()
    })
  running = { process, text: () => text, until }
  return running
}

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-watch-')))
  put('package.json', '{}')
  put('a.attn', right)
  put('lib/twice.attn', twice)
})
afterEach(async () => {
  if (running && running.process.exitCode === null && running.process.signalCode === null) {
    running.process.kill('SIGKILL')
    await once(running.process, 'exit')
  }
  running = undefined
  rmSync(folder, { recursive: true })
})

describe('a watching process', { timeout: 2 * patience }, () => {
  test('checks again what changes, in place or replaced, and ends with 130', async () => {
    const { process, until, text } = start('check', '--watch', 'a.attn')
    await until(/checked 1 file: 0 errors/, 1)
    put('lib/twice.attn', 'fn twice(x) = 2 *\n')
    await until(/checked 1 file: 1 error/, 1)
    expect(text()).toContain('--> lib/twice.attn:1:')
    replace('lib/twice.attn', twice)
    await until(/checked 1 file: 0 errors/, 2)
    replace('a.attn', right.replace('softmax', 'softmx'))
    await until(/ATTN0101/, 1)
    rmSync(join(folder, 'a.attn'))
    await until(/ATTN0310/, 1)
    put('a.attn', right)
    await until(/checked 1 file: 0 errors/, 3)
    const ended = once(process, 'exit')
    process.kill('SIGINT')
    expect(await ended).toEqual([130, null])
  })

  test('sees an import that was not there, and a folder that goes and comes', async () => {
    rmSync(join(folder, 'lib'), { recursive: true })
    const { until } = start('check', '--watch', 'a.attn')
    await until(/ATTN0161/, 1)
    put('lib/twice.attn', twice)
    await until(/0 errors/, 1)
    rmSync(join(folder, 'lib'), { recursive: true })
    await until(/ATTN0161/, 2)
    put('lib/twice.attn', twice)
    await until(/0 errors/, 2)
    put('lib/twice.attn', 'fn twice(x) =\n')
    await until(/1 error,/, 1)
  })

  test('builds into a folder that it watches, once for each change, and sees new sources', async () => {
    const { until, text } = start('build', '-w', '.', '--target', 'ts', '-o', 'out')
    await until(/out\/a\.js/, 1)
    put('notes.txt', 'nothing to do with it')
    put('b.attn', right.replace('attention a', 'attention b'))
    await until(/out\/b\.js/, 1)
    put('sub/c.attn', right.replace('lib', '../lib'))
    await until(/out\/sub\/c\.js/, 1)
    expect([...text().matchAll(/out\/a\.js/g)]).toHaveLength(3)
    expect(
      readdirSync(join(folder, 'out'))
        .filter((name) => name.endsWith('.ts'))
        .sort(),
    ).toEqual(['a.d.ts', 'a.ts', 'b.d.ts', 'b.ts'])
    expect(readFileSync(join(folder, 'out/sub/c.ts'), 'utf8')).toContain('export function a(')
  })

  test('builds again when a configuration changes, or what was tuned', async () => {
    put('attnc.config.toml', 'extends = "base.toml"\n')
    put('base.toml', 'target = "wgsl"\nout = "out"\n')
    const { until } = start('build', '-w', 'a.attn')
    await until(/out\/a\.wgsl/, 1)
    put('base.toml', 'target = "wgs"\n')
    await until(/ATTN0301/, 1)
    put('base.toml', 'target = "wgsl"\nout = "other"\n')
    await until(/other\/a\.wgsl/, 1)
    put('attnc.config.toml', 'extends =\n')
    await until(/ATTN0383/, 1)
    put('attnc.config.toml', 'extends = "base.toml"\n')
    await until(/other\/a\.wgsl/, 2)
    put('a.attn.tuned.json', 'nothing')
    await until(/ATTN0372/, 1)
  })

  test('prints one line of JSON for each run', async () => {
    const { until, text } = start('check', '--watch', 'a.attn', '--json')
    await until(/\n/, 1)
    replace('a.attn', `${right}\n// changed\n`)
    await until(/\n/, 2)
    const lines = text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([{ ok: true }, { ok: true }])
  })

  test.each([
    ['verify', ['--target', 'ts', '--no-probes'], /right\n/],
    ['run', ['--target', 'ts', '--seed', '1'], /^out /],
  ])('does %s again', async (command, options, done) => {
    const { until } = start(command, '--watch', 'a.attn', ...options)
    await until(done, 1)
    replace('lib/twice.attn', twice.replace('2', '3'))
    await until(done, 2)
  })
})

test('standard input cannot be watched', async () => {
  expect(await attnc(['check', '--watch', '-'], right)).toMatchObject({
    exit: 2,
    err: expect.stringContaining("'-' is none"),
  })
})

test('what it waits for is said on a terminal, and taken back', async () => {
  const shown: string[] = []
  const io: Io = {
    out: () => {},
    err: () => {},
    readStdin: async () => new Uint8Array(),
    colors: { out: false, err: false },
    progress: (text) => {
      shown.push(text)
      if (text.startsWith('waiting')) put('a.attn', `${right}\n// ${shown.length}\n`)
    },
  }
  let runs = 0
  const run = async () => {
    runs += 1
    if (runs > 2) throw new Error('enough')
    return { exit: 0, findings: [], out: '', json: {} } as const
  }
  const watching = repeat({ args: [join(folder, 'a.attn')], run, show: async ({ exit }) => exit }, io)
  await expect(watching).rejects.toThrow('enough')
  expect(shown.filter((text) => text !== '')).toEqual(Array(2).fill('waiting for changes in 2 files; Ctrl-C ends'))
})

test('a change between the start and the wait is not missed, and what does not concern it is', {
  timeout: patience,
}, async () => {
  const watch = watchFiles({ files: [join(folder, 'a.attn')], folders: [join(folder, 'lib')] })
  put('a.attn', `${right}// changed`)
  await watch.changed()
  watch.close()
  const other = watchFiles({ files: [join(folder, 'a.attn')], folders: [join(folder, 'lib')] })
  let seen = false
  const changed = other.changed().then(() => {
    seen = true
  })
  put('b.attn', right)
  put('lib/notes.txt', '')
  await new Promise((done) => setTimeout(done, 300))
  expect(seen).toBe(false)
  put('lib/deep/er/c.attn', right)
  await changed
  other.close()
})
