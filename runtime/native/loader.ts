/** The addon that loads kernels and calls them: built once for a machine, and kept. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { withoutCache } from '../cache/cache.ts'
import { hashOf } from '../cache/key.ts'
import type { Work } from '../cache/provide.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Keeping } from '../runners.ts'
import { compileShared, describeMachine } from './compiler.ts'

declare const library: unique symbol
/** A shared library that is loaded. */
export interface Library {
  readonly [library]: true
}
/**
 * One of its kernels. It reads its frame at once: the lengths of the axes of all tensors, those of results last, then parameters;
 * one that is NaN has its default. It throws a RangeError where lengths do not fit.
 */
export interface Kernel {
  /** Writes the lengths of results to the frame. */
  readonly shapes: (...inputs: readonly ArrayBufferView[]) => void
  /** @param tensors  inputs, then results, of which it writes every element */
  readonly run: (workers: number, ...tensors: readonly ArrayBufferView[]) => void
  /** It ends early, its results unfinished, once `stop[0]` is other than 0. */
  readonly runLater: (workers: number, stop: Int32Array, ...tensors: readonly ArrayBufferView[]) => Promise<undefined>
}

/** What the addon exports. */
export interface Loader {
  readonly open: (path: string) => Library
  /** @param inputs  axes and bytes of an element of each, as of `results`; `params` has a letter for each: f, i or b */
  readonly find: (
    library: Library,
    entry: string,
    inputs: Uint32Array,
    results: Uint32Array,
    params: string,
    frame: Float64Array,
  ) => Kernel
  /** What is in it is not said. */
  readonly allocate: (bytes: number) => ArrayBuffer
}

const addon = 'loader.node'
const require = createRequire(import.meta.url)

/** Flags of the addon; Node-API is the same for all versions of Node from 20 on. */
const flags = (): readonly string[] => {
  const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`))
  return [
    ...['-O2', '-pthread', '-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS'],
    `-I${folderOf('node-addon-api')}`,
    `-I${join(folderOf('node-api-headers'), 'include')}`,
    ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
  ]
}

let known: Promise<Outcome<Loader>> | undefined

export function loadLoader(keeping: Keeping): Promise<Outcome<Loader>> {
  known ??= provideLoader(keeping).then((loader) => {
    if (!loader.ok) known = undefined
    return loader
  })
  return known
}

async function provideLoader({ cache, warn }: Keeping): Promise<Outcome<Loader>> {
  const work: Work<Loader> = { build, use: async (made) => done(open(made)) }
  if (!cache) return withoutCache(work)
  const machine = describeMachine()
  const key = hashOf('loader', machine) ?? (await hashOfFiles(machine))
  const about = { source: 'the loader of native kernels', target: 'native', options: '' }
  return cache.provide({ ...work, key, about, warn })
}

/** In a bundle, where nothing says which attnc this is, what is compiled does. */
async function hashOfFiles(machine: readonly string[]): Promise<string> {
  const parts = [await loaderFiles(), flags(), process.version, machine]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** They lie among all that is embedded, which is much. */
const loaderFiles = async (): Promise<Readonly<Record<string, string>>> =>
  (await import('../../targets/native/loader.ts')).loaderFiles

async function build(staging: Staging): Promise<Outcome<undefined>> {
  for (const [name, text] of Object.entries(await loaderFiles())) staging.write(name, text)
  return compileShared({ folder: staging.folder, source: 'loader.cc', output: addon, flags: flags() })
}

const open = (made: Made): Loader => require(made.path(addon)) as Loader
