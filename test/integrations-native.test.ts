import { appendFileSync, cpSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Embedding, embed, printedBy } from './packed.ts'

const cxx = process.env.ATTNC_TESTS_CXX || 'g++'
const lacking = async (...tools: readonly string[]): Promise<string | undefined> => {
  for (const tool of tools)
    if ((await execa(tool, ['--version'], { reject: false })).failed) return `no ${tool} on this machine`
  return undefined
}
const [noMake, noCMake, noNinja] = await Promise.all([
  lacking('make', 'cc', cxx),
  lacking('cmake', 'make', 'cc', cxx),
  lacking('cmake', 'ninja', 'cc', cxx),
])

const output = 'capped 3.000\nplain 3.000'
const minutes = 60_000

let embedding: Embedding
const at = (...path: readonly string[]): string => join(embedding.folder, ...path)
const read = (path: string): string => readFileSync(at(path), 'utf8')
const timesOf = (...paths: readonly string[]): readonly number[] => paths.map((path) => statSync(at(path)).mtimeMs)

/** Newer than all that was made until now, also where times are whole seconds, and older than what is made of it. */
async function touch(path: string): Promise<void> {
  await setTimeout(1000)
  const now = new Date()
  utimesSync(at(path), now, now)
}

/** A fault in a file that two sources import or do not; then what was there before. */
async function withFault<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = read(path)
  appendFileSync(at(path), 'fn wrong(x) = x +\n')
  await touch(path)
  try {
    return await work()
  } finally {
    writeFileSync(at(path), before)
  }
}

beforeAll(async () => {
  embedding = await embed('é project')
  // CMake refuses such names, or writes files that Make and Ninja cannot read.
  for (const part of ['make', 'kernels']) cpSync(at(part), at('# $', part), { recursive: true })
}, 2 * minutes)
afterAll(() => embedding.remove())

// In the C locale, CMake misreads dependency files with letters beyond ASCII, and builds again.
const env = { CXX: cxx, CXXFLAGS: '-O0', LC_ALL: 'C.UTF-8' }

describe.skipIf(noMake !== undefined)(
  `make${noMake === undefined ? '' : `: ${noMake}`}`,
  { timeout: 3 * minutes },
  () => {
    const make = (...args: readonly string[]) =>
      execa('make', [...args], {
        cwd: at('# $/make'),
        env: { ...env, ATTNC: `${process.execPath} ../../node_modules/attnc/bin/attnc.js` },
        reject: false,
      })

    test('builds what runs, once', async () => {
      expect(await make('-j2')).toMatchObject({ exitCode: 0 })
      expect((await execa(at('# $/make/app'))).stdout).toBe(output)
      expect(await make('-q')).toMatchObject({ exitCode: 0 })
      expect((await make()).stdout).toContain("'app' is up to date")
    })

    test('builds again what imports a file that was touched, and nothing else', async () => {
      const others = timesOf('# $/make/gen/plain.cc', '# $/make/gen/plain.o')
      await touch('# $/kernels/shapes.attn')
      const { stdout } = await make()
      expect(stdout.match(/attnc\.js build \S+/g)).toEqual(['attnc.js build ../kernels/capped.attn'])
      expect(timesOf('# $/make/gen/plain.cc', '# $/make/gen/plain.o')).toEqual(others)
    })

    test('shows what is wrong, and fails', async () => {
      const { exitCode, stderr } = await withFault('# $/kernels/shapes.attn', () => make())
      expect(exitCode).toBe(2)
      expect(stderr).toContain('--> ../kernels/shapes.attn:3:')
      expect(stderr).toContain('3 | fn wrong(x) = x +')
      expect(await make()).toMatchObject({ exitCode: 0 })
    })
  },
)

describe.each([
  ['Ninja', noNinja],
  ['Unix Makefiles', noCMake],
] as const)('cmake with %s', { timeout: 4 * minutes }, (generator, missing) => {
  const build = `cmake/build é ${generator}`
  const cmake = (...args: readonly string[]) =>
    execa('cmake', args, { cwd: at('cmake'), env: { ...env, CXXFLAGS: '' }, reject: false })
  const run = () => cmake('--build', at(build))
  const skip = missing !== undefined

  test.skipIf(skip)(`builds what runs, once${skip ? `: ${missing}` : ''}`, async () => {
    const { stdout: dir } = await execa(process.execPath, [embedding.bin, 'cmake-dir'])
    const flags = [`-Dattnc_DIR=${dir}`, `-DATTNC_NODE=${process.execPath}`, '-DATTNC_CXX_FLAGS=-O0']
    expect(await cmake('-S', '.', '-B', at(build), '-G', generator, ...flags)).toMatchObject({ exitCode: 0 })
    expect(await run()).toMatchObject({ exitCode: 0 })
    expect((await execa(at(build, 'app'))).stdout).toBe(output)
    const made = timesOf(join(build, 'attnc/kernels/capped.cc'))
    const again = await run()
    expect(again.stdout).not.toMatch(/attnc native|Building|Linking/)
    if (generator === 'Ninja') expect(again.stdout).toContain('no work to do')
    expect(timesOf(join(build, 'attnc/kernels/capped.cc'))).toEqual(made)
  })

  test.skipIf(skip)('builds again what imports a file that was touched, and nothing else', async () => {
    await touch('kernels/shapes.attn')
    const { stdout } = await run()
    expect(stdout.match(/attnc native \w+/g)).toEqual(['attnc native capped'])
    expect((await run()).stdout).not.toContain('attnc native')
  })

  test.skipIf(skip)('shows what is wrong, and fails', async () => {
    const { exitCode, stdout, stderr } = await withFault('kernels/shapes.attn', run)
    expect(exitCode).not.toBe(0)
    expect(`${stdout}${stderr}`).toContain('shapes.attn:3:')
    expect(await run()).toMatchObject({ exitCode: 0 })
  })
})

