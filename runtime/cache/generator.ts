/** What this compiler is: a hash of all code that has a say in what is generated. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url)) // of the sources, or of what is built from them
const rooms = ['grammar', 'compiler', 'targets', 'generated', 'runtime', 'integrations']
const packages = ['chevrotain', 'handlebars', 'ts-morph']

let known: string | undefined

/** Undefined: the files are not where they belong, as in a bundle, and nothing says which compiler this is. */
export function generatorHash(): string | undefined {
  known ??= hashCode(root)
  return known
}

/** @param root  the folder with the rooms */
export function hashCode(root: string): string | undefined {
  const codeIn = (folder: string): readonly string[] => readdirSync(join(root, folder)).filter(isCode).sort()
  const codeBelow = (room: string): readonly string[] =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter(isCode)
      .map((name) => join(room, name))
      .sort()
  try {
    const files = [
      ...rooms.flatMap((room) => codeBelow(room)),
      ...codeIn('').filter((name) => name.startsWith('index.')),
    ]
    const hash = createHash('sha256').update(JSON.stringify([process.version, packages.map(versionOf)]))
    for (const file of files) {
      const text = readFileSync(join(root, file))
      hash.update(`\0${file}\0${text.length}\0`).update(text)
    }
    return hash.digest('hex')
  } catch {
    return undefined
  }
}

const isCode = (name: string): boolean => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts')

function versionOf(name: string): string {
  const path = findPackageJSON(name, import.meta.url)
  const { version }: { readonly version?: string } = path === undefined ? {} : JSON.parse(readFileSync(path, 'utf8'))
  return `${name} ${version}`
}
