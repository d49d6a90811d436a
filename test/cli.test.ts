import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sectionsOf } from '../cli/explain.ts'
import { parseAssignments, parseLengths, parseScalar } from '../cli/options.ts'
import { shortNumber, table } from '../cli/table.ts'
import { renderRows } from '../cli/verify-report.ts'
import { problemCodes } from '../runtime/problem.ts'
import type { StoredTensor } from '../runtime/stored.ts'
import { encodeNpy } from '../runtime/tensors/npy.ts'
import { readTensor, readTensors, writeTensors } from '../runtime/tensors/tensor-io.ts'
import { attnc } from './cli-io.ts'
import { gather } from './tensor-bytes.ts'

const softmax = `/// Softmax attention, causal.
attention softmax_causal {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  param scale = 1 / sqrt(size(d))
  score     = scale * dot(q, k)
  mask      = j <= i + size(j) - size(i)
  normalize = softmax[j](score)
  output lse = logsumexp[j](score)
}

check { b = 1, h = 2, i = 9, j = 12, d = 8, e = 8 }
`
const two = `attention first {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], hub[b, j]: bool, decay[h]: f32 in [0.5, 1]
  param window: i32 = 2 in [0, 8]
  score     = decay * dot(q, k)
  mask      = hub or abs(i - j) <= window
  normalize = sigmoid(score)
}

attention second {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`

const names = `attention class {
  axis part
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], __proto__[h]: f32, toString[part]: f32, arguments[j]: bool
  param valueOf = 2.0
  param hasOwnProperty: i32 = 3
  score     = valueOf * dot(q, k) + __proto__ + sum[part](toString)
  mask      = arguments or j < hasOwnProperty
  normalize = softmax[j](score)
  output register = logsumexp[j](score)
}
`

const home = process.cwd()
let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-cli-')))
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  process.chdir(folder)
  writeFileSync('package.json', '{}')
  writeFileSync('softmax.attn', softmax)
  writeFileSync('two.attn', two)
})

