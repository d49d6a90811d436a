/** Where built kernels and the key that signs them are kept. */
import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'

export interface Places {
  readonly cache: string
  readonly config: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * By the XDG Base Directory Specification, whose variables count only if absolute, or where the system keeps such things;
 * `ATTNC_CACHE_DIR` comes before both. Undefined: nobody says where the home folder is.
 */
export function findPlaces(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string | undefined = homeFolder(),
): Places | undefined {
  const { isAbsolute, join, resolve } = platform === 'win32' ? win32 : posix
  const absolute = (name: string): string | undefined => {
    const value = env[name]
    return value !== undefined && isAbsolute(value) ? value : undefined
  }
  const below = (folder: string | undefined, ...names: readonly string[]): string | undefined =>
    folder === undefined || folder === '' ? undefined : join(folder, ...names)
  const local = {
    win32: {
      cache: below(absolute('LOCALAPPDATA') ?? below(home, 'AppData', 'Local'), 'attnc', 'cache'),
      config: below(absolute('APPDATA') ?? below(home, 'AppData', 'Roaming'), 'attnc'),
    },
    darwin: {
      cache: below(home, 'Library', 'Caches', 'attnc'),
      config: below(home, 'Library', 'Application Support', 'attnc'),
    },
    other: { cache: below(home, '.cache', 'attnc'), config: below(home, '.config', 'attnc') },
  }[platform === 'win32' || platform === 'darwin' ? platform : 'other']
  const asked = env.ATTNC_CACHE_DIR
  const cache = asked ? resolve(asked) : (below(absolute('XDG_CACHE_HOME'), 'attnc') ?? local.cache)
  const config = below(absolute('XDG_CONFIG_HOME'), 'attnc') ?? local.config
  return cache !== undefined && config !== undefined ? { cache, config } : undefined
}

function homeFolder(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}
