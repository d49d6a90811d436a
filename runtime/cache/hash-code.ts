/** A hash of all code that has a say in what is generated. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const rooms = ['grammar', 'compiler', 'targets', 'generated', 'runtime']
const own = join('generated', 'code.ts') // it holds this hash

/** @param root  the folder with the rooms; undefined where they are not there */
export function hashCode(root: string): string | undefined {
  const codeIn = (folder: string): readonly string[] => readdirSync(join(root, folder)).filter(isCode).sort()
  const codeBelow = (room: string): readonly string[] =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter(isCode)
      .map((name) => join(room, name))
      .filter((name) => name !== own)
      .sort()
  try {
    const files = [
      ...rooms.flatMap((room) => codeBelow(room)),
      ...codeIn('').filter((name) => name.startsWith('index.')),
    ]
    const hash = createHash('sha256')
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