describe('the command line', () => {
  test('without a command shows help, and is wrong', async () => {
    const { exit, out, err } = await attnc([])
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).toContain('Usage: attnc')
  })

  test.each([[['--help']], [['help', 'run']], [['build', '--help']]])(
    '%j prints help with examples and exit codes',
    async (args) => {
      const { exit, out, err } = await attnc(args)
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
      expect(out).toContain('Examples:')
      expect(out).toContain('Exit codes:')
    },
  )

  test('has a version', async () => {
    expect(await attnc(['--version'])).toMatchObject({ exit: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  test.each([
    [['chekc'], 'ATTN0300', 'did you mean check?'],
    [['check'], 'ATTN0300', 'see attnc check --help'],
    [['check', 'softmax.attn', '--jsno'], 'ATTN0300', 'did you mean --json?'],
    [['explain', 'a', 'b'], 'ATTN0300', 'see attnc explain --help'],
    [['check', '-', '-'], 'ATTN0300', 'once'],
    [['build', 'softmax.attn', '-o', 'out', '--target', 'tss'], 'ATTN0301', "did you mean 'ts'?"],
    [['build', 'softmax.attn', '-o', 'out', '--dtype', 'fp16'], 'ATTN0302', "did you mean 'f16'?"],
    [['build', 'softmax.attn', '--emit', 'kernels'], 'ATTN0302', "did you mean 'kernel'?"],
    [['build', 'softmax.attn', '-o', 'out', '--size', 'd'], 'ATTN0302', '--size d=64'],
    [['build', 'softmax.attn', '-o', 'out', '--size', 'd=0'], 'ATTN0302', '1 to 65536'],
    [['build', 'softmax.attn', '-o', 'out', '--size', 'e=513'], 'ATTN0302', '1 to 512'],
    [['build', 'softmax.attn', '-o', 'out', '--tile', 'j=100000000'], 'ATTN0302', '1 to 1024'],
    [['build', 'softmax.attn', '-o', 'out', '--tile', 'i=0'], 'ATTN0302', '1 to 1024'],
    [['build', 'softmax.attn', '-o', 'out', '--size', 'f=64'], 'ATTN0303', "no axis 'f'"],
    [['build', 'softmax.attn'], 'ATTN0318', '-o FOLDER'],
    [['build', 'softmax.attn', '--emit', 'ir', '-o', 'out'], 'ATTN0318', 'leave out -o'],
    [['build', '.', '-o', '-'], 'ATTN0318', '2 sources'],
    [['check', 'nothing.attn'], 'ATTN0310', 'nothing.attn'],
    [['check', 'package.json'], 'ATTN0315', 'attnc check -'],
    [['explain', 'ATTN9999'], 'ATTN0340', 'ATTN9999'],
    [['run', 'softmax.attn', '--seed', 'x'], 'ATTN0302', '--seed'],
    [['run', 'softmax.attn', '--seed', '-1'], 'ATTN0302', '--seed'],
    [['run', 'softmax.attn', '--input', 'q'], 'ATTN0302', 'q=q.npy'],
    [['run', 'softmax.attn', '--input', 'kk=k.npy'], 'ATTN0304', "did you mean 'k'?"],
    [['run', 'softmax.attn', '--output', 'lsee=k.npy'], 'ATTN0305', "did you mean 'lse'?"],
    [['run', 'softmax.attn', '--output', 'out=x.npy', '--output', 'lse=./x.npy'], 'ATTN0317', 'out and lse'],
    [['run', 'softmax.attn', '--param', 'scal=1'], 'ATTN0306', "did you mean 'scale'?"],
    [['run', 'softmax.attn', '--param', 'scale=big'], 'ATTN0307', 'decimal'],
    [['run', 'two.attn', '--attention', 'first', '--param', 'window=2.5', '--seed', '0'], 'ATTN0307', 'i32'],
    [['run', 'two.attn', '--attention', 'first', '--param', 'window=9', '--seed', '0'], 'ATTN0307', '[0, 8]'],
    [['run', 'softmax.attn'], 'ATTN0308', 'q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]'],
    [['run', 'two.attn', '--seed', '1'], 'ATTN0309', '--attention first'],
    [['run', 'two.attn', '--seed', '1', '--attention', 'third'], 'ATTN0309', 'first, second'],
    [['run', 'softmax.attn', '--input', 'q=q.npy'], 'ATTN0310', 'q.npy'],
    [['run', 'softmax.attn', '--input', 'q=.'], 'ATTN0311', 'folder'],
  ])('%j is refused with %s', async (args, code, text) => {
    const { exit, out, err } = await attnc(args)
    expect(err).toContain(`error[${code}]`)
    expect(err).toContain(text)
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    const json = await attnc([...args, '--json'])
    expect(JSON.parse(json.out)).toMatchObject({
      schemaVersion: 1,
      ok: false,
      exitCode: 2,
      diagnostics: [{ code, place: null }],
    })
    expect(json.err).toBe('')
    expect(readdirSync('.').sort()).toEqual(['package.json', 'softmax.attn', 'two.attn'])
  })

  test('takes options of the forms that it says', () => {
    expect(parseLengths('--size', ['d=64,e=32', 'h=2'])).toEqual({ ok: true, value: { d: 64, e: 32, h: 2 } })
    expect(parseLengths('--size', ['d=64', 'd=32']).ok).toBe(false)
    for (const bad of ['', 'd', 'd=', '=3', 'd=-1', 'd=1.5', 'd=99999999999', '1d=3', 'd=3,,e=4'])
      expect(parseLengths('--size', [bad]).ok, bad).toBe(false)
    expect(parseAssignments('--input', ['q=a=b,c.npy'])).toEqual({ ok: true, value: new Map([['q', 'a=b,c.npy']]) })
    expect(
      ['1', '-2.5e-3', '.5', '5.', 'inf', '-inf', 'nan', '0x10', '', '1e999'].map((text) => parseScalar(text, 'f32')),
    ).toEqual([...[1, -0.0025, 0.5, 5, Infinity, -Infinity], ...[undefined, undefined, undefined, undefined]])
    expect(['-3', '2147483648', '2.0', 'true'].map((text) => parseScalar(text, 'i32'))).toEqual([
      -3,
      undefined,
      undefined,
      undefined,
    ])
    expect(['true', 'false', '1'].map((text) => parseScalar(text, 'bool'))).toEqual([true, false, undefined])
  })
})

describe('check', () => {
  test('counts files, errors and warnings', async () => {
    expect(await attnc(['check', '.'])).toEqual({ exit: 0, out: 'checked 2 files: 0 errors, 0 warnings\n', err: '' })
  })

  test('shows each place', async () => {
    writeFileSync('wrong.attn', 'attention {\n')
    const { exit, out, err } = await attnc(['check', 'wrong.attn', 'softmax.attn'])
    expect({ exit, out }).toEqual({ exit: 1, out: '' })
    expect(err).toMatch(/^error\[ATTN\d{4}\]: /)
    expect(err).toContain('--> wrong.attn:1:')
    expect(err).not.toContain('at wrong.attn:')
    expect(err).toContain('1 error')
  })

  test('gives places as JSON', async () => {
    writeFileSync('wrong.attn', '// é𝄞\nattention {\n')
    const { exit, out, err } = await attnc(['check', 'wrong.attn', '--json'])
    expect({ exit, err }).toEqual({ exit: 1, err: '' })
    const json = JSON.parse(out)
    expect(Object.keys(json)).toEqual(['schemaVersion', 'command', 'ok', 'exitCode', 'diagnostics', 'files'])
    expect(json.diagnostics[0]).toMatchObject({
      code: expect.stringMatching(/^ATTN\d{4}$/),
      severity: 'error',
      title: expect.stringMatching(/^[a-z0-9-]+$/),
    })
    expect(json.diagnostics[0].place).toMatchObject({ file: 'wrong.attn', line: 2 })
    expect(json.files).toEqual([{ path: 'wrong.attn', ok: false, attentions: [], fixed: 0 }])
  })

  test('reads standard input under a name', async () => {
    expect(await attnc(['check', '-'], softmax)).toMatchObject({ exit: 0 })
    const { exit, err } = await attnc(['check', '-', '--stdin-name', 'lib/x.attn'], 'attention {')
    expect(exit).toBe(1)
    expect(err).toContain('--> lib/x.attn:1:')
  })

  test('refuses what is no UTF-8, with the place', async () => {
    const { exit, err } = await attnc(['check', '-'], Uint8Array.of(0x2f, 0x2f, 0x0a, 0xff))
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining('--> stdin.attn:2:1') })
  })

  test('shows no control characters of a path to the terminal', async () => {
    const { err } = await attnc(['check', 'x\x1b[2J.attn'])
    expect(err).toContain('x\\u{1b}[2J.attn')
    expect(err).not.toContain('\x1b')
  })
})

describe('build', () => {
  test('writes what a target generates, in a folder that it makes', async () => {
    const { exit, out, err } = await attnc(['build', 'softmax.attn', '--target', 'ts', '-o', 'out/deep'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out.split('\n')[0]).toBe('out/deep/softmax.ts')
    expect(readdirSync('out/deep').sort()).toEqual(['softmax.d.ts', 'softmax.js', 'softmax.ts'])
  })

  test('mirrors folders, and gives the same bytes wherever it runs', async () => {
    mkdirSync('src/sub', { recursive: true })
    writeFileSync('src/a.attn', softmax)
    writeFileSync('src/sub/b.attn', two)
    expect(await attnc(['build', 'src', '--target', 'ts', '-o', 'out'])).toMatchObject({ exit: 0 })
    expect(readdirSync('out/sub').sort()).toEqual(['b.d.ts', 'b.js', 'b.ts'])
    await attnc(['build', join(folder, 'src/a.attn'), '--target', 'ts', '-o', 'again'])
    expect(readFileSync('again/a.ts', 'utf8')).toBe(readFileSync('out/a.ts', 'utf8'))
  })

  test('prints the main file, of standard input too', async () => {
    await attnc(['build', 'softmax.attn', '--target', 'ts', '-o', 'out'])
    const { exit, out, err } = await attnc(
      ['build', '-', '--stdin-name', 'softmax.attn', '--target', 'ts', '-o', '-'],
      softmax,
    )
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toBe(readFileSync('out/softmax.ts', 'utf8'))
  })

  test('writes nothing if one of the sources is wrong, or a file cannot be written', async () => {
    writeFileSync('wrong.attn', 'attention {')
    expect(await attnc(['build', '.', '--target', 'ts', '-o', 'out'])).toMatchObject({ exit: 1, out: '' })
    mkdirSync('way/softmax.js', { recursive: true })
    expect(await attnc(['build', 'softmax.attn', '--target', 'ts', '-o', 'way'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('ATTN0312'),
    })
    expect(readdirSync('way')).toEqual(['softmax.js'])
    expect(readdirSync('.')).not.toContain('out')
  })

  test('refuses two sources of one name', async () => {
    mkdirSync('x')
    writeFileSync('x/softmax.attn', softmax)
    const { exit, err } = await attnc(['build', 'softmax.attn', 'x/softmax.attn', '--target', 'ts', '-o', 'out'])
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('ATTN0317') })
  })

  test.each(['ast', 'ir', 'plan', 'kernel'])('prints the stage %s', async (stage) => {
    const { exit, out, err } = await attnc(['build', 'softmax.attn', '--emit', stage])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toContain('softmax_causal')
    expect(JSON.parse((await attnc(['build', 'softmax.attn', '--emit', stage, '--json'])).out)).toMatchObject({
      ok: true,
      stage,
      text: out,
    })
  })
})

describe('fmt', () => {
  const messy = 'attention  a{input q[b,h,i,d],k[b,h,j,d],v[b,h,j,e]\nscore=dot(q,k)\nnormalize=softmax[j](score)}'

  test('writes files in place, and is then content', async () => {
    writeFileSync('messy.attn', messy)
    expect(await attnc(['fmt', '--check', 'messy.attn'])).toMatchObject({ exit: 1, out: 'messy.attn\n' })
    expect(readFileSync('messy.attn', 'utf8')).toBe(messy)
    expect(await attnc(['fmt', 'messy.attn'])).toMatchObject({ exit: 0, out: 'messy.attn\n' })
    expect(await attnc(['fmt', '--check', 'messy.attn'])).toMatchObject({ exit: 0, out: '' })
    expect(readdirSync('.').sort()).toEqual(['messy.attn', 'package.json', 'softmax.attn', 'two.attn'])
  })

  test('sends standard input to standard output', async () => {
    writeFileSync('messy.attn', messy)
    await attnc(['fmt', 'messy.attn'])
    expect(await attnc(['fmt', '-'], messy)).toEqual({ exit: 0, out: readFileSync('messy.attn', 'utf8'), err: '' })
  })

  test('leaves all alone if one is wrong', async () => {
    writeFileSync('messy.attn', messy)
    writeFileSync('wrong.attn', 'attention {')
    expect(await attnc(['fmt', '.'])).toMatchObject({ exit: 1 })
    expect(readFileSync('messy.attn', 'utf8')).toBe(messy)
  })
})

describe('run', () => {
  const saved = (name: string, shape: readonly number[], at: (n: number) => number): string => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => at(n))
    writeFileSync(`${name}.npy`, gather(encodeNpy({ storage: 'f32', shape, data }).chunks()))
    return `${name}=${name}.npy`
  }
  const inputs = (): readonly string[] => [
    ...['--input', saved('q', [1, 1, 2, 1], () => 0)],
    ...['--input', saved('k', [1, 1, 3, 1], (n) => n)],
    ...['--input', saved('v', [1, 1, 3, 1], (n) => 4 ** n)],
  ]

  test('writes the results asked for, and no others', async () => {
    const ran = await attnc([
      'run',
      'softmax.attn',
      '--target',
      'ts',
      ...inputs(),
      '--output',
      'out=out.npy',
      '--param',
      'scale=1',
    ])
    expect(ran).toEqual({ exit: 0, out: '', err: '' })
    expect(await readTensor('out.npy')).toEqual({ shape: [1, 1, 2, 1], data: Float32Array.of(2.5, 7) })
    expect(readdirSync('.')).not.toContain('lse.npy')
  })

  test('summarizes results where none is asked for', async () => {
    const { exit, out } = await attnc(['run', 'softmax.attn', '--target', 'ts', ...inputs()])
    expect(exit).toBe(0)
    const rows = out.trimEnd().split('\n')
    expect(rows[0]).toMatch(/^result +shape +min +mean +max$/)
    expect(rows[1]).toMatch(/^out +\[1, 1, 2, 1\] +2\.5 +4\.75 +7$/)
    expect(rows[2]).toMatch(/^lse +\[1, 1, 2\] +0\.6931 +0\.8959 +1\.099$/)
  })

  test('gives the summary as JSON', async () => {
    const { out, err } = await attnc(['run', 'softmax.attn', '--target', 'ts', ...inputs(), '--json'])
    expect(err).toBe('')
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 1,
      command: 'run',
      ok: true,
      results: [{ name: 'out', shape: [1, 1, 2, 1], mean: 4.75 }, { name: 'lse' }],
    })
  })

  test('takes names that JavaScript has uses for', async () => {
    writeFileSync('names.attn', names)
    const args = ['names.attn', '--target', 'ts', '--shape', 'b=1,h=2,i=5,j=6,d=4,e=4']
    expect(await attnc(['run', ...args, '--param', 'valueOf=1.5'])).toMatchObject({ exit: 0, err: '' })
    expect(await attnc(['verify', ...args, '--no-probes'])).toMatchObject({ exit: 0, err: '' })
    const { exit, err } = await attnc(['run', 'names.attn'])
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('__proto__[h], toString[part]') })
  })

  test('draws what is not given, the same for a seed', async () => {
    const args = ['run', 'softmax.attn', '--target', 'ts', '--shape', 'b=1,h=2,i=5,j=6', '--seed']
    const [a, b, c] = [await attnc([...args, '7']), await attnc([...args, '7']), await attnc([...args, '8'])]
    expect(a).toMatchObject({ exit: 0, err: '', out: expect.stringContaining('[1, 2, 5, 8]') })
    expect(b).toEqual(a)
    expect(c?.out).not.toBe(a?.out)
  })

  test.each([
    ['shapes that disagree', ['--input', 'v=short.npy'], 'ATTN0324'],
    ['a tensor with too few axes', ['--input', 'v=flat.npy'], 'ATTN0324'],
    ['a length that a tensor contradicts', ['--input', 'v=v.npy', '--shape', 'j=9'], 'ATTN0324'],
    ['a tensor that is none', ['--input', 'v=package.json'], 'ATTN0320'],
    ['values that the type has not', ['--input', 'v=v.npy', '--dtype', 'f16'], 'ATTN0323'],
  ])('refuses %s', async (_what, args, code) => {
    const given = inputs().slice(0, 4)
    saved('v', [1, 1, 3, 1], () => 1 / 3)
    saved('short', [1, 1, 2, 1], () => 1)
    saved('flat', [3, 1], () => 1)
    const { exit, out, err } = await attnc(['run', 'softmax.attn', '--target', 'ts', ...given, ...args])
    expect(err).toContain(`error[${code}]`)
    expect({ exit, out }).toEqual({ exit: 1, out: '' })
  })

  test('refuses values outside of a declared range', async () => {
    saved('decay', [2], (n) => n)
    const { exit, err } = await attnc([
      'run',
      'two.attn',
      '--attention',
      'first',
      '--seed',
      '1',
      '--input',
      'decay=decay.npy',
    ])
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining('ATTN0325') })
  })

  /** The inputs above, in one archive. */
  const archived = async (path: string, more: Readonly<Record<string, StoredTensor>> = {}): Promise<void> => {
    inputs()
    const read = async (name: string): Promise<StoredTensor> => readTensor(`${name}.npy`)
    await writeTensors(path, { q: await read('q'), k: await read('k'), v: await read('v'), ...more })
  }
  const softmaxRun = ['run', 'softmax.attn', '--target', 'ts', '--param', 'scale=1']
  const expected = { shape: [1, 1, 2, 1], data: Float32Array.of(2.5, 7) }

  test.each(['x.npz', 'x.safetensors'])('takes all inputs from %s, and writes results into one', async (archive) => {
    await archived(archive, { other: { shape: [1], data: Int32Array.of(3) } })
    const outputs = ['--output', `out=new/y${archive}`, '--output', `lse=./new/y${archive}:log`, '--json']
    const { exit, out, err } = await attnc([...softmaxRun, '--input', archive, ...outputs])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(JSON.parse(out).results.map(({ file }: { file: string }) => file)).toEqual([
      `new/y${archive}`,
      `./new/y${archive}:log`,
    ])
    expect(await readTensors(`new/y${archive}`)).toEqual({ out: expected, log: expect.anything() })
    expect(readdirSync('new')).toEqual([`y${archive}`])
  })

  test('takes one input from an archive by its name or by one that is given', async () => {
    await archived('x.npz')
    await writeTensors('k.safetensors', { keys: await readTensor('k.npy'), v: await readTensor('v.npy') })
    const given = ['q=x.npz', 'k=k.safetensors:keys', 'v=k.safetensors'].flatMap((one) => ['--input', one])
    expect(await attnc([...softmaxRun, ...given, '--output', 'out=out.npy'])).toMatchObject({ exit: 0, err: '' })
    expect(await readTensor('out.npy')).toEqual(expected)
    const mixed = ['--input', 'x.npz', '--input', 'q=q.npy', '--output', 'out=mixed.npy']
    expect(await attnc([...softmaxRun, ...mixed])).toMatchObject({ exit: 0, err: '' })
    expect(await readTensor('mixed.npy')).toEqual(expected)
  })

  test.each([
    ['f16', Float16Array, 'h.npz'],
    ['bf16', Uint16Array, 'h.safetensors'],
  ] as const)('computes in %s where all files hold it', async (storage, array, path) => {
    inputs()
    const read = (name: string): Promise<StoredTensor> => readTensor(`${name}.npy`, { storage })
    await writeTensors(path, { q: await read('q'), k: await read('k'), v: await read('v') })
    const ran = await attnc([...softmaxRun, '--input', path, '--output', 'out=o.safetensors'])
    expect(ran).toMatchObject({ exit: 0, err: '' })
    expect((await readTensor('o.safetensors')).data).toBeInstanceOf(array)
  })

  test.each([
    [['--input', 'x.npz', '--input', 'q=x.npz:qq'], 'ATTN0326', "did you mean 'q'?", 1],
    [['--input', 'k=odd.npz'], 'ATTN0326', '--input k=odd.npz:queries', 1],
    [['--input', 'odd.npz'], 'ATTN0326', 'no tensor of odd.npz is named as an input of', 1],
    [['--input', 'x.npz', '--input', 'twin.npz'], 'ATTN0302', "'q' is in x.npz and in twin.npz", 2],
    [['--input', 'x.npy', '--input', 'x.npz'], 'ATTN0302', "not 'x.npy'", 2],
    [['--input', 'gone.npz'], 'ATTN0310', 'no such file: gone.npz', 2],
    [['--input', 'q=gone.npz:q'], 'ATTN0310', 'no such file: gone.npz', 2],
    [['--input', 'q=q.npy', '--input', 'k=half.npz', '--input', 'v=v.npy'], 'ATTN0321', 'half.npz cannot be read', 1],
    [['--output', 'out=r.npz', '--output', 'lse=./r.npz:out'], 'ATTN0317', 'out and lse', 2],
    [['--input', 'x.npz', '--output', 'out=r.safetensors:__metadata__'], 'ATTN0312', '__metadata__', 2],
  ] as const)('refuses %j', async (args, code, text, exit) => {
    await archived('x.npz')
    await archived('twin.npz')
    await writeTensors('odd.npz', { queries: await readTensor('q.npy') })
    writeFileSync('half.npz', readFileSync('x.npz').subarray(0, 100))
    const ran = await attnc([...softmaxRun, ...args])
    expect(ran).toMatchObject({ exit, out: '', err: expect.stringContaining(text) })
    expect(ran.err).toContain(`error[${code}]`)
  })

  test('writes nothing if one result cannot be written', async () => {
    mkdirSync('way.npy')
    const args = [
      'run',
      'softmax.attn',
      '--target',
      'ts',
      ...inputs(),
      '--output',
      'out=out.npy',
      '--output',
      'lse=way.npy',
    ]
    expect(await attnc(args)).toMatchObject({ exit: 2, err: expect.stringContaining('ATTN0312') })
    expect(readdirSync('.')).not.toContain('out.npy')
  })
})

