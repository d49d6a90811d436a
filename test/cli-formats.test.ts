import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { escapeData, escapeProperty } from '../cli/format-github.ts'
import { formats } from '../cli/present.ts'
import { attnc } from './cli-io.ts'

const attention = (weight: string): string => `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = ${weight}
}
`
const right = attention('softmax[j](score)')
const wrong = attention('softmx[j](score)')
const twice = `fn f(x) = x\nfn f(x) = 2 * x\n${right}`
const warned = right.replace('  score', '  let unused = 1\n  score')

const home = process.cwd()
let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-formats-')))
  process.chdir(folder)
  mkdirSync('50%, a:b')
  writeFileSync('right.attn', right)
  writeFileSync('wrong.attn', wrong)
  writeFileSync('50%, a:b/é.attn', twice)
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

describe('the form of what is found', () => {
  test('is for people unless another is asked for', async () => {
    expect(await attnc(['check', 'wrong.attn', '--format', 'human'])).toEqual(await attnc(['check', 'wrong.attn']))
  })

  test.each([
    ['check', 'wrong.attn'],
    ['chekc'],
    ['build', 'right.attn', '-o', 'out', '--dtype', 'f17'],
    ['verify', 'nothing.attn'],
    ['cache', 'sl'],
  ])('json is what --json prints: %j', async (...args) => {
    const printed = await attnc([...args, '--json'])
    expect(JSON.parse(printed.out)).toMatchObject({ ok: false })
    expect(await attnc([...args, '--format', 'json'])).toEqual(printed)
    expect(await attnc([...args, '--format=json'])).toEqual(printed)
  })

  test('has to be one that is known, and only one', async () => {
    expect(await attnc(['check', 'right.attn', '--format', 'jsno'])).toMatchObject({
      exit: 2,
      out: '',
      err: expect.stringMatching(/ATTN0302.*\nhint: did you mean 'json'\?/),
    })
    const { exit, err } = await attnc(['check', 'right.attn', '--json', '--format', 'sarif'])
    expect({ exit, err }).toMatchObject({ exit: 2, err: expect.stringContaining('exclude each other') })
  })

  test.each(formats)('%s leaves the exit code as it is', async (format) => {
    const exitOf = async (...args: readonly string[]): Promise<number> =>
      (await attnc([...args, '--format', format])).exit
    expect(await exitOf('check', 'right.attn')).toBe(0)
    expect(await exitOf('check', 'wrong.attn')).toBe(1)
    expect(await exitOf('check', 'nothing.attn')).toBe(2)
    expect(await exitOf('run', 'right.attn', '--seed')).toBe(2)
  })

  test.each(['short', 'github'])('%s leaves standard output to results', async (format) => {
    const { out } = await attnc(['build', 'right.attn', '--emit', 'ir'])
    expect(await attnc(['build', 'right.attn', '--emit', 'ir', '--format', format])).toEqual({ exit: 0, out, err: '' })
  })
})

describe('short', () => {
  test('takes one line for each', async () => {
    expect(await attnc(['check', '.', '--format', 'short'])).toEqual({
      exit: 1,
      out: '',
      err: [
        "50%, a:b/é.attn:2:4: error[ATTN0108]: the function 'f' is defined twice\n",
        "wrong.attn:4:15: error[ATTN0101]: there is no function 'softmx'\n",
      ].join(''),
    })
    expect((await attnc(['check', 'no\nfile\x1b.attn', '--format', 'short'])).err).toBe(
      'error[ATTN0310]: no such file: no file\\u{1b}.attn\n',
    )
  })
})

describe('github', () => {
  test('escapes what has a meaning in a command', () => {
    expect(escapeData('50 %: a\r\nb, c')).toBe('50 %25: a%0D%0Ab, c')
    expect(escapeProperty('50 %: a\r\nb, c')).toBe('50 %25%3A a%0D%0Ab%2C c')
  })

  test('names place, code, notes and hint in one line', async () => {
    const { err } = await attnc(['check', '.', '--format', 'github'])
    const place = 'file=50%25%2C a%3Ab/é.attn,line=2,endLine=2,col=4,endColumn=5'
    expect(err.split('\n')).toEqual([
      `::error ${place},title=ATTN0108 function-twice::the function 'f' is defined twice%0A50%25, a:b/é.attn:1:4: first here`,
      "::error file=wrong.attn,line=4,endLine=4,col=15,endColumn=21,title=ATTN0101 unknown-function::there is no function 'softmx'%0Ahint: did you mean 'softmax'?",
      '',
    ])
  })

  test('says what has no place', async () => {
    expect((await attnc(['check', 'nothing.attn', '--format', 'github'])).err).toBe(
      '::error title=ATTN0310 file-not-found::no such file: nothing.attn\n',
    )
  })
})

