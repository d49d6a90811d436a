import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file or folder of the package, from the sources as well as from `dist/`; undefined if it is not shipped. */
export function packagePath(path: string): string | undefined {
  const url = ['../', '../../'].map((up) => new URL(`${up}${path}`, import.meta.url)).find((one) => existsSync(one))
  return url && fileURLToPath(url)
}

/** What stands in it. */
export function packageFile(path: string): string | undefined {
  const found = packagePath(path)
  return found === undefined ? undefined : readFileSync(found, 'utf8')
}
