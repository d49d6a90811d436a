/** A source as a module of JavaScript, for bundlers and for Node. */
import { dirname, resolve } from 'node:path'
import { compile, type OutFile, openSource, type Program, type ReadImport } from '../node.ts'
import { attempt } from '../runtime/attempt.ts'
import type { Finding } from '../runtime/problem.ts'
import { writeFiles } from '../runtime/write.ts'
import { findConfigs } from './find-config.ts'
import { metaOf } from './meta.ts'
import { type AttnOptions, configuredOptions } from './options.ts'

/** `./sigmoid.attn`, with a query that asks for something else than its functions. */
export interface Asked {
  readonly path: string
  readonly query: '' | 'wgsl' | 'meta'
}

/** Of an id as bundlers have them: undefined where it is no source, or has a query that is not ours. */
export function parseId(id: string): Asked | undefined {
  const [, path = '', query = ''] = /^(.*\.attn)(?:\?(wgsl|meta))?$/s.exec(id) ?? []
  return path === '' ? undefined : { path, query: query === 'wgsl' || query === 'meta' ? query : '' }
}

export interface AttnModule {
  readonly code: string | undefined // undefined: there are errors among the findings
  readonly findings: readonly Finding[]
  readonly inputs: readonly string[] // absolute paths of all that was read, or would be if it were there
}

/** With the nearest configuration of the working folder, which the options go before. */
export async function compileModule({ path, query }: Asked, given: AttnOptions = {}): Promise<AttnModule> {
  const configured = await configuredOptions(given)
  if (!configured.ok) return { code: undefined, findings: configured.findings, inputs: [...findConfigs('.')] }
  const { options, files: configurations } = configured.value
  const { target: asked = 'ts', dts = false, ...rest } = options
  const target = query === 'wgsl' ? 'wgsl' : asked
  const source = openSource(path)
  if (!source.ok) return { code: undefined, findings: source.findings, inputs: [resolve(path), ...configurations] }
  const imports: string[] = []
  const read: ReadImport = (from, wanted) => {
    const found = source.value.readImport(from, wanted)
    imports.push('path' in found ? found.path : resolve(dirname(from.path), wanted))
    return found
  }
  const compiled = await attempt(() => compile(source.value.file, { ...rest, target, readImport: read }))
  const inputs = [path, ...imports, ...configurations].map((input) => resolve(input))
  if (!compiled.ok) return { code: undefined, findings: compiled.findings, inputs }
  const { files, programs } = compiled.value
  const types = files.find((file) => file.path.endsWith('.d.ts'))
  const unwritten = query === '' && dts && types ? writeTypes(path, types.text) : []
  const code = codeOf({ query, target, programs, files })
  return { code, findings: [...compiled.warnings, ...unwritten], inputs }
}

interface Emitted extends Pick<Asked, 'query'> {
  readonly target: string
  readonly programs: readonly Program[]
  readonly files: readonly OutFile[]
}

/** The text of the module that was asked for. */
export function codeOf({ query, target, programs, files }: Emitted): string {
  const textOf = (end: string): string => files.find((file) => file.path.endsWith(end))?.text ?? ''
  if (query === 'meta') return asDefault(metaOf(target, programs))
  return query === 'wgsl' ? asDefault(textOf('.wgsl')) : textOf('.js')
}

const asDefault = (value: unknown): string => `export default ${JSON.stringify(value, null, 2)}\n`

/** `sigmoid.attn` has its types in `sigmoid.d.attn.ts`: TypeScript looks for them there. */
export const typesPath = (path: string): string => path.replace(/\.attn$/, '.d.attn.ts')

/** What cannot be written is a warning: the module is as good without. */
function writeTypes(path: string, text: string): readonly Finding[] {
  const written = writeFiles([{ path: typesPath(path), content: text }], { onlyChanged: true })
  return written.ok ? [] : written.findings.map((finding) => ({ ...finding, severity: 'warning' }))
}
