/** The examples below `examples/embed`, beside an installed attnc: its packed tarball, with this repository's packages. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { define, tensor } from './run-source.ts'

const root = resolve(import.meta.dirname, '..')

export interface Embedding {
  readonly folder: string // holds the examples and `node_modules`
  readonly bin: string // attnc as a program, for shells: installed as npm does it
  remove(): void
}

/**
 * @param name  of the folder, with all that build tools stumble over
 */
export async function embed(name: string): Promise<Embedding> {
  const above = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-embed-')))
  const folder = join(above, name)
  const modules = join(folder, 'node_modules')
  cpSync(join(root, 'examples/embed'), folder, { recursive: true })
  mkdirSync(join(modules, 'attnc'), { recursive: true })
  // Without scripts: the global setup has just built dist/, and other tests are running it.
  const { stdout } = await execa('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', above], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(stdout)
  await execa('tar', ['-xzf', join(above, filename), '--strip-components=1', '-C', join(modules, 'attnc')])
  for (const one of readdirSync(join(root, 'node_modules')).filter((each) => each !== 'attnc'))
    symlinkSync(join(root, 'node_modules', one), join(modules, one))
  return {
    folder,
    bin: join(modules, 'attnc/bin/attnc.js'),
    remove: () => rmSync(above, { recursive: true, force: true }),
  }
}

/** What a project of `attnc init` prints, as the definition has it: the last element, of the tensors that it makes. */
export function printedBy(name: string, source: string): string {
  const [heads, length, width] = [4, 32, 64]
  const make = (element: (n: number) => number) => tensor([1, heads, length, width], element)
  const v = make((n) => Math.floor(n / width) % length)
  const { out } = define(source, { q: make(Math.sin), k: make(Math.cos), v })
  return `${name} of the last query: ${Number(Array.from(out?.data ?? []).at(-1)).toFixed(3)}`
}
