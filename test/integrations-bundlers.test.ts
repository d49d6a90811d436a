import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultOf } from '../integrations/bundlers.ts'
import { parseId } from '../integrations/module.ts'
import { type Embedding, embed, printedBy } from './packed.ts'

const minutes = 60_000
const output = 'capped of q,k,v: 3.000\n@compute'

let embedding: Embedding
const at = (...path: readonly string[]): string => join(embedding.folder, ...path)
const read = (path: string): string => readFileSync(at(path), 'utf8')
const node = (folder: string, ...args: readonly string[]) =>
  execa(process.execPath, args, { cwd: at(folder), reject: false })

const shapes = 'kernels/shapes.attn'
/** What the page of a bundle shows in its element `#result`. */
async function shownBy(bundle: string): Promise<string> {
  const page = `globalThis.document = { querySelector: () => page, createElement: () => ({}) , querySelectorAll: () => [] }
    const page = {}; globalThis.MutationObserver = class { observe() {} }
    await import(${JSON.stringify(pathToFileURL(at(bundle)).href)}); console.log(page.textContent)`
  return (await node('.', '--input-type=module', '--eval', page)).stdout
}

/** A change of the imported file, for as long as the work takes. */
async function changed<T>(change: (text: string) => string, work: () => Promise<T>): Promise<T> {
  const before = read(shapes)
  writeFileSync(at(shapes), change(before))
  try {
    return await work()
  } finally {
    writeFileSync(at(shapes), before)
  }
}
const lower = (text: string): string => text.replaceAll('30', '15')
const broken = (text: string): string => `${text}fn wrong(x) = x +\n`

beforeAll(async () => {
  embedding = await embed('a $é project')
  mkdirSync(at('rolldown'))
  writeFileSync(at('rolldown/build.js'), read('rollup/build.js').replaceAll('rollup', 'rolldown'))
  writeFileSync(at('rolldown/package.json'), read('rollup/package.json'))
}, 2 * minutes)
afterAll(() => embedding.remove())

describe.each([
  ['rollup', 'main.js'],
  ['rolldown', 'main.js'],
  ['webpack', 'main.cjs'],
  ['esbuild', 'main.js'],
] as const)('%s', { timeout: 2 * minutes }, (bundler, file) => {
  const bundle = (): string => read(`${bundler}/dist/${file}`)

  test('bundles what runs, the same each time', async () => {
    expect(await node(bundler, 'build.js')).toMatchObject({ exitCode: 0 })
    expect((await node(bundler, `dist/${file}`)).stdout).toBe(output)
    const first = bundle()
    await node(bundler, 'build.js')
    expect(bundle()).toBe(first)
  })

  test('takes what an import has changed', async () => {
    expect(bundle()).not.toContain('15 * ')
    await changed(lower, () => node(bundler, 'build.js'))
    expect(bundle()).toContain('15 * ')
  })

  test('shows a fault of an import with its place and lines', async () => {
    const { exitCode, stderr } = await changed(broken, () => node(bundler, 'build.js'))
    expect(exitCode).toBe(1)
    expect(stderr).toContain("error[ATTN0011]: expected an expression after '+'")
    expect(stderr).toMatch(/kernels\/shapes\.attn:3:18/)
    expect(stderr).toContain('3 | fn wrong(x) = x +')
    expect(stderr).not.toMatch(/Module parse failed|No loader is configured|No matching export/)
  })
})

