/** Programs compiled by the native target and called, as the runner does it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../compiler/kernel.ts'
import { sharedCache } from '../runtime/cache/cache.ts'
import { missingCompiler } from '../runtime/native/compiler.ts'
import { keepLibrary, loadLibrary } from '../runtime/native/load-native.ts'
import type { Loaded } from '../runtime/runners.ts'
import { native } from '../targets/native/target.ts'
import type { OutFile } from '../targets/target.ts'

/** Other tests do without a compiler (test/setup.ts); what is compiled here asks for the one that there is. */
export function withCompiler(what = 'the native target'): string | undefined {
  const { ATTNC_TESTS_CXX } = process.env
  if (ATTNC_TESTS_CXX) process.env.CXX = ATTNC_TESTS_CXX
  else delete process.env.CXX
  const missing = missingCompiler()
  if (missing !== undefined) console.log(`skipped: ${what}, since ${missing}`)
  return missing
}

/** Written, compiled with further flags, loaded. */
export async function buildNative(
  name: string,
  programs: readonly Program[],
  flags = '',
  given?: readonly OutFile[], // instead of what is emitted
): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-native-'))
  const before = process.env.ATTNC_CXXFLAGS
  try {
    process.env.ATTNC_CXXFLAGS = flags
    const files = given ?? (await native.emit({ name, programs, dtype: 'f32', version: '0.0.0' }))
    const write = (path: string, content: string | Uint8Array): void => writeFileSync(join(folder, path), content)
    const built = await keepLibrary(files, { folder, write })
    if (!built.ok) throw new Error(built.findings[0]?.message)
    const made = {
      read: (path: string) => readFileSync(join(folder, path)),
      path: (path: string) => join(folder, path),
    }
    const loaded = await loadLibrary(made, { cache: sharedCache(), warn: (finding) => console.log(finding.message) })
    if (!loaded.ok) throw new Error(loaded.findings[0]?.message)
    return loaded.value
  } finally {
    if (before === undefined) delete process.env.ATTNC_CXXFLAGS
    else process.env.ATTNC_CXXFLAGS = before
    rmSync(folder, { recursive: true, force: true })
  }
}
