import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import typescript from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderHuman } from '../grammar/diagnostic.ts'
import { reserved as wordsOfLanguage } from '../grammar/tokens.ts'
import { compile, type OutFile } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { propertyName } from '../targets/javascript-lengths.ts'
import { safeName } from '../targets/names.ts'
import { reserved } from '../targets/ts/reserved.ts'
import { attnc } from './cli-io.ts'

// What a source of a stranger may bring: names, documentation, paths. None of it may become code.

/** What a terminal obeys, or shows other text as. */
const control = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-injection-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
})
afterAll(() => rmSync(folder, { recursive: true }))

async function filesOf(text: string, path = 'a.attn'): Promise<readonly OutFile[]> {
  const compiled = await compile({ path, text }, { target: 'ts', sizes: { d: 4, e: 4 }, threads: true })
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((one) => renderHuman(one)).join('\n'))
  return compiled.value.files
}

/** What a text is to JavaScript: its tokens, without comments. */
function tokensOf({ text }: OutFile): readonly string[] {
  const found: string[] = []
  const file = typescript.createSourceFile('a.ts', text, typescript.ScriptTarget.Latest)
  const visit = (node: typescript.Node): void => {
    if (node.getChildCount(file) === 0 && node.kind !== typescript.SyntaxKind.JSDoc) found.push(node.getText(file))
    for (const child of node.getChildren(file)) if (child.kind !== typescript.SyntaxKind.JSDoc) visit(child)
  }
  visit(file)
  return found.filter((token) => token !== '')
}

const faultsOf = (paths: readonly string[]): readonly string[] => {
  const { config } = typescript.readConfigFile('tsconfig.json', typescript.sys.readFile)
  const { options } = typescript.parseJsonConfigFileContent(config, typescript.sys, process.cwd())
  const program = typescript.createProgram([...paths], { ...options, types: [] })
  return typescript
    .getPreEmitDiagnostics(program)
    .map(({ file, start, messageText }) => `${file && basename(file.fileName)}:${start} ${JSON.stringify(messageText)}`)
}

async function importOf(
  files: readonly OutFile[],
  name: string,
): Promise<Readonly<Record<string, (...args: never) => unknown>>> {
  for (const { path, text } of files) {
    const to = `${name}${/(\.d\.ts|\.ts|\.js)$/.exec(path)?.[0]}`
    writeFileSync(join(folder, to), text)
  }
  return import(pathToFileURL(join(folder, `${name}.js`)).href)
}

describe('documentation', () => {
  const source = (doc: string, comment: string): string => `/// ${doc}
attention a {
  /// ${doc}
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e] // ${comment}
  /// ${doc}
  param scale = 1.0
  /// ${doc}
  let   scaled = scale * dot(q, k)
  score     = scaled // ${comment}
  normalize = softmax[j](score)
  /// ${doc}
  output lse = logsumexp[j](score)
}
`
  const planted = 'globalThis.planted = true'
  test.each([
    `*/ ${planted} /*`,
    `*\\/ ${planted} /*`,
    `**/ ${planted} /**`,
    `* / ${planted}`,
    `\\`,
    `*/\\u000a${planted}//`,
    `\\u002a\\u002f ${planted}`,
    `\u2028${planted}\u2029${planted}`,
    `\u0085${planted}\u000b${planted}\u000c${planted}`,
    `\u202e*/ ${planted}`,
    `\${${planted}} \`${planted}\` '${planted}' "${planted}"`,
    `</script><script>${planted}</script>`,
    `<!-- ${planted}\u2028--> ${planted}`,
    `@ts-nocheck`,
    `@ts-ignore */ // @ts-nocheck`,
    `# sourceMappingURL=data:application/json,{}`,
    `<reference path="/etc/passwd" />`,
    `uses Tensor, measure, runKernel and makeWord`,
  ])('%j stays documentation', async (text) => {
    const [hostile, harmless] = [await filesOf(source(text, text)), await filesOf(source('text', 'text'))]
    for (const [n, file] of hostile.entries()) expect(tokensOf(file)).toEqual(tokensOf(harmless[n]!))
    const [main] = hostile
    expect(main?.text.match(/^\s*\/\/.*@ts-/m)).toBeNull()
    await importOf(hostile, 'documented')
    expect('planted' in globalThis).toBe(false)
  })
})

