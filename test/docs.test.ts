import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { execa } from 'execa'
import typescript from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandNames } from '../cli/program.ts'
import { reserved } from '../grammar/tokens.ts'
import { attnc } from './cli-io.ts'
import { safetensors, zip } from './tensor-bytes.ts'

// Documents are tested: pieces of source are checked, commands run, and links lead somewhere. A fenced block says by its first
// line what is expected of it:
//
//   attn                  a file without errors or warnings
//   attn fails ATTN0123   a file in which this error is found
//   attn warns ATTN0123   a file with this warning, and no errors
//   sh                    commands, each ending with exit code 0
//   sh fails ATTN0123     one command that reports this error
//   sh warns ATTN0123     one command that ends with exit code 0 and this warning
//   console               commands after `$`, each followed by what it prints
//   ts from COMMAND       pieces of what the command prints, moved to the left, with `// ...` between them; UPDATE_GOLDEN=1
//                         writes them anew where their first and last lines are still there
//   js                    a module that runs
//   ts                    the same, and without errors of types
//   json from COMMAND     what the command prints, word for word
//   text from COMMAND     the same
//   text in FILE          a piece of a file of this repository
//   text                  nothing; likewise a block without a first word

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const isMade = (path: string): boolean => /^docs.gallery/.test(path) // test/gallery.test.ts
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...globSync(['docs/**/*.md', 'examples/**/*.md'], { cwd: root }).filter((path) => !isMade(path)),
].sort()

interface Block {
  readonly place: string // document:line
  readonly language: string
  readonly rest: string // of its first line
  readonly text: string
}

function blocksOf(path: string, text: string): readonly Block[] {
  const fence = /^```(\S*)[ \t]*(.*)\n([\s\S]*?)^```$/gm
  return [...text.matchAll(fence)].map(({ index, 1: language = '', 2: rest = '', 3: body = '' }) => ({
    place: `${path}:${text.slice(0, index).split('\n').length}`,
    language,
    rest,
    text: body,
  }))
}

const blocks = documents.flatMap((path) => blocksOf(path, read(path)))
const blocksIn = (...languages: readonly string[]): readonly Block[] =>
  blocks.filter(({ language }) => languages.includes(language))

const codesIn = (text: string): readonly string[] =>
  [...text.matchAll(/(?:error|warning)\[(ATTN\d{4})\]/g)].map(([, code = '']) => code)

/** Words of a command line; `'...'` keeps blanks together. */
const words = (line: string): readonly string[] =>
  [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word)

/** The pieces of `whole` that begin and end with the same lines as those of `text` do, moved to the left. */
function excerpt(whole: string, text: string): string {
  const lines = whole.split('\n')
  const pieces = text.split('// ...\n').map((piece) => {
    const shown = piece.trimEnd().split('\n')
    const start = lines.findIndex((line) => line.trim() === shown[0]?.trim())
    const indent = lines[start]?.search(/\S/) ?? 0
    const last = `${' '.repeat(indent)}${shown.at(-1)}`
    const length = lines.slice(start + 1).indexOf(last)
    if (start < 0 || length < 0) throw new Error(`no piece from '${shown[0]}' to '${shown.at(-1)}'`)
    return lines.slice(start, start + length + 2).map((line) => `${line.slice(indent)}\n`)
  })
  return pieces.map((piece) => piece.join('')).join('// ...\n')
}

// The folder in which the commands of the documents run: the examples, tensors for them, and files that are wrong.

let folder = ''

function npy(descr: string, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from(Uint16Array.of(header.length).buffer),
    Buffer.from(header),
    bytes,
  ])
}

const attention = (name: string, extra = ''): string => `attention ${name} {
  input q[b, h, i, d]${extra}, k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`

/** Sources that would fill pages. */
function putLongSources(put: (path: string, content: string) => void): void {
  put('long-file.attn', '// A line of a comment that says nothing.\n'.repeat(30_000))
  put('long-expression.attn', `fn f(x) = max(${`max(${'x, '.repeat(98)}x), `.repeat(101)}x)`)
  put('long-chain.attn', `fn f(x) = x${' + x'.repeat(2000)}`)
  put('many-errors.attn', `fn f(x) = x\n${'axis\n'.repeat(30)}`)
  const steps = Array.from({ length: 1100 }, (_, k) => `  let x${k + 1} = x${k} + 1`).join('\n')
  put(
    'long-way.attn',
    attention('long_way').replace('score     = dot(q, k)', `let x0 = dot(q, k)\n${steps}\n  score = x1100`),
  )
  mkdirSync(join(folder, 'many'))
  const names = Array.from({ length: 257 }, (_, n) => `f${n}`)
  for (const name of names) put(`many/${name}.attn`, `fn ${name}(x) = x\n`)
  put('many-imports.attn', names.map((name) => `import "many/${name}.attn"\n`).join(''))
}

