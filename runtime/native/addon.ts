/** Addons of Node in C++: built once for a machine, and kept. */
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

export interface Addon {
  readonly about: string
  readonly target: string
  /** By name, the main one first. They lie among all that is embedded, which is much, and are asked for when they are compiled. */
  readonly files: () => Promise<Readonly<Record<string, string>>>
  readonly libraries?: readonly string[] // flags of the linker
}

const output = 'loader.node'
const require = createRequire(import.meta.url)

/** What loads an addon, once in a process. */
export function addonOf<Exports>(addon: Addon): (keeping: Keeping) => Promise<Outcome<Exports>> {
  let known: Promise<Outcome<Exports>> | undefined
  return (keeping) => {
    known ??= provide<Exports>(addon, keeping).then((loaded) => {
      if (!loaded.ok) known = undefined
      return loaded
    })
    return known
  }
}

async function provide<Exports>(addon: Addon, { cache, warn }: Keeping): Promise<Outcome<Exports>> {
  const open = (made: Made): Exports => require(made.path(output)) as Exports
  const work: Work<Exports> = { build: (staging) => build(addon, staging), use: async (made) => done(open(made)) }
  if (!cache) return withoutCache(work)
  const machine = describeMachine()
  const key = hashOf('addon', addon.target, machine) ?? (await hashOfFiles(addon, machine))
  return cache.provide({ ...work, key, about: { source: addon.about, target: addon.target, options: '' }, warn })
}

/** In a bundle, where nothing says which attnc this is, what is compiled does. */
async function hashOfFiles(addon: Addon, machine: readonly string[]): Promise<string> {
  const parts = [await addon.files(), flagsOf(addon), process.version, machine]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

async function build(addon: Addon, staging: Staging): Promise<Outcome<undefined>> {
  const files = await addon.files()
  for (const [name, text] of Object.entries(files)) staging.write(name, text)
  const [source = ''] = Object.keys(files)
  return compileShared({ folder: staging.folder, source, output, flags: flagsOf(addon) })
}

/** Node-API is the same for all versions of Node from 20 on. */
function flagsOf({ libraries = [] }: Addon): readonly string[] {
  const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`))
  return [
    ...['-O2', '-pthread', '-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS'],
    `-I${folderOf('node-addon-api')}`,
    `-I${join(folderOf('node-api-headers'), 'include')}`,
    ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
    ...libraries,
  ]
}
