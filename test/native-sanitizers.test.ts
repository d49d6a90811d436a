/** Generated C++ and the loader's pool under the sanitizers of the compiler, as programs of C++ without Node. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StorageType } from '../compiler/attention.ts'
import type { Program } from '../compiler/kernel.ts'
import { findCompiler } from '../runtime/native/compiler.ts'
import { entryOf } from '../targets/native/entry.ts'
import { native } from '../targets/native/target.ts'
import { withCompiler } from './native-build.ts'
import { softmaxProgram } from './ts-programs.ts'
import { admitted, columns, gathered, materialised, rounds } from './ts-shapes.ts'

type Numbers = Readonly<Record<string, readonly number[]>>
interface Lengths {
  readonly program: Program
  readonly lengths: readonly Readonly<Record<string, number>>[]
  readonly numbers?: Numbers // of i32 inputs
}

const softmax = (d: number, e: number, causal: boolean, storage: StorageType = 'f32'): Program => ({
  ...softmaxProgram({ d, e, ti: 8, tj: 8, causal }, storage),
  name: `softmax_${storage}_${d}${causal ? '_causal' : ''}`,
})
const square = [
  { b: 1, h: 2, i: 0, j: 5 },
  { b: 1, h: 1, i: 5, j: 0 },
  { b: 1, h: 2, i: 7, j: 9 },
  { b: 2, h: 1, i: 19, j: 35 },
]
const table = [-5, -1, 0, 1, 2, 3, 4, 2147483647, -2147483648]

/** One of each kind of plan, and of each type of storage. */
const kinds: readonly Lengths[] = [
  { program: softmax(16, 3, true), lengths: square },
  { program: softmax(72, 64, false), lengths: square.slice(2) },
  { program: softmax(16, 16, false, 'f16'), lengths: square.slice(2) },
  { program: softmax(3, 16, true, 'bf16'), lengths: square.slice(2) },
  {
    program: materialised(3),
    lengths: [
      { i: 0, j: 2 },
      { i: 3, j: 5 },
    ],
  }, // prettier-ignore
  {
    program: rounds(),
    lengths: [
      { i: 1, j: 1 },
      { i: 5, j: 9 },
    ],
  }, // prettier-ignore
  {
    program: gathered(),
    lengths: [
      { j: 9, p: 3 },
      { j: 4, p: 0 },
    ],
    numbers: { table },
  }, // prettier-ignore
  { program: { ...gathered('bf16'), name: 'pick16' }, lengths: [{ j: 9, p: 3 }], numbers: { table } },
  { program: { ...gathered('f16'), name: 'pickhalf' }, lengths: [{ j: 9, p: 3 }], numbers: { table } },
  { program: columns(2), lengths: [{ i: 5, j: 9, x: 9 }], numbers: { doc: [0, 0, 1, 1, 1, 2, 2, 5, 5] } },
  {
    program: admitted(),
    lengths: [
      { i: 9, j: 5 },
      { i: 12, j: 13 },
    ],
  }, // prettier-ignore
]

const missing = withCompiler()
const root = resolve(import.meta.dirname, '..')
const own = join(import.meta.dirname, 'native-sanitizers')
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-sanitizers-'))
  const programs = kinds.map(({ program }) => program)
  const [source, header] = await native.emit({ name: 'all', programs, dtype: 'f32', version: '0.0.0' })
  writeFileSync(join(folder, 'all.cc'), source!.text)
  writeFileSync(join(folder, 'all.h'), header!.text)
  writeFileSync(join(folder, 'cases.h'), casesOf(kinds))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The list of cases for run-cases.h. */
function casesOf(all: readonly Lengths[]): string {
  const cases = all.flatMap(({ program, lengths, numbers = {} }) =>
    lengths.map((one) => `    ${caseOf(program, one, numbers)},`),
  )
  const head = ['#pragma once', '#include "all.h"', '', 'namespace cases {', '', 'inline std::vector<Case> listed() {']
  return `${[...head, '  return {', ...cases, '  };', '}', '', '}  // namespace cases'].join('\n')}\n`
}