describe('verify', () => {
  test('tries the check lines with probes on what can run here', async () => {
    const { exit, out, err } = await attnc(['verify', 'softmax.attn', '--target', 'ts'])
    expect({ exit, err }, out).toEqual({ exit: 0, err: '' })
    const rows = out.trimEnd().split('\n')
    expect(rows[0]).toMatch(/^attention +target +shapes +cases +worst error +hard +6 expected +where +verdict$/)
    expect(rows[1]).toMatch(/^softmax_causal +ts +5 +\d+ .*\bright\b/)
  })

  test('takes several sources side by side, and answers in their order', async () => {
    writeFileSync('names.attn', names)
    writeFileSync('wrong.attn', 'attention {\n')
    const verify = async (...files: readonly string[]) => {
      const { exit, out } = await attnc([
        'verify',
        ...files,
        '--target',
        'ts',
        '--no-probes',
        '--shape',
        'i=3,j=4',
        '--json',
      ])
      return { exit, ...JSON.parse(out) }
    }
    const files = ['names.attn', 'wrong.attn', 'two.attn', 'softmax.attn']
    const [together, ...alone] = [await verify(...files), ...(await Promise.all(files.map((file) => verify(file))))]
    expect(together.exit).toBe(1)
    expect(together.results).toEqual(alone.flatMap(({ results }) => results))
    expect(together.results).toHaveLength(4)
    expect(together.diagnostics).toEqual(alone.flatMap(({ diagnostics }) => diagnostics))
  })

  test('gives what it found as JSON', async () => {
    const { out } = await attnc([
      'verify',
      'softmax.attn',
      '--target',
      'ts',
      '--no-probes',
      '--shape',
      'i=3,j=4',
      '--json',
    ])
    const json = JSON.parse(out)
    expect(json).toMatchObject({
      schemaVersion: 1,
      command: 'verify',
      ok: true,
      results: [{ attention: 'softmax_causal', target: 'ts', verdict: 'right' }],
    })
    expect(json.results[0].report).toMatchObject({ failures: [], worst: { at: { shape: { sizes: { i: 3, j: 4 } } } } })
  })
})

