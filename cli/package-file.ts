import { existsSync, readFileSync } from 'node:fs'

/** A file of the package, from the sources as well as from `dist/`; undefined if it is not shipped. */
export function packageFile(path: string): string | undefined {
  const url = ['../', '../../'].map((up) => new URL(`${up}${path}`, import.meta.url)).find((one) => existsSync(one))
  return url && readFileSync(url, 'utf8')
}
