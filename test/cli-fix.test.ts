import {
  chmodSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { attnc } from './cli-io.ts'

/** An attention in which a line of its own and the weight can be chosen. */
const attention = (line: string, weight = 'softmax[j](score)'): string => `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], length[b]: i32
  param window = 4 in [1, 10]
  score     = dot(q, k)
  ${line}
  normalize = ${weight}
}
`

const home = process.cwd()
let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-fix-')))
})
beforeEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  process.chdir(folder)
  writeFileSync('package.json', '{}')
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

const fixed = async (text: string): Promise<{ exit: number; text: string; fixed: number }> => {
  const { exit, out } = await attnc(['check', '--fix', '-', '--json'], text)
  const json = JSON.parse(out)
  return { exit, text: json.text, fixed: json.files[0].fixed }
}

describe('what surely is meant is written', () => {
  test.each([
    // slips of the hand, in names of functions, values, clauses, types
    ['normalize = softmax[j](score)', 'normalize = softmx[j](score)'],
    ['normalize = softmax[j](score)', 'normalize = soft_max[j](score)'],
    ['normalize = softmax[j](score)', 'normalize = sotfmax[j](score)'],
    ['normalize = softmax[j](score)', 'normalize = SoftMax[j](score)'],
    ['normalize = softmax[j](score)', 'noramlize = softmax[j](score)'],
    ['normalize = softmax[j](score)', 'normalize = softmax[j](scroe)'],
    ['mask = i - j < window', 'mask = i - j < widnow'],
    ['output lse = logsumexp[j](score)', 'outptut lse = logsumexp[j](score)'],
    ['attention a {', 'atention a {'],
    // characters out of papers and word processors
    ['let x = score * 2 - 1 / 2 ^ 2', 'let x = score × 2 − 1 ÷ 2²'],
    ['mask = i <= j and j != 0 or j >= 3', 'mask = i ≤ j∧j ≠ 0 ∨ j ≥ 3'],
    ['let x = score * 2', 'let x\u00a0= sc\u200bore\u2009* 2'],
    // operators of other languages
    ['mask = i <= j and j == 0 or j != 3', 'mask = i =< j&&j === 0||j <> 3'],
    ['mask = j != 0', 'mask = j !== 0'],
    ['let x = 2 ^ score', 'let x = 2 ** score'],
    ['let x = 1 - score', 'let x = 1 - + score'],
    ['let x = 1 // 50 % – “about” √2', 'let x = 1 # 50 % – “about” √2'],
    // what reads otherwise than it is meant
    ['mask = 0 <= j and j <= i', 'mask = 0 <= j <= i'],
    ['mask = not (0 <= j and j <= i) or j == 1', 'mask = not 0 <= j <= i or j == 1'],
    ['mask = 0 <= j and j < i and i < size(i)', 'mask = 0 <= j < i < size(i)'],
    ['let x = if j == 3 then 1 else 0', 'let x = if j = 3 then 1 else 0'],
    ['mask = j < 3 or j == 4', 'mask = j < 3 or j = 4'],
    ['mask = i div 64 == j div 64', 'mask = i / 64 == j / 64'],
    ['mask = (i) div (64) != j div 64', 'mask = (i) / (64) != j/64'],
    // pieces too many or too few
    ['let x = max(score, 1)', 'let x = max(score, 1,)'],
    ['normalize = softmax[j](score)', 'let normalize = softmax[j](score)'],
    ['let x = window', 'let x = window[]'],
  ])('%s', async (right, wrong) => {
    const good = attention(/^(attention|normalize)/.test(right) ? '' : right)
    const bad = good.replace(right, wrong)
    expect(bad).not.toBe(good)
    expect(await fixed(bad)).toEqual({ exit: 0, text: good, fixed: expect.any(Number) })
  })

  test('a brace that the end of the file leaves open is closed', async () => {
    const text = attention('')
    for (const [cut, put] of [
      ['}\n', '}\n'],
      ['\n}\n', '\n}\n'],
    ])
      expect(await fixed(text.slice(0, -cut!.length))).toEqual({
        exit: 0,
        text: text.slice(0, -cut!.length) + put,
        fixed: 1,
      })
    const dos = text.replaceAll('\n', '\r\n')
    expect((await fixed(`${dos.slice(0, -3)}// why`)).text).toBe(`${dos.slice(0, -3)}// why\r\n}\r\n`)
  })
})