interface Region {
  readonly startLine: number
  readonly startColumn: number
  readonly endLine: number
  readonly endColumn: number
}
interface Location {
  readonly physicalLocation: { readonly artifactLocation: { readonly uri: string }; readonly region: Region }
}
interface Descriptor {
  readonly id: string
  readonly name: string
  readonly shortDescription: { readonly text: string }
  readonly help: { readonly text: string; readonly markdown: string }
}
interface Log {
  readonly version: string
  readonly $schema: string
  readonly runs: readonly {
    readonly tool: { readonly driver: Record<'rules' | 'notifications', readonly Descriptor[]> }
    readonly columnKind: string
    readonly invocations: readonly {
      readonly executionSuccessful: boolean
      readonly exitCode: number
      readonly toolExecutionNotifications: readonly {
        readonly descriptor: { readonly id: string; readonly index: number }
        readonly level: string
        readonly message: { readonly text: string }
      }[]
    }[]
    readonly results: readonly {
      readonly ruleId: string
      readonly ruleIndex: number
      readonly level: string
      readonly message: { readonly text: string }
      readonly locations: readonly Location[]
      readonly relatedLocations?: readonly Location[]
    }[]
  }[]
}

/** What the schema of SARIF 2.1.0 demands of what we write, and that each reference leads to what it names. */
function checkLog(log: Log): void {
  expect(log).toMatchObject({ version: '2.1.0', $schema: expect.stringMatching(/^https:.*sarif.*2\.1\.0\.json$/) })
  const [run] = log.runs
  if (!run) throw new Error('a log has a run')
  const { rules, notifications } = run.tool.driver
  for (const { id, name, shortDescription, help } of [...rules, ...notifications]) {
    expect(id).toMatch(/^ATTN\d{4}$/)
    expect(name).toMatch(/^[A-Z][A-Za-z0-9]+$/)
    expect(shortDescription.text).toMatch(/^[a-z]/)
    expect(help).toEqual({ text: expect.stringContaining(`## ${id} `), markdown: help.text })
  }
  expect(run.columnKind).toBe('unicodeCodePoints')
  for (const { ruleId, ruleIndex, level, message, locations, relatedLocations = [] } of run.results) {
    expect(rules[ruleIndex]?.id).toBe(ruleId)
    expect(['error', 'warning']).toContain(level)
    expect(message.text).not.toBe('')
    for (const { physicalLocation } of [...locations, ...relatedLocations]) {
      const { startLine, startColumn, endLine, endColumn } = physicalLocation.region
      expect(Math.min(startLine, startColumn, endLine, endColumn)).toBeGreaterThan(0)
      expect(endLine > startLine || (endLine === startLine && endColumn >= startColumn)).toBe(true)
      expect(physicalLocation.artifactLocation.uri).toMatch(/^(?:[\w.~!*'()/-]|%[0-9A-F]{2})+$|^file:\/\/\//)
    }
  }
  for (const { descriptor, level, message } of run.invocations.flatMap((one) => one.toolExecutionNotifications)) {
    expect(notifications[descriptor.index]?.id).toBe(descriptor.id)
    expect(['error', 'warning']).toContain(level)
    expect(message.text).not.toBe('')
  }
}

describe('sarif', () => {
  const log = async (args: readonly string[], stdin = ''): Promise<Log> => {
    const { out, err } = await attnc([...args, '--format', 'sarif'], stdin)
    expect(err).toBe('')
    const printed: Log = JSON.parse(out)
    checkLog(printed)
    return printed
  }

  test('has a rule for each code, and the place of each result', async () => {
    const [run] = (await log(['check', '.'])).runs
    expect(run?.tool.driver.rules.map(({ id, name }) => [id, name])).toEqual([
      ['ATTN0101', 'UnknownFunction'],
      ['ATTN0108', 'FunctionTwice'],
    ])
    expect(run?.invocations).toEqual([{ executionSuccessful: true, exitCode: 1, toolExecutionNotifications: [] }])
    expect(run?.results).toMatchObject([
      {
        ruleId: 'ATTN0108',
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: '50%25%2C%20a%3Ab/%C3%A9.attn' },
              region: { startLine: 2, startColumn: 4, endLine: 2, endColumn: 5 },
            },
          },
        ],
        relatedLocations: [{ physicalLocation: { region: { startLine: 1, startColumn: 4 } } }],
      },
      { ruleId: 'ATTN0101', message: { text: "there is no function 'softmx'\nhint: did you mean 'softmax'?" } },
    ])
  })

  test('names an absolute path by a URL', async () => {
    const path = join(folder, '50%, a:b/é.attn')
    const [run] = (await log(['check', path])).runs
    const [location] = run?.results[0]?.locations ?? []
    expect(location?.physicalLocation.artifactLocation.uri).toBe(pathToFileURL(path).href)
  })

  test('tells warnings from errors', async () => {
    const [run] = (await log(['check', '-'], warned)).runs
    expect(run?.invocations).toMatchObject([{ executionSuccessful: true, exitCode: 0 }])
    expect(run?.results.map(({ level }) => level)).toContain('warning')
  })

  test('is a log where nothing is found', async () => {
    const [run] = (await log(['check', 'right.attn'])).runs
    expect(run).toMatchObject({ results: [], tool: { driver: { rules: [] } } })
  })

  test.each([
    [['check', 'nothing.attn'], 'ATTN0310'],
    [['chekc'], 'ATTN0300'],
    [['run', 'right.attn'], 'ATTN0308'],
  ])('has what has no place as a notification: %j', async (args, id) => {
    const [run] = (await log(args)).runs
    expect(run?.results).toEqual([])
    expect(run?.invocations).toMatchObject([
      { executionSuccessful: false, exitCode: 2, toolExecutionNotifications: [{ descriptor: { id } }] },
    ])
  })
})
