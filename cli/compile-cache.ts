/** Between runs Node keeps what it compiled of attnc's own modules. It trusts what it reads there: the folder is this user's alone. */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Node's own choice would be a folder of a known name in /tmp, which anyone may have made before. */
export function keepCompiledCode(): void {
  const folder = process.env.NODE_COMPILE_CACHE ?? privateFolder(join(cacheHome(), 'attnc', 'compiled'))
  if (folder === undefined) return
  process.env.NODE_COMPILE_CACHE = folder // threads read it
  enableCompileCache(folder)
}

function cacheHome(): string {
  const { XDG_CACHE_HOME: wanted = '', LOCALAPPDATA: local = '' } = process.env
  if (isAbsolute(wanted)) return wanted
  if (process.platform === 'win32') return local === '' ? join(homedir(), 'AppData', 'Local') : local
  return join(homedir(), ...(process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache']))
}

/** The folder, made if missing; undefined where it cannot be made, or is not this user's alone to read and write. */
export function privateFolder(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const found = lstatSync(path)
    const mine = process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o077) === 0)
    return found.isDirectory() && mine ? path : undefined
  } catch {
    return undefined
  }
}
