/** What this compiler is: its code, the packages that it uses, and Node. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { fileURLToPath } from 'node:url'
import { code } from '../../generated/code.ts'
import { hashCode } from './hash-code.ts'

const packages = ['chevrotain', 'handlebars', 'ts-morph', 'node-addon-api', 'node-api-headers']

let known: string | undefined

/** Undefined: the files are not where they belong, as in a bundle, and nothing says which compiler this is. */
export function generatorHash(): string | undefined {
  const ours = known === undefined ? codeHash(import.meta.url) : undefined
  if (ours !== undefined) {
    const parts = [ours, process.version, packages.map(versionOf)]
    known = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  }
  return known
}

/** Of sources that run as they are it is computed; what was built of them was told theirs, since to read it all takes long. */
function codeHash(here: string): string | undefined {
  if (here.endsWith('/runtime/cache/generator.js')) return code
  return here.endsWith('.ts') ? hashCode(fileURLToPath(new URL('../../', here))) : undefined
}

function versionOf(name: string): string {
  const path = findPackageJSON(name, import.meta.url)
  const { version }: { readonly version?: string } = path === undefined ? {} : JSON.parse(readFileSync(path, 'utf8'))
  return `${name} ${version}`
}