describe('what may be meant otherwise is left to who wrote it', () => {
  test.each([
    ['another letter', attention('let delay = 1\n  let x = decay')],
    ['an end', attention('let scale = 1\n  let x = scaled')],
    ['a plural', attention('let x = scores')],
    ['a beginning', attention('let x = atanh(score)')],
    ['a digit', attention('let x1x = 1\n  let x2xx = 2\n  let x = x12x')],
    ['one of two', attention('let sacle = 1\n  let scalee = 2\n  let x = scalle')],
    ['a short name', attention('let x = qq')],
    ['a quotient that is ordered', attention('mask = i / 2 <= j')],
    ['a quotient that is compared with a number', attention('mask = i / 64 == 3')],
    ['a quotient that has a name', attention('let block = i / 64\n  mask = block == j / 64')],
    ['a named argument', attention('let x = max(a = score, 1)')],
    ['a negated operand', attention('mask = !j == 0')],
    ['a prime', attention('let q’ = 1')],
    ['a bit operator', attention('mask = i < j & j < 3')],
    ['braces that are open twice', 'attention a {\n  fn f(x) = {\n    x'],
    ['a definition in another place', attention('let x = 3 := 4')],
  ])('%s', async (_what, text) => {
    expect(await fixed(text)).toEqual({ exit: 1, text, fixed: 0 })
    expect((await attnc(['check', '-'], text)).err).not.toContain('--fix')
  })
})