describe('the name of a file', () => {
  const source = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`
  const planted = 'globalThis.planted = true'
  const names = [
    `a\n${planted}\n.attn`,
    `a\r${planted}.attn`,
    `a\u2028${planted}.attn`,
    `*/ ${planted} /*.attn`,
    `"'\`\${${planted}}.attn`,
    `a\\n${planted}\\.attn`,
    `-o.attn`,
    `a b  c.attn`,
    `$(touch planted).attn`,
    `; touch planted;.attn`,
    `\x1b]0;planted\x07.attn`,
    `é注\u202e.attn`,
    `${'long'.repeat(50)}.attn`,
    `.attn`,
  ]

  test.each(names)('%j stays a name', async (name) => {
    const [hostile, harmless] = [await filesOf(source, name), await filesOf(source, 'a.attn')]
    for (const [n, file] of hostile.entries()) expect(tokensOf(file)).toEqual(tokensOf(harmless[n]!))
    expect(hostile.map(({ path }) => path.includes('/'))).toEqual([false, false, false])
    await importOf(hostile, 'named')
    expect('planted' in globalThis).toBe(false)
  })

  test.each(names.filter((name) => !name.includes('/')))('%j is built, run, and kept', async (name) => {
    const work = mkdtempSync(join(folder, 'work-'))
    const saved = process.env.ATTNC_CACHE_DIR
    process.env.ATTNC_CACHE_DIR = join(work, 'cache')
    try {
      writeFileSync(join(work, name), source)
      const path = join(work, name)
      const built = await attnc(['build', path, '--target', 'ts', '-o', join(work, 'out')])
      expect(built).toMatchObject({ exit: 0, err: '' })
      expect(built.out).not.toMatch(control)
      expect(built.out.trimEnd().split('\n').length).toBe(3)
      const base = name.replace(/\.attn$/, '').replace(/^.*\\/, '') || 'attention' // a backslash separates folders elsewhere
      expect(readdirSync(join(work, 'out')).sort()).toEqual(
        ['.d.ts', '.js', '.ts'].map((end) => `${base}${end}`).sort(),
      )
      for (const _round of [1, 2])
        expect(await attnc(['run', path, '--target', 'ts', '--shape', 'i=2,j=3,d=4,e=4'])).toMatchObject({
          exit: 0,
          err: '',
        })
      expect(readdirSync(work).sort()).toEqual([name, 'cache', 'out'].sort())
      writeFileSync(path, source.replace('softmax', 'softmx'))
      const { err } = await attnc(['check', path])
      expect(err).toContain('ATTN0101')
      expect(err).not.toMatch(control)
      expect(err.split('\n').filter((line) => line.startsWith('globalThis'))).toEqual([])
    } finally {
      process.env.ATTNC_CACHE_DIR = saved
    }
  })
})

describe('names', () => {
  const foreign = `abs accessor alignas asm atomic auto bool char compute_cap const_cast constexpr cuda device discard do double
    extern f16 fallthrough float fn_ global goto half inline int kernel long mutable namespace nullptr operator override
    ptr register restrict sampler self shared short signed sizeof static_assert storage struct template texture thread
    typedef typename uniform union unsigned using vec2 virtual void volatile wchar_t workgroup
    __attribute__ __restrict__ __global__ __shared__ __device__ blockIdx threadIdx warpSize
    __proto__ __proto prototype constructor toString valueOf hasOwnProperty then toJSON length name caller
    eval arguments undefined NaN Infinity globalThis window self require module exports process Buffer Symbol Proxy Reflect
    inputs options results given params into own kernels threadCode part full empty row_max acc total any factor
    i0 iSize iCount jEnd qData QInputs _ __ a_ a__`
  const words = [...new Set([...reserved, ...foreign.split(/\s+/)])].filter(
    (word) =>
      /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(word) &&
      ![...wordsOfLanguage, 'a', 'b', 'd', 'e', 'h', 'i', 'j', 'q', 'k', 'v'].includes(word),
  )

  /** An attention in which every word has one of the roles that a name can have; `nth` says which. */
  function source(own: readonly string[], nth: number, name: (word: string) => string): string {
    const of = (role: number): readonly string[] => own.filter((_word, n) => (n + nth) % 6 === role).map(name)
    const [inputs, params, lets, outputs, axes, functions] = [of(0), of(1), of(2), of(3), of(4), of(5)]
    const list = (parts: readonly string[], between: string): string => (parts.length > 0 ? parts.join(between) : '0.0')
    return `${functions.map((fn) => `fn ${fn}(x) = x + 1.0`).join('\n')}
attention ${name(own[nth % own.length] ?? 'a')}_ {
  ${axes.map((axis) => `axis ${axis} = 2`).join('\n  ')}
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  ${inputs.map((input, n) => `input ${input}[h, ${axes[n % axes.length]}]`).join('\n  ')}
  ${params.map((param) => `param ${param} = 0.5`).join('\n  ')}
  ${lets.map((one, n) => `let ${one} = ${params[n % params.length]} * dot(q, k)`).join('\n  ')}
  let all_inputs = ${list(
    inputs.map((input, n) => `sum[${axes[n % axes.length]}](${input})`),
    ' + ',
  )}
  let all_lets = ${list(lets, ' + ')}
  score     = ${functions.reduce((inner, fn) => `${fn}(${inner})`, 'all_lets + all_inputs')}
  normalize = softmax[j](score)
  ${outputs.map((output) => `output ${output} = logsumexp[j](score)`).join('\n  ')}
}
`
  }

  const chunks = Array.from({ length: Math.ceil(words.length / 60) }, (_, n) => words.slice(60 * n, 60 * n + 60))
  const cases = chunks.flatMap((own, n) => [0, 1, 2, 3, 4, 5].map((nth) => ({ own, nth, title: `${n}-${nth}` })))
  const written: string[] = []

  test.each(cases)(
    'that targets have uses for are names as any ($title)',
    { timeout: 60_000 },
    async ({ own, nth }) => {
      const plain = new Map(own.map((word, n) => [word, `w${n}`]))
      const hostile = await importOf(await filesOf(source(own, nth, (word) => word)), `names-${written.length}`)
      const harmless = await importOf(
        await filesOf(source(own, nth, (word) => plain.get(word) ?? word)),
        `plain-${written.length}`,
      )
      written.push(join(folder, `names-${written.length}.ts`))
      const tensor = (shape: readonly number[]) => ({
        shape,
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(n)),
      })
      const common = { q: tensor([1, 2, 3, 4]), k: tensor([1, 2, 5, 4]), v: tensor([1, 2, 5, 4]) }
      const given = (name: (word: string) => string) => ({
        ...common,
        ...Object.fromEntries(
          own.filter((_w, n) => (n + nth) % 6 === 0).map((word) => [propertyName(name(word)), tensor([2, 2])]),
        ),
      })
      const head = own[nth % own.length] ?? ''
      const run = hostile[safeName(`${head}_`, reserved)] as (
        inputs: object,
      ) => Readonly<Record<string, { data: Float32Array }>>
      const want = harmless[`${plain.get(head)}_`] as typeof run
      const [results, expected] = [run(given((word) => word)), want(given((word) => plain.get(word) ?? word))]
      expect(results.out?.data).toEqual(expected.out?.data)
      const outputs = own.filter((_w, n) => (n + nth) % 6 === 3)
      expect(outputs.length).toBeGreaterThan(0)
      for (const word of outputs)
        expect(results[propertyName(word)]?.data).toEqual(expected[plain.get(word) ?? '']?.data)
    },
  )

  test('are so to the type checker, too', { timeout: 60_000 }, () => {
    expect(written.length).toBe(cases.length)
    expect(faultsOf(written)).toEqual([])
  })

  test('are all that a name can be', async () => {
    for (const name of ['a-b', 'a.b', 'a$b', 'é', '1a', '"a"', 'a\u200d', `a${'b'.repeat(64)}`, '#a', '@a', 'a`'])
      expect((await attnc(['check', '-'], `fn ${name}(x) = x\n`)).exit).toBe(1)
  })
})