/** Times of this machine, made a thousand times shorter. */
async function putQuickTimes(): Promise<void> {
  const measured = ['bench', 'softmax.attn', '--target', 'ts', '--shape', 'b=1,h=1,i=16,j=16', '--time', '50ms']
  await attnc([...measured, '-o', 'quick.json'])
  const { results, ...rest }: { results: { times: number[] }[] } = JSON.parse(readFileSync('quick.json', 'utf8'))
  const quicker = results.map((one) => ({ ...one, times: one.times.map((time) => time / 1000) }))
  writeFileSync('quick.json', JSON.stringify({ ...rest, results: quicker }))
}

function furnish(): void {
  const put = (path: string, content: string | Uint8Array): void => writeFileSync(join(folder, path), content)
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
  for (const path of globSync('examples/*.attn', { cwd: root }))
    copyFileSync(join(root, path), join(folder, basename(path)))
  for (const name of ['q', 'k', 'v'])
    copyFileSync(join(root, `examples/data/ocr/${name}0.npy`), join(folder, `${name}.npy`))
  const recorded = readFileSync(join(root, 'bench/tuner/spaces/D.jsonl'), 'utf8')
  put('recorded.jsonl', recorded)
  put('cut-short.jsonl', `${recorded}{"log":1,"sub`)
  put('newer.jsonl', recorded.replaceAll('{"log":1,', '{"log":2,'))
  for (const path of ['empty', 'kernels']) mkdirSync(join(folder, path))
  copyFileSync(join(root, 'examples/softmax.attn'), join(folder, 'kernels/softmax.attn'))
  const shape = [1, 8, 125, 15]
  const elements = shape.reduce((product, length) => product * length)
  const [q, k, v] = ['q', 'k', 'v'].map((name) => readFileSync(join(folder, `${name}.npy`))) as [Buffer, Buffer, Buffer]
  put('qkv.npz', zip(Object.entries({ q, k, v }).map(([name, content]) => ({ name: `${name}.npy`, content }))))
  const floats = { dtype: 'F32', shape, data_offsets: [0, elements * 4] }
  put('model.safetensors', safetensors({ 'layers.0.q': floats }, q.subarray(-elements * 4)))
  put('half.npy', readFileSync(join(folder, 'q.npy')).subarray(0, 30_000))
  put('integers.npy', npy('<i4', shape, new Uint8Array(elements * 4)))
  put('wide.npy', npy('<f8', shape, new Uint8Array(new Float64Array(elements).fill(0.1).buffer)))
  put('short.npy', npy('<f4', [1, 8, 100, 15], new Uint8Array(8 * 100 * 15 * 4)))
  put('notes.txt', 'Not a source.\n')
  put('latin.attn', Buffer.from(`// na\xefve\n${attention('latin')}`, 'latin1'))
  put('two.attn', attention('first') + attention('second'))
  put('bounded.attn', attention('bounded', ': f32 in [0, 0.5]'))
  put('wrong.attn', attention('wrong').replace('dot(q, k)', 'dot(q, k) / sqrt(size(d))').replace('softmax', 'softmx'))
  put('attention.toml', 'target = "ts"\nout = "out"\nsizes = { d = 64, e = 64 }\n')
  put('misspelt.toml', 'tagret = "ts"\n')
  put('circle.toml', 'extends = "circle.toml"\n')
  put('broken.toml', 'target =\n')
  put('ring.attn', 'import "ring_too.attn"\nfn ring(x) = x\n')
  putLongSources(put)
  put('shares.attn', 'fn stable_share[x](s) = stablemax[x](s)\n')
  put('ring_too.attn', 'import "ring.attn"\nfn ring_too(x) = x\n')
  copyFileSync(join(root, 'examples/z_score.attn'), join(folder, 'z_score_too.attn'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'attnc'))
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-docs-'))
  furnish()
  process.chdir(folder)
  await putQuickTimes()
}, 60_000)

afterAll(() => {
  process.chdir(root)
  rmSync(folder, { recursive: true, force: true })
})

test('no block is of a kind that is not tested', () => {
  const known = ['attn', 'sh', 'console', 'ts', 'js', 'json', 'text', '']
  expect(blocks.filter(({ language }) => !known.includes(language)).map(({ place }) => place)).toEqual([])
})

