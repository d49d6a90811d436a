import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa, type Options } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../cli/main.ts'

const bin = fileURLToPath(new URL('../bin/attnc.js', import.meta.url))
const source = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`

// The command as users start it; test/cli.test.ts has all that does not need a process.
describe('the process', { timeout: 60_000 }, () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'attnc-process-'))
    writeFileSync(join(folder, 'a.attn'), source)
    writeFileSync(join(folder, 'wrong.attn'), 'attention {')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const attnc = async (args: readonly string[], options: Options = {}) =>
    execa(process.execPath, [bin, ...args], { cwd: folder, reject: false, timeout: 50_000, ...options })

  test('ends with the codes of the table', async () => {
    const runs = [['check', 'a.attn'], ['check', 'wrong.attn'], ['chekc']]
    expect(await Promise.all(runs.map(async (args) => (await attnc(args)).exitCode))).toEqual([0, 1, 2])
  })

  test('keeps results and messages apart', async () => {
    const good = await attnc(['build', 'a.attn', '--emit', 'ir'])
    expect(good).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('a') })
    const bad = await attnc(['check', 'wrong.attn'])
    expect(bad).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('--> wrong.attn:1:') })
  })

  test('colours only if asked to, or on a terminal', async () => {
    const plain = await attnc(['check', 'wrong.attn'])
    const forced = await attnc(['check', 'wrong.attn'], { env: { FORCE_COLOR: '1' } })
    const json = await attnc(['check', 'wrong.attn', '--json'], { env: { FORCE_COLOR: '1' } })
    expect(plain.stderr).not.toContain('\x1b[')
    expect(forced.stderr).toContain('\x1b[')
    expect(JSON.parse(String(json.stdout))).toMatchObject({ ok: false })
  })

  test('reads a pipe, and bears that its reader leaves', async () => {
    expect(await attnc(['fmt', '-'], { input: source })).toMatchObject({ exitCode: 0, stdout: source.trimEnd() })
    const piped = execa({
      shell: true,
      cwd: folder,
      reject: false,
    })`${process.execPath} ${bin} build a.attn --emit ast | head -c 10`
    expect(await piped).toMatchObject({ exitCode: 0, stderr: '' })
  })

  test('is interrupted with 130, and leaves nothing half-written', async () => {
    const running = attnc(['verify', 'a.attn', '--shape', 'b=4,h=8,i=300,j=300,d=128,e=128'], {
      killSignal: 'SIGINT',
      timeout: 2500,
      forceKillAfterDelay: false, // a busy machine takes its time
    })
    const { exitCode, signal } = await running
    expect(exitCode === 130 || signal === 'SIGINT').toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['a.attn', 'wrong.attn'])
  })
})

test('a bug of ours is exit 4, with a report and no stack', async () => {
  let err = ''
  const io = {
    out: () => {},
    err: (text: string) => {
      err += text
    },
    readStdin: () => Promise.reject(new Error('planted fault')),
    colors: { out: false, err: false },
  }
  expect(await main(['check', '-'], io)).toBe(4)
  expect(err).toContain('error[ATTN0399]: a bug in attnc: planted fault')
  expect(err).not.toContain('    at ')
  const [folder = ''] = /\S*attnc-bug-\w+/.exec(err) ?? []
  expect(readFileSync(join(folder, 'report.txt'), 'utf8')).toMatch(
    /arguments: \["check","-"\][\s\S]*planted fault[\s\S]* at /,
  )
  rmSync(folder, { recursive: true })
  err = ''
  await main(['check', '-', '--trace'], io)
  expect(err).toContain('    at ')
  rmSync(/\S*attnc-bug-\w+/.exec(err)?.[0] ?? '', { recursive: true })
})
