/** Which attnc is started, and how; the client adds --stdio. */
import { isAbsolute, join } from 'node:path'

export interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly shell: boolean // where the program is a script that only a shell starts
}

/**
 * What the setting names, else the attnc of a folder that is open, else the one on the path. A `.js` is run by the `node` on the
 * path: that of the editor may be older than attnc needs.
 */
export function findServer(
  setting: string,
  folders: readonly string[],
  isThere: (path: string) => boolean,
  platform: NodeJS.Platform = process.platform,
): Start {
  const named = setting === '' || isAbsolute(setting) ? setting : pathIn(folders, setting, isThere)
  const own = folders.map((folder) => join(folder, 'node_modules/attnc/bin/attnc.js')).find(isThere)
  const program = named || own
  const shell = platform === 'win32'
  if (program === undefined) return { command: 'attnc', args: ['lsp'], shell }
  if (/\.[cm]?js$/.test(program)) return { command: 'node', args: [program, 'lsp'], shell: false }
  return { command: program, args: ['lsp'], shell }
}

/** A name without a folder is one on the path. */
function pathIn(folders: readonly string[], setting: string, isThere: (path: string) => boolean): string {
  if (!/[\\/]/.test(setting)) return setting
  return folders.map((folder) => join(folder, setting)).find(isThere) ?? setting
}