describe('names with a letter left out, put in or swapped become what they were, or stay', () => {
  const examples = globSync('examples/*.attn', { cwd: home }).sort()
  test.each(examples.filter((_path, n) => n % 8 === 0))('in %s', async (path) => {
    const text = readFileSync(resolve(home, path), 'utf8')
    const calls = [...text.matchAll(/(?<=\n {2}normalize .*)\b[a-z_]{5,}(?=[[(])/g)].slice(0, 2)
    for (const { index, 0: name } of calls) {
      for (const slip of [name.slice(0, 2) + name.slice(3), `${name.slice(0, 2)}z${name.slice(2)}`]) {
        const wrong = text.slice(0, index) + slip + text.slice(index + name.length)
        const result = await fixed(wrong)
        expect([text, wrong]).toContain(result.text)
        if (result.fixed > 0) expect(result.text).toBe(text)
      }
    }
  })
})

describe('files', () => {
  const used = 'mask = i - j < window or j < length'
  const wrong = attention(used, 'softmx[j](score)')
  const right = attention(used)

  test('are written, with their mode, and nothing is left beside them', async () => {
    writeFileSync('wrong.attn', wrong)
    writeFileSync('right.attn', right)
    chmodSync('wrong.attn', 0o640)
    const before = statSync('right.attn').ino
    expect(await attnc(['check', '--fix', '.'])).toEqual({
      exit: 0,
      out: 'fixed 1 finding in 1 file; checked 2 files: 0 errors, 0 warnings\n',
      err: '',
    })
    expect(readFileSync('wrong.attn', 'utf8')).toBe(right)
    expect(statSync('wrong.attn').mode & 0o777).toBe(0o640)
    expect(statSync('right.attn').ino).toBe(before)
    expect(readdirSync('.').sort()).toEqual(['package.json', 'right.attn', 'wrong.attn'])
    expect(await attnc(['check', '--fix', '.'])).toEqual({
      exit: 0,
      out: 'checked 2 files: 0 errors, 0 warnings\n',
      err: '',
    })
  })

  test('keep a byte order mark and their line ends', async () => {
    writeFileSync('wrong.attn', `\ufeff${wrong.replaceAll('\n', '\r\n')}`)
    await attnc(['check', '--fix', 'wrong.attn'])
    expect(readFileSync('wrong.attn', 'utf8')).toBe(`\ufeff${right.replaceAll('\n', '\r\n')}`)
  })

  test('are all left alone where one cannot be written', async () => {
    for (const name of ['a', 'b']) writeFileSync(`${name}.attn`, wrong)
    rmSync('b.attn')
    mkdirSync('elsewhere')
    writeFileSync('elsewhere/b.attn', wrong)
    chmodSync('elsewhere', 0o500)
    if (process.getuid?.() === 0) return console.log('skipped: the superuser may write anywhere')
    const { exit, err } = await attnc(['check', '--fix', '.'])
    chmodSync('elsewhere', 0o700)
    expect({ exit, err }).toMatchObject({ exit: 2, err: expect.stringContaining('ATTN0312') })
    expect(readFileSync('a.attn', 'utf8')).toBe(wrong)
    expect(readdirSync('.').sort()).toEqual(['a.attn', 'elsewhere', 'package.json'])
  })

  test('that are imported only are left alone, and named ones are checked as they are then', async () => {
    writeFileSync('lib.attn', 'fn f(x) = if x = 0 then 1 else x\n')
    writeFileSync('main.attn', `import "lib.attn"\n${attention(`${used}\n  let y = f(score)`, 'softmx[j](y)')}`)
    const { exit, err } = await attnc(['check', '--fix', 'main.attn'])
    expect(exit).toBe(1)
    expect(err).toContain('--> lib.attn:1:')
    expect(readFileSync('lib.attn', 'utf8')).toContain('if x = 0')
    expect(await attnc(['check', '--fix', 'main.attn', 'lib.attn'])).toMatchObject({ exit: 0 })
    expect(readFileSync('main.attn', 'utf8')).toContain('softmax[j](y)')
  })

  test('with errors that stay are fixed as far as they go', async () => {
    writeFileSync('wrong.attn', wrong.replace('  score ', '  let x = nothing\n  score '))
    const { exit, out, err } = await attnc(['check', '--fix', 'wrong.attn'])
    expect({ exit, out }).toEqual({ exit: 1, out: '' })
    expect(err).toContain('\nfixed 1 finding in 1 file; checked 1 file: 1 error, 0 warnings\n')
  })

  test('standard input goes to standard output', async () => {
    expect(await attnc(['check', '--fix', '-'], wrong)).toEqual({
      exit: 0,
      out: right,
      err: 'fixed 1 finding in 1 file; checked 1 file: 0 errors, 0 warnings\n',
    })
    writeFileSync('wrong.attn', wrong)
    expect(await attnc(['check', '--fix', '-', 'wrong.attn'], wrong)).toMatchObject({ exit: 2 })
    expect(readFileSync('wrong.attn', 'utf8')).toBe(wrong)
  })

  test('are announced as fixable, and fixes are in JSON and in a SARIF log', async () => {
    writeFileSync('wrong.attn', wrong)
    expect((await attnc(['check', 'wrong.attn'])).err).toContain('1 error, 0 warnings; 1 can be fixed by --fix\n')
    const place = { file: 'wrong.attn', line: 6, column: 15, endLine: 6, endColumn: 21 }
    expect(JSON.parse((await attnc(['check', 'wrong.attn', '--json'])).out)).toMatchObject({
      diagnostics: [{ fix: [{ place, text: 'softmax' }] }],
      files: [{ fixed: 0 }],
    })
    const log = JSON.parse((await attnc(['check', 'wrong.attn', '--format', 'sarif'])).out)
    expect(log.runs[0].results[0].fixes).toEqual([
      {
        description: { text: "did you mean 'softmax'?" },
        artifactChanges: [
          {
            artifactLocation: { uri: 'wrong.attn' },
            replacements: [
              {
                deletedRegion: { startLine: 6, startColumn: 15, endLine: 6, endColumn: 21 },
                insertedContent: { text: 'softmax' },
              },
            ],
          },
        ],
      },
    ])
  })
})
