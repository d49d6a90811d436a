import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseDevice } from '../cli/device-options.ts'
import type { Options } from '../cli/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'attnc-limits-'))
const fileOf = (text: string): string => {
  const path = join(folder, `${text.length}.json`)
  writeFileSync(path, text)
  return path
}
const parse = (given: Pick<Options, 'features' | 'limits'>) => parseDevice(given as Options)

describe('of --features and --limits', () => {
  test('nothing says nothing', () => expect(parse({})).toEqual({ ok: true, value: {} }))
  test('lists may be given at once or one by one', () => {
    const value = { features: ['shader-f16', 'subgroups'], limits: { maxBufferSize: 2 ** 40, maxBindGroups: 4 } }
    expect(
      parse({ features: ['shader-f16,subgroups'], limits: [`maxBufferSize=${2 ** 40}, maxBindGroups=4`] }),
    ).toEqual({
      ok: true,
      value,
    })
    const parted = { features: ['shader-f16', 'subgroups'], limits: [`maxBufferSize=${2 ** 40}`, 'maxBindGroups=4'] }
    expect(parse(parted)).toEqual({ ok: true, value })
  })
  test('files hold limits, by themselves or beside other things; later ones go before', () => {
    const limits = { maxComputeWorkgroupStorageSize: 32768, maxBufferSize: 2 ** 40 }
    const value = { limits }
    expect(parse({ limits: [fileOf(JSON.stringify(limits))] })).toEqual({ ok: true, value })
    expect(parse({ limits: [fileOf(JSON.stringify({ limits, features: [] }))] })).toEqual({ ok: true, value })
    expect(parse({ limits: [fileOf(JSON.stringify(limits)), 'maxBufferSize=1'] })).toEqual({
      ok: true,
      value: { limits: { ...limits, maxBufferSize: 1 } },
    })
  })
  test.each([
    ['maxBufferSize=many', 'ATTN0302', "--limits takes name=value, not 'maxBufferSize=many'"],
    ['maxBufferSize=1,2', 'ATTN0302', "--limits takes name=value, not 'maxBufferSize=1,2'"],
    [fileOf('{}'), 'ATTN0302', 'has no limits'],
    [fileOf('[1]'), 'ATTN0302', 'has no object of limits'],
    [fileOf('{"maxBufferSize": '), 'ATTN0302', 'is no JSON'],
    [join(folder, 'absent.json'), 'ATTN0310', 'absent.json'],
  ])('%s is none', (text, code, message) => {
    const parsed = parse({ limits: [text] })
    expect(parsed).toMatchObject({ ok: false, findings: [{ code, message: expect.stringContaining(message) }] })
  })
})