describe('explain', () => {
  test('shows how a source is computed', async () => {
    expect(await attnc(['explain', 'softmax.attn'])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('softmax_causal'),
    })
  })

  test('finds the sections of a document', () => {
    const text =
      '# Errors\n\nIntro.\n\n## ATTN0001 a-title\n\nText.\n\n### Example\n\nMore.\n\n## Other\n\n## ATTN0002 b\nText.\n'
    expect(sectionsOf(text)).toEqual([
      { code: 'ATTN0001', title: 'a-title', text: '## ATTN0001 a-title\n\nText.\n\n### Example\n\nMore.\n' },
      { code: 'ATTN0002', title: 'b', text: '## ATTN0002 b\nText.\n' },
    ])
  })

  test.each(problemCodes)('knows %s', async (code) => {
    const { exit, out, err } = await attnc(['explain', code.toLowerCase()])
    expect(err).toBe('')
    expect(exit).toBe(0)
    expect(out).toMatch(new RegExp(`^## ${code} [a-z0-9-]+\n`))
  })
})

test('targets are listed', async () => {
  const { exit, out } = await attnc(['targets'])
  expect(exit).toBe(0)
  expect(out).toMatch(/^ts +TypeScript +yes/m)
  expect(JSON.parse((await attnc(['targets', '--json'])).out).targets).toContainEqual(
    expect.objectContaining({ name: 'ts', runs: true }),
  )
})

test('tables are aligned, numbers short', () => {
  expect(
    table(
      [
        ['a', 'bb', ''],
        ['ccc', 'd', 'e'],
      ],
      [1],
    ),
  ).toBe('a    bb\nccc   d  e\n')
  expect([0, 1 / 3, -1234.56, 1e-9, 1e20, Infinity, -Infinity, Number.NaN].map(shortNumber)).toEqual([
    '0',
    '0.3333',
    '-1235',
    '1.00e-9',
    '1.00e+20',
    'inf',
    '-inf',
    'nan',
  ])
})

test('what cannot run is a row of its own, and no failure', () => {
  const row = {
    source: 'a.attn',
    attention: 'a',
    target: 'cuda',
    verdict: 'skipped',
    reason: 'no device',
    report: null,
  } as const
  expect(renderRows([row], false).split('\n')[1]).toMatch(/^a +cuda +skipped \(no device\)$/)
  expect(renderRows([row], true)).toMatch(/^source +attention/)
})