describe('source in', () => {
  test.each(blocksIn('attn'))('$place', async ({ text, rest }) => {
    const [, verb, code = ''] = /^(fails|warns) (ATTN\d{4})$/.exec(rest) ?? []
    if (rest !== '') expect(verb).toBeDefined()
    const { exit, err } = await attnc(['check', '-'], text)
    if (verb === undefined)
      expect({ exit, codes: codesIn(err), err }).toMatchObject({ exit: 0, codes: [], err: expect.any(String) })
    else {
      expect(codesIn(err)).toContain(code)
      expect(exit).toBe(verb === 'fails' ? 1 : 0)
    }
  })
})

const scripts: Readonly<Record<string, string>> = JSON.parse(read('package.json')).scripts

/** `npm` and its like are not run, but what they name has to be there. */
function checkForeign(line: string): void {
  for (const part of line.split('&&').map((text) => text.trim())) {
    const [, script] = /^npm run (\S+)$/.exec(part) ?? []
    const [, file] = /^npx vitest run (\S+)$/.exec(part) ?? []
    if (script !== undefined) expect(scripts).toHaveProperty([script])
    else if (file !== undefined) expect(existsSync(join(root, file))).toBe(true)
    else expect(['npm ci', 'npm test', 'npx tsc']).toContain(part)
  }
}