describe('vite', { timeout: 3 * minutes }, () => {
  const vite = join('..', 'node_modules/vite/bin/vite.js')
  const tsc = join('..', 'node_modules/typescript/bin/tsc')

  test('builds a page that runs, and writes types that hold', async () => {
    expect(await node('vite', vite, 'build')).toMatchObject({ exitCode: 0 })
    const [bundle = ''] = globSync('vite/dist/assets/*.js', { cwd: embedding.folder })
    expect(await shownBy(bundle)).toBe('The mean of 0 .. 6 is 3.000')
    const imports = `import { capped } from '../kernels/capped.attn'
      import shader from '../kernels/capped.attn?wgsl'
      import meta from '../kernels/capped.attn?meta'`
    writeFileSync(
      at('vite/more.ts'),
      `${imports}
      export const all: [string, readonly string[], unknown] = [shader, meta.attentions.map(({ name }) => name), capped]\n`,
    )
    expect(await node('vite', tsc)).toMatchObject({ exitCode: 0, stdout: '' })
    writeFileSync(at('vite/more.ts'), `${imports}\ncapped({ q: 1 })\nshader.attentions\nmeta.length\n`)
    const { stdout } = await node('vite', tsc)
    expect(stdout.match(/^more\.ts\(\d/gm)).toEqual(['more.ts(4', 'more.ts(5', 'more.ts(6'])
    rmSync(at('vite/more.ts'))
  })

  describe('as a server', () => {
    let server: ViteDevServer
    let told: { readonly type: string }[]
    beforeAll(async () => {
      server = await createServer({ root: at('vite'), logLevel: 'silent', server: { port: 0, host: '127.0.0.1' } })
      await server.listen()
      const { hot } = server.environments.client
      const send = hot.send.bind(hot)
      hot.send = (...args: readonly unknown[]) => {
        const [payload] = args
        if (typeof payload === 'object' && payload !== null) told.push(payload as { type: string })
        send(...(args as [never]))
      }
    }, minutes)
    afterAll(() => server.close())

    const address = (path: string): string => `${server.resolvedUrls?.local[0]}${path}`
    const until = async (type: string): Promise<void> => {
      while (!told.some((one) => one.type === type)) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const urlOf = async (): Promise<string> => {
      const { code = '' } = (await server.environments.client.transformRequest('/mean.ts')) ?? {}
      return /"(\/[^"]*capped\.attn[^"]*)"/.exec(code)?.[1] ?? ''
    }

    test('gives modules, and what an import has changed', async () => {
      told = []
      await server.environments.client.transformRequest('/main.ts')
      const url = await urlOf()
      const text = async (): Promise<string> => (await fetch(address(url.slice(1)))).text()
      const before = await text()
      expect(before).toContain('export function capped(')
      await changed(lower, async () => {
        await until('full-reload')
        expect(await text()).not.toBe(before)
      })
    })

    test('shows a fault over the page with its place and lines', async () => {
      told = []
      const url = await urlOf()
      await changed(broken, async () => {
        await until('full-reload')
        const response = await fetch(address(url.slice(1)), { headers: { accept: 'text/html' } })
        expect(response.status).toBe(500)
        await until('error')
      })
      const shown = JSON.stringify(told.find(({ type }) => type === 'error'))
      expect(JSON.parse(shown)).toMatchObject({
        err: {
          message: "error[ATTN0011]: expected an expression after '+'",
          plugin: 'attnc',
          loc: { file: at(shapes), line: 3, column: 17 },
          frame: expect.stringContaining('3 | fn wrong(x) = x +'),
        },
      })
    })
  })
})

describe('node --import attnc/register', { timeout: minutes }, () => {
  const start = () => node('node', '--import', 'attnc/register', '../app/main.js')

  test('runs, also from the cache, and takes what an import has changed', async () => {
    for (let n = 0; n < 2; n++) expect(await start()).toMatchObject({ exitCode: 0, stdout: output, stderr: '' })
    expect(await changed(lower, start)).toMatchObject({ exitCode: 0, stdout: output })
  })

  test('shows what is wrong with a source that is imported', async () => {
    const { exitCode, stderr } = await changed(broken, start)
    expect(exitCode).toBe(1)
    expect(stderr).toContain("AttncError: error[ATTN0011]: expected an expression after '+'")
    expect(stderr).toContain('--> ../kernels/shapes.attn:3:18')
  })

  test('says which module is not there', async () => {
    const { stderr } = await node('node', '--import', 'attnc/register', '--eval', "await import('./none.attn')")
    expect(stderr).toContain('ERR_MODULE_NOT_FOUND')
  })
})

describe('what attnc init writes', { timeout: 2 * minutes }, () => {
  const npm = (folder: string, ...args: readonly string[]) =>
    execa('npm', [...args, '--silent'], { cwd: at(folder), reject: false })
  const init = (...args: readonly string[]) => node('.', embedding.bin, 'init', ...args)

  test('for vite is built, with types that hold, and runs', async () => {
    expect(await init('new page', '--for', 'vite', '--template', 'alibi')).toMatchObject({ exitCode: 0 })
    expect(await npm('new page', 'run', 'build')).toMatchObject({ exitCode: 0 })
    const [bundle = ''] = globSync('new page/dist/assets/*.js', { cwd: embedding.folder })
    expect(await shownBy(bundle)).toBe(printedBy('alibi', read('new page/alibi.attn')))
  })

  test('for node runs', async () => {
    expect(await init('server', '--for', 'node', '--template', 'sliding_window')).toMatchObject({ exitCode: 0 })
    const { stdout } = await npm('server', 'start')
    expect(stdout).toBe(printedBy('sliding_window', read('server/sliding_window.attn')))
  })

  test('asks for packages in versions that it was tried with', async () => {
    const { devDependencies } = JSON.parse(read('new page/package.json'))
    for (const [name, range] of Object.entries<string>(devDependencies)) {
      const { version } = JSON.parse(read(`node_modules/${name}/package.json`))
      expect(`${name} ${version}`).toMatch(
        new RegExp(`^${name} ${/\d+(\.\d+(?=\.))?/.exec(range)?.[0].replace('.0', '')}\\.`),
      )
    }
  })
})

describe('a plugin in a tool that it is not for', { timeout: minutes }, () => {
  test.each([
    ['vite', { name: 'vite', version: '8.3.8' }, undefined],
    ['vite', { name: 'vite', version: '7.0.0-beta.1' }, undefined],
    ['vite', { name: 'vite', version: '6.4.1' }, 'attnc needs vite 7 or newer, and this is 6.4.1'],
    ['vite', { name: 'vite' }, 'attnc needs vite 7 or newer, and this is an older one'],
    [
      'vite',
      { name: 'rollup', version: '4.60.0' },
      'attnc/vite is for vite, and this is rollup; rollup takes attnc/rollup',
    ],
    ['rollup', { name: 'rollup', version: '3.29.0' }, 'attnc needs rollup 4 or newer, and this is 3.29.0'],
    ['esbuild', { name: 'esbuild', version: '0.28.2' }, undefined],
    ['esbuild', { name: 'esbuild', version: '0.24.9' }, 'attnc needs esbuild 0.25 or newer, and this is 0.24.9'],
    ['esbuild', { name: 'esbuild', version: '1.0.0' }, undefined],
    ['webpack', { name: 'webpack', version: '4.47.0' }, 'attnc needs webpack 5 or newer, and this is 4.47.0'],
  ] as const)('%s in %j', (wanted, found, message) => {
    expect(faultOf(wanted, found)).toBe(message)
  })

  test('is said by the tool', async () => {
    writeFileSync(at('rollup/wrong.js'), read('rollup/build.js').replace('attnc/rollup', 'attnc/vite'))
    expect((await node('rollup', 'wrong.js')).stderr).toContain('attnc/vite is for vite, and this is rollup')
    writeFileSync(at('vite/wrong.config.js'), "import attn from 'attnc/rollup'\nexport default { plugins: [attn()] }\n")
    const { stderr } = await node('vite', '../node_modules/vite/bin/vite.js', 'build', '-c', 'wrong.config.js')
    expect(stderr).toContain('attnc/rollup is for rollup, and this is vite; vite takes attnc/vite')
    const bare = "import attn from 'attnc/webpack'\nattn().apply({})"
    expect((await node('webpack', '--input-type=module', '--eval', bare)).stderr).toContain(
      'attnc/webpack is for webpack 5',
    )
  })
})

test.each([
  ['/a/b.attn', { path: '/a/b.attn', query: '' }],
  ['/a/b.attn?wgsl', { path: '/a/b.attn', query: 'wgsl' }],
  ['/a ?#/b.attn?meta', { path: '/a ?#/b.attn', query: 'meta' }],
  ['/a/b.attn?url', undefined],
  ['/a/b.attn.js', undefined],
])('%s is asked for as it is', (id, asked) => {
  expect(parseId(id)).toEqual(asked)
})