describe('an import', () => {
  const at = (...names: readonly string[]): string => join(folder, 'imports', ...names)
  beforeAll(async () => {
    for (const path of ['project/src', 'project/lib', 'other/lib']) mkdirSync(at(path), { recursive: true })
    writeFileSync(at('project/package.json'), '{}')
    for (const path of ['project/lib/x.attn', 'other/lib/x.attn', 'other/secret.attn'])
      writeFileSync(at(path), 'fn f(x) = x\n')
    symlinkSync('../other', at('project/away'))
    symlinkSync('../../other/secret.attn', at('project/src/file.attn'))
    symlinkSync('file.attn', at('project/src/twice.attn'))
    symlinkSync('/etc/passwd', at('project/src/passwd.attn'))
    symlinkSync('../away/lib', at('project/src/folder'))
    symlinkSync('loop.attn', at('project/src/loop.attn'))
    symlinkSync('../lib', at('project/src/near'))
    symlinkSync('../project/lib', at('other/back'))
    await execa('mkfifo', [at('project/src/pipe.attn')])
  })

  test.each([
    ['../away/secret.attn', 'outside'],
    ['../away/lib/x.attn', 'outside'],
    ['file.attn', 'outside'],
    ['twice.attn', 'outside'],
    ['passwd.attn', 'outside'],
    ['folder/x.attn', 'outside'],
    ['folder/../secret.attn', 'no such file'],
    ['../../other/secret.attn', 'outside'],
    ['../src/../../other/lib/x.attn', 'outside'],
    ['loop.attn', 'too many symbolic links'],
    ['pipe.attn', 'plain file'],
    ['near', '.attn'],
    ['../lib', '.attn'],
  ])('of %j is refused', (path, why) => {
    const file = { path: at('project/src/main.attn'), text: '' }
    expect(importReader(file)(file, path)).toEqual({ problem: expect.stringContaining(why) })
  })

  test.each(['near/x.attn', '../lib/x.attn', '../away/back/x.attn'])('of %j stays below the root', (path) => {
    const file = { path: at('project/src/main.attn'), text: '' }
    expect(importReader(file)(file, path)).toMatchObject({ text: 'fn f(x) = x\n' })
  })

  test.each([
    `*/ planted /*.attn`,
    `a\u2028planted.attn`,
    `\\n.attn`,
    `$(planted).attn`,
    `'; planted;'.attn`,
    `\x1b[2J.attn`,
  ])('from %j is an error that shows it harmlessly', async (path) => {
    const { exit, err } = await attnc(['check', '-'], `import "${path}"\nfn g(x) = x\n`)
    expect(exit).toBe(1)
    expect(err).not.toMatch(control)
  })
})