describe('commands in', { timeout: 60_000 }, () => {
  test.each(blocksIn('sh'))('$place', async ({ text, rest }) => {
    const [, verb, code] = /^(fails|warns) (ATTN\d{4})$/.exec(rest) ?? []
    for (const line of text.trim().split('\n')) {
      const [program, ...args] = words(line.replace(/#.*/, '').replace(/^npx /, ''))
      if (program !== 'attnc') checkForeign(line.replace(/#.*/, '').trim())
      else {
        const { exit, err } = await attnc(args)
        expect({ line, codes: codesIn(err), exit }).toMatchObject(
          code === undefined ? { exit: 0 } : { codes: expect.arrayContaining([code]) },
        )
        if (verb === 'fails') expect(exit).toBeGreaterThan(0)
        if (verb === 'warns') expect(exit).toBe(0)
      }
    }
  })

  test.each(blocksIn('console'))('$place', async ({ text }) => {
    for (const [, line = '', expected = ''] of text.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)) {
      const { out, err } = await attnc(words(line.replace(/^attnc /, '')))
      expect(`${err}${out}`.trimEnd()).toBe(expected.trimEnd())
    }
  })

  test.each(blocksIn('ts', 'json', 'text').filter(({ rest }) => rest.startsWith('from ')))(
    '$place',
    async ({ place, text, rest, language }) => {
      const { out } = await attnc(words(rest.replace(/^from attnc /, '')))
      const printed = language === 'json' ? out : excerpt(out, text)
      if (process.env.UPDATE_GOLDEN === '1' && printed !== text) {
        const path = join(root, place.replace(/:\d+$/, ''))
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace(text, () => printed),
        )
      } else expect(text).toBe(printed)
    },
  )
})

test.each(blocksIn('text').filter(({ rest }) => rest.startsWith('in ')))('$place is in its file', ({ text, rest }) => {
  expect(read(rest.slice('in '.length))).toContain(text)
})

const modules = [...blocksIn('js'), ...blocksIn('ts').filter(({ rest }) => rest === '')]
const nameOf = ({ place, language }: Block): string => `${place.replaceAll(/\W/g, '-')}.m${language}`

test.each(modules)('the module at $place runs', { timeout: 60_000 }, async (block) => {
  writeFileSync(join(folder, nameOf(block)), block.text)
  expect(await execa(process.execPath, [nameOf(block)], { cwd: folder, reject: false })).toMatchObject({
    exitCode: 0,
    stderr: '',
  })
})

test('modules of TypeScript have no errors of types', () => {
  const typed = modules.filter(({ language }) => language === 'ts')
  for (const block of typed) writeFileSync(join(folder, nameOf(block)), block.text)
  const { config } = typescript.readConfigFile(join(root, 'tsconfig.json'), typescript.sys.readFile)
  const { options } = typescript.parseJsonConfigFileContent(config, typescript.sys, root)
  const roots = typed.map((block) => join(folder, nameOf(block)))
  const typeRoots = [join(root, 'node_modules/@types')]
  const program = typescript.createProgram(roots, { ...options, typeRoots, noUnusedLocals: true })
  const found = typescript.getPreEmitDiagnostics(program)
  expect(found.map(({ file, messageText }) => `${file?.fileName} ${JSON.stringify(messageText)}`)).toEqual([])
  expect(roots.length).toBeGreaterThan(4)
})

test('the source that the README shows is that of an example', () => {
  const shown = blocksOf('README.md', read('README.md')).filter(({ language }) => language === 'attn')
  const examples = globSync('examples/*.attn', { cwd: root }).map(read)
  expect(shown.length).toBeGreaterThan(0)
  for (const { text } of shown) expect(examples.some((example) => example.includes(text.trimEnd()))).toBe(true)
})

test('the page on the language names every function of the library', () => {
  const names = [...read('compiler/std.attn').matchAll(/^fn (\w+)/gm)].map(([, name = '']) => name)
  expect(names.filter((name) => !read('docs/language.md').includes(`\`${name}`))).toEqual([])
})

test('the page on the language names every reserved word', () => {
  expect(reserved.filter((word) => !read('docs/language.md').includes(`\`${word}\``))).toEqual([])
})

describe('the page on examples', () => {
  const examples = globSync('examples/*.attn', { cwd: root }).sort()
  const rows = [
    ...read('docs/examples.md').matchAll(/^\| \[(\w+)\]\(\.\.\/(examples\/\w+\.attn)\) \| .+ \| (.+), (\d{4}) \|$/gm),
  ].map(([, name = '', path = '', authors = '', year = '']) => ({ name, path, authors, year }))

  test('has one row for each', () => {
    expect(rows.map(({ path }) => path).sort()).toEqual(examples)
    expect(rows.map(({ name }) => name)).toEqual(rows.map(({ path }) => basename(path, '.attn')))
  })

  test.each(rows)('names the paper of $name', ({ path, authors, year }) => {
    const head = read(path).replaceAll('\n/// ', ' ').split('\n')[0]
    expect(head).toMatch(new RegExp(`${authors.replace(' et al.', '')}\\b.*", ${year}`))
  })

  test('and the README count them', () => {
    expect(read('README.md')).toContain(`\`examples/\` has ${examples.length} operators`)
  })
})

// docs/command-line.md.

describe('the page on the command line', () => {
  test.each(commandNames)('names the options of %s', async (command) => {
    const { out } = await attnc([command, '--help'])
    const options = (out.match(/^ {2}(?:-\w, )?--[a-z-]+/gm) ?? []).map((option) => option.trim().replace(/^-\w, /, ''))
    expect(options.filter((option) => !read('docs/command-line.md').includes(option))).toEqual([])
  })

  test.each([
    ['check softmax.attn', 'files'],
    ['build softmax.attn --target ts -o out', 'target files'],
    ['build softmax.attn --target ts -o -', 'target files'],
    ['build softmax.attn --emit plan', 'stage source text'],
    ['run soft_cap.attn --shape i=3,j=5', 'target attention results'],
    ['verify relu_over_length.attn --shape i=2,j=3', 'results'],
    ['tune softmax.attn --target ts --show-space', 'attention target sizes parameters usual points rejected'],
    ['tune --simulate recorded.jsonl', 'results'],
    ['bench softmax.attn --target ts --shape b=1,h=1,i=8,j=8 --time 1ms', 'results'],
    ['explain ATTN0018', 'code title text'],
    ['explain softmax.attn', 'source plan explanations'],
    ['fmt --check softmax.attn', 'files'],
    ['init my_own', 'path attention files next'],
    ['doctor', 'version node system needs'],
    ['complete bash', 'shell text'],
    ['targets', 'targets'],
    ['cache dir', 'folder config'],
    ['cache ls', 'folder entries bytes limit'],
    ['cache prune', 'folder removed freed left bytes'],
    ['cache clear', 'folder removed freed left bytes'],
  ])('says what %s --json prints', async (line, members) => {
    const [command = '', ...args] = words(line)
    const { out } = await attnc([command, ...args, '--json'])
    const printed: Readonly<Record<string, unknown>> = JSON.parse(out)
    expect(printed).toMatchObject({ schemaVersion: 1, command, ok: true, exitCode: 0 })
    const common = ['schemaVersion', 'command', 'ok', 'exitCode', 'diagnostics']
    expect(Object.keys(printed)).toEqual([...common, ...members.split(' ')])
    const row =
      read('docs/command-line.md')
        .split('\n')
        .find((text) => text.startsWith(`| \`${command}\` | `)) ?? ''
    for (const member of members.split(' ')) expect(row).toContain(`\`${member}\``)
    for (const member of common) expect(read('docs/command-line.md')).toContain(`| \`${member}\` |`)
    for (const member of itemMembers(printed, members)) expect(row).toContain(`\`${member}\``)
  })
})

/** Members of the objects in a list. */
function itemMembers(printed: Readonly<Record<string, unknown>>, members: string): readonly string[] {
  const [first] = members.split(' ').flatMap((member) => printed[member] ?? [])
  return typeof first === 'object' && first !== null ? Object.keys(first) : []
}

// docs/planner.md: each weight in the table of plans is compiled.

const plans = [...read('docs/planner.md').matchAll(/^\| `([^`]+)` \| (\d(?: \+ \d)*|-) \| (.*) \|$/gm)].map(
  ([, weight = '', passes = '', state = '']) => ({
    weight,
    passes,
    state,
  }),
)

test('the page on the planner has a table of plans', () => expect(plans.length).toBeGreaterThan(12))

test.each(plans)('$weight takes $passes passes', async ({ weight, passes, state }) => {
  const { out } = await attnc(
    ['build', '-', '--emit', 'plan'],
    attention('planned').replace('softmax[j](score)', weight),
  )
  expect([...out.matchAll(/(\d) pass/g)].map(([, n]) => n).join(' + ') || '-').toBe(passes)
  expect(out.includes('materialised')).toBe(state.startsWith('materialised'))
})

// docs/errors.md.

interface Section {
  readonly code: string
  readonly title: string
  readonly blocks: readonly Block[]
}

const sections: readonly Section[] = read('docs/errors.md')
  .split(/^(?=## )/m)
  .slice(1)
  .map((text) => {
    const [, code = text, title = ''] = /^## (ATTN\d{4}) ([a-z0-9]+(?:-[a-z0-9]+)*)\n/.exec(text) ?? []
    return { code, title, blocks: blocksOf('docs/errors.md', text) }
  })

/** Codes of what no command brings about at will: a fault of ours, or one of the machine; tested elsewhere. */
const withoutExample = [
  'ATTN0327',
  'ATTN0331',
  'ATTN0341',
  'ATTN0360',
  'ATTN0361',
  'ATTN0362',
  'ATTN0373',
  'ATTN0375',
  'ATTN0399',
]

describe('the page on errors', () => {
  test('has a section for every code of the compiler, in order, and no other', () => {
    const sources = globSync('{grammar,compiler,targets,runtime,cli}/**/*.ts', { cwd: root })
    const used = new Set(sources.flatMap((path) => read(path).match(/(?<=^[^/*]*)\bATTN\d{4}\b/gm) ?? []))
    expect(sections.map(({ code }) => code)).toEqual([...used].sort())
  })

  test.each(sections)('$code has an example that fails and one that does not', ({ code, blocks }) => {
    const fails = blocks.filter(({ rest }) => /^(fails|warns) /.test(rest))
    if (withoutExample.includes(code)) expect(blocks).toEqual([])
    else {
      expect(fails.map(({ rest }) => rest.split(' ')[1])).toEqual(fails.map(() => code))
      expect(fails.length).toBeGreaterThan(0)
      expect(blocks.length).toBeGreaterThan(fails.length)
    }
  })

  test.each(sections.filter(({ code }) => !withoutExample.includes(code)))(
    '$code is called what it is called',
    async ({ code, title, blocks }) => {
      const [{ language, text } = { language: '', text: '' }] = blocks
      const args = language === 'attn' ? ['check', '-'] : words(text.trim()).slice(1)
      const { out } = await attnc([...args, '--json'], language === 'attn' ? text : '')
      const { diagnostics }: { diagnostics: readonly { code: string; title: string }[] } = JSON.parse(out)
      expect(diagnostics.find((one) => one.code === code)).toMatchObject({ title })
    },
  )

  test('explain prints a section', async () => {
    const { out } = await attnc(['explain', 'ATTN0018'])
    expect(out).toContain('block-without-value')
    expect(out).toContain('let y = x * x;')
  })
})

// Links.

const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const anchorsOf = (path: string): readonly string[] =>
  [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slug(heading))

test.each(documents)('links of %s lead somewhere', (path) => {
  const text = read(path)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  const broken = links.filter((link) => {
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : join(dirname(path), file)
    return !existsSync(join(root, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor))
  })
  expect(broken.filter((link) => !/^https?:/.test(link))).toEqual([])
})

test('no line of a document is wider than 120 columns, but for tables and blocks', () => {
  const wide = documents.flatMap((path) =>
    read(path)
      .replaceAll(/^```[\s\S]*?^```$/gm, (block) => block.replaceAll(/.+/g, ''))
      .split('\n')
      .flatMap((line, n) => (line.length > 120 && !line.startsWith('|') ? [`${path}:${n + 1}`] : [])),
  )
  expect(wide).toEqual([])
})