describe('what attnc init writes', { timeout: 2 * minutes }, () => {
  const init = (...args: readonly string[]) =>
    execa(process.execPath, [embedding.bin, 'init', ...args], { cwd: embedding.folder })

  test.skipIf(noMake)(
    `for C is built by make, once, and runs${noMake === undefined ? '' : `: ${noMake}`}`,
    async () => {
      await init('from c', '--for', 'c', '--template', 'normalizer')
      const attnc = { ATTNC: `${process.execPath} ../node_modules/attnc/bin/attnc.js` }
      const make = (...args: readonly string[]) =>
        execa('make', args, { cwd: at('from c'), env: { ...env, ...attnc }, reject: false })
      expect(await make('-j2')).toMatchObject({ exitCode: 0, stderr: '' })
      expect((await execa(at('from c/app'))).stdout).toBe(printedBy('normalizer', read('from c/normalizer.attn')))
      expect(await make('-q')).toMatchObject({ exitCode: 0 })
      await touch('from c/attnc.config.toml')
      expect((await make('-q')).exitCode).toBe(1)
      await make('clean')
      expect(existsSync(at('from c/app'))).toBe(false)
    },
  )

  test.skipIf(noCMake)(`for CMake is built, and runs${noCMake === undefined ? '' : `: ${noCMake}`}`, async () => {
    const { stdout } = await init('from cmake', '--for', 'cmake', '--template', 'sigmoid', '--json')
    const { next }: { next: readonly string[] } = JSON.parse(stdout)
    // The commands that it prints, but for those of npm: what they would install is there.
    const commands = next
      .filter((line) => !/^np[mx] /.test(line))
      .map((line) => line.replace('npx attnc', '"$NODE" "$ATTNC"'))
    expect(commands.length).toBeGreaterThan(3)
    const flags = { CXXFLAGS: '', NODE: process.execPath, ATTNC: embedding.bin }
    const cmake = commands.map((line) =>
      line.replace('cmake -B', 'cmake "-DATTNC_NODE=$NODE" -DATTNC_CXX_FLAGS=-O0 -B'),
    )
    const ran = await execa('sh', ['-ec', cmake.join('\n')], {
      cwd: embedding.folder,
      env: { ...env, ...flags },
      reject: false,
    })
    expect(ran).toMatchObject({ exitCode: 0 })
    expect(ran.stdout.split('\n').at(-1)).toBe(printedBy('sigmoid', read('from cmake/sigmoid.attn')))
  })
})

describe.skipIf(noCMake !== undefined)('cmake says what is wrong where', { timeout: minutes }, () => {
  const configure = async (lines: string): Promise<string> => {
    const project = `cmake_minimum_required(VERSION 3.21)\nproject(x LANGUAGES NONE)\nfind_package(attnc CONFIG REQUIRED)\n${lines}\n`
    const { stdout: dir } = await execa(process.execPath, [embedding.bin, 'cmake-dir'])
    writeFileSync(at('CMakeLists.txt'), project)
    const flags = [`-Dattnc_DIR=${dir}`, `-DATTNC_NODE=${process.execPath}`]
    const { exitCode, stderr } = await execa('cmake', ['-S', '.', '-B', 'out', ...flags], {
      cwd: embedding.folder,
      reject: false,
    })
    expect(exitCode).toBe(1)
    return stderr.replaceAll(/\s+/g, ' ')
  }

  test.each([
    ['attnc_add_library(k TARGETS native)', 'attnc_add_library(k) has no SOURCES'],
    ['attnc_add_library(k SOURCES a.attn)', 'attnc_add_library(k) has no TARGETS: native, cuda, or both'],
    ['attnc_add_library(k TARGETS wgsl SOURCES a.attn)', "no target 'wgsl', TARGETS takes native and cuda"],
    ['attnc_add_library(k SHARED TARGETS native SOURCES a.attn)', "what is 'SHARED'?"],
  ])('%s', async (line, message) => {
    expect(await configure(line)).toContain(message)
    expect(existsSync(at('out/attnc'))).toBe(false)
  })
})
