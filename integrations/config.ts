/** `attnc.config.ts`, `.js` or `.toml`: what is generated, for `attnc build`, the plugins and `attnc/register`. */
import { readFileSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'smol-toml'
import * as v from 'valibot'
import { cannotRead } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { unknownNames } from '../runtime/unknown-names.ts'
import { findConfigs } from './find-config.ts'

const lengths = (most: number) => v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most)))

const schema = v.strictObject({
  extends: v.exactOptional(v.string()), // a configuration that this one goes on from, by its path from here
  target: v.exactOptional(v.string()),
  out: v.exactOptional(v.string()), // where `attnc build` writes, from here
  dtype: v.exactOptional(v.picklist(['f32', 'f16', 'bf16'])),
  precision: v.exactOptional(v.picklist(['accurate', 'fast'])),
  plan: v.exactOptional(v.picklist(['auto', 'materialised'])),
  rows: v.exactOptional(v.picklist(['many', 'few'])),
  threads: v.exactOptional(v.boolean()),
  features: v.exactOptional(v.array(v.string())), // of target wgsl
  limits: v.exactOptional(v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(0)))),
  dts: v.exactOptional(v.boolean()), // of the plugins
  sizes: v.exactOptional(lengths(65_536)),
  tile: v.exactOptional(lengths(1024)),
})

export type Config = v.InferInput<typeof schema>

/** For editors, which then know what may stand there. */
export const defineConfig = (config: Config): Config => config

export interface Configured {
  readonly config: Omit<Config, 'extends'> // `out` is an absolute path
  readonly files: readonly string[] // that were read: absolute paths, the nearest first
}

const nothing: Configured = { config: {}, files: [] }

/** The nearest one of a folder or above, with all that it goes on from. */
export async function nearestConfig(folder: string): Promise<Outcome<Configured>> {
  const [file, other] = findConfigs(folder)
  if (file === undefined) return done(nothing)
  if (other !== undefined)
    return failed(problem('ATTN0381', `there is ${shown(file)} and ${shown(other)}`, 'keep one of them'))
  return loadConfig(file)
}

export async function loadConfig(file: string, above: readonly string[] = []): Promise<Outcome<Configured>> {
  const path = resolve(file)
  if (above.includes(path))
    return failed(
      problem('ATTN0382', `configurations go around in a circle: ${[...above, path].map(shown).join(' extends ')}`),
    )
  const read = await readConfig(path)
  if (!read.ok) return read
  const checked = check(path, read.value)
  if (!checked.ok) return checked
  const { extends: base, ...own } = checked.value
  const config = own.out === undefined ? own : { ...own, out: resolve(dirname(path), own.out) }
  if (base === undefined) return done({ config, files: [path] })
  const before = await loadConfig(resolve(dirname(path), base), [...above, path])
  if (!before.ok) return before
  const sizes = { ...before.value.config.sizes, ...config.sizes }
  const tile = { ...before.value.config.tile, ...config.tile }
  return done({ config: { ...before.value.config, ...config, sizes, tile }, files: [path, ...before.value.files] })
}

const shown = (path: string): string => relative(process.cwd(), path) || path

async function readConfig(path: string): Promise<Outcome<unknown>> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return failed(cannotRead(shown(path), error))
  }
  try {
    if (path.endsWith('.toml')) return done(parse(text))
    // A module is read once in a process, unless it has another address.
    const module: { readonly default?: unknown } = await import(`${pathToFileURL(path).href}?${statSync(path).mtimeMs}`)
    return done(module.default)
  } catch (error) {
    return failed(problem('ATTN0383', `${shown(path)}: ${error instanceof Error ? error.message : error}`))
  }
}

function check(path: string, value: unknown): Outcome<v.InferOutput<typeof schema>> {
  if (value === undefined)
    return failed(problem('ATTN0381', `${shown(path)} has no default export`, 'export default defineConfig({ ... })'))
  const result = v.safeParse(schema, value)
  if (result.success) return done(result.output)
  return failed(
    ...result.issues.flatMap((issue) => {
      const at = v.getDotPath(issue)
      const isUnknown = issue.type === 'strict_object' && issue.expected === 'never'
      if (isUnknown && at !== null)
        return unknownNames('ATTN0381', `setting of ${shown(path)}`, [at], Object.keys(schema.entries))
      return [problem('ATTN0381', `${shown(path)}: ${at === null ? '' : `${at}: `}${issue.message}`)]
    }),
  )
}