function caseOf(program: Program, lengths: Readonly<Record<string, number>>, numbers: Numbers): string {
  const entry = entryOf(program)
  const sizes = { ...lengths, ...program.sizes }
  const storages = { f32: 'f32', f16: 'f16', bf16: 'bf16', i32: 'i32', bool: 'boolean' } as const
  const tensor = (isResult: boolean) => (buffer: Program['buffers'][number]) => {
    const shape = buffer.axes.map((axis) => (isResult ? 0 : sizes[axis]!))
    const given = (numbers[buffer.name] ?? []).slice(
      0,
      shape.reduce((a, b) => a * b, 1),
    )
    return `{"${buffer.name}", ${storages[buffer.storage]}, ${isResult}, {${shape}}, {${given.map((n) => (n === -2147483648 ? 'INT32_MIN' : n))}}}`
  }
  const withRole = (role: string) => program.buffers.filter((buffer) => buffer.role === role)
  const tensors = [...withRole('input').map(tensor(false)), ...withRole('result').map(tensor(true))]
  const functions = [
    `decltype(Case::shapes)(${entry}_shapes)`,
    `decltype(Case::workspace)(${entry}_workspace)`,
    `decltype(Case::run)(${entry}_run)`,
  ]
  const params = program.params.filter(({ time }) => time === 'run').map(() => '0.7f')
  return `{"${entry} at ${Object.values(lengths)}", ${functions.join(', ')}, {${tensors.join(', ')}}, {${params}}}`
}

const common = ['-std=c++17', '-O1', '-g1', '-pthread', '-ffp-contract=off']
const here = process.arch === 'arm64' ? '-mcpu=native' : '-march=native'

/** Why the compiler has no such sanitizer here, or undefined. */
async function lacks(sanitizer: string): Promise<string | undefined> {
  if (missing !== undefined) return missing
  const scratch = mkdtempSync(join(tmpdir(), 'attnc-sanitizer-'))
  try {
    writeFileSync(join(scratch, 'empty.cc'), 'int main() {}\n')
    await execa(findCompiler()!, [`-fsanitize=${sanitizer}`, 'empty.cc', '-o', 'empty'], { cwd: scratch })
    await execa(join(scratch, 'empty'))
    return undefined
  } catch (error) {
    return `the compiler has no -fsanitize=${sanitizer} here: ${(error as Error).message.split('\n')[1] ?? ''}`
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function compileProgram(name: string, sources: readonly string[], flags: readonly string[]): Promise<string> {
  const output = join(folder, name)
  const headers = [`-I${folder}`, `-I${own}`, `-I${root}/templates/native`]
  await execa(findCompiler()!, [...common, here, ...headers, ...sources, ...flags, '-o', output], { cwd: folder })
  return output
}

/** What a program says when it fails; it has to. */
async function failure(program: string, ...words: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await execa(program, words, { reject: false })
  expect(exitCode).not.toBe(0)
  return stderr
}

const noAddresses = await lacks('address,undefined')
const noThreads = await lacks('thread')
for (const reason of new Set([noAddresses, noThreads])) if (reason !== undefined) console.log(`skipped: ${reason}`)

describe.skipIf(noAddresses !== undefined)('memory and numbers', () => {
  let program: string
  beforeAll(async () => {
    const flags = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']
    program = await compileProgram('addresses', ['all.cc', join(own, 'main.cc')], flags)
  }, 240_000)
  test('all is well', async () => {
    const { stdout } = await execa(program)
    expect(stdout).toBe(`${kinds.reduce((sum, { lengths }) => sum + lengths.length, 0)} cases, 0 different`)
  })
  test('a result that is an element too short is found', async () => {
    expect(await failure(program, 'short-result')).toMatch(/AddressSanitizer: heap-buffer-overflow/)
  })
  test('a stride that would have an index overflow is refused', async () => {
    const { exitCode, stdout, stderr } = await execa(program, ['huge-stride'], { reject: false })
    expect([exitCode, stderr]).toEqual([2, ''])
    expect(stdout).toMatch(/ is refused: the strides of \w+ reach beyond all memory$/)
  })
})

describe.skipIf(noThreads !== undefined)('threads', () => {
  let program: string
  beforeAll(async () => {
    await compileProgram('all.o', ['all.cc'], ['-fsanitize=thread', '-c'])
    program = await compileProgram('threads', ['all.o', join(own, 'main.cc')], ['-fsanitize=thread'])
  }, 240_000)
  test('blocks of a kernel share nothing that one writes', async () => {
    expect((await execa(program)).stdout).toMatch(/ 0 different$/)
  })
  test('workers that share their scratch are found', async () => {
    expect(await failure(program, 'shared-worker')).toMatch(/ThreadSanitizer: data race/)
  })
  test('the pool of the loader', async () => {
    const pool = await compileProgram('pool', ['all.o', join(own, 'pool.cc')], ['-fsanitize=thread'])
    expect((await execa(pool)).stdout).toBe('0 different')
  }, 240_000)
})
