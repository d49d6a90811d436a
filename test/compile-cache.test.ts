import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { privateFolder } from '../cli/compile-cache.ts'

const bin = join(import.meta.dirname, '..', 'bin', 'attnc.js')

describe.skipIf(process.platform === 'win32')('the folder of compiled code', () => {
  let home: string
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'attnc-home-'))
  })
  afterAll(() => rmSync(home, { recursive: true }))

  test("is made for this user's eyes only", () => {
    const path = join(home, 'made', 'here')
    expect(privateFolder(path)).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(privateFolder(path)).toBe(path)
  })

  test('is not used where others may write, or where it is no folder', () => {
    const open = join(home, 'open')
    mkdirSync(open)
    chmodSync(open, 0o770)
    expect(privateFolder(open)).toBeUndefined()
    symlinkSync(join(home, 'made'), join(home, 'link'))
    expect(privateFolder(join(home, 'link'))).toBeUndefined()
    writeFileSync(join(home, 'file'), '')
    expect(privateFolder(join(home, 'file'))).toBeUndefined()
  })

  test('is filled by the command line, in the cache folder of its user', async () => {
    const env = { XDG_CACHE_HOME: join(home, 'cache'), NODE_COMPILE_CACHE: undefined }
    expect(await execa(process.execPath, [bin, '--version'], { env })).toMatchObject({ exitCode: 0, stderr: '' })
    expect(readdirSync(join(home, 'cache', 'attnc', 'compiled'))).toHaveLength(1)
    expect(statSync(join(home, 'cache', 'attnc')).mode & 0o777).toBe(0o700)
  })
})
