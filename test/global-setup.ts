import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/**
 * What starts a process in the tests starts `bin/attnc.js`, which runs `dist/`: make it what the sources say. What tests build is
 * kept apart from the cache of who runs them.
 */
export async function setup(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-tests-'))
  process.env.ATTNC_CACHE_DIR = join(folder, 'cache')
  process.env.XDG_CONFIG_HOME = join(folder, 'config')
  await execa('npm', ['run', '--silent', 'build'], { stderr: 'inherit' })
  return () => rmSync(folder, { recursive: true, force: true })
}
