import { applyFixes } from '../grammar/fix.ts'
import { analyze } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import type { Source } from './sources.ts'

/** A source as it is after its fixes, which nobody has written yet. */
export interface Fixed {
  readonly source: Source
  readonly changes: number
}

/** What a stage finds is fixed before the next one has anything to say, so it takes rounds. No fix undoes another; the limit is a net. */
const mostRounds = 100

export function fixSource(source: Source): Fixed {
  let { file, readImport } = source
  let changes = 0
  for (let round = 0; round < mostRounds; round += 1) {
    const module = analyze(file, readImport)
    const { text, fixed } = applyFixes(file, module.ok ? module.warnings : module.diagnostics)
    if (fixed === 0) break
    changes += fixed
    file = { path: file.path, text }
    readImport = importReader(file)
  }
  return { source: { ...source, file, readImport }, changes }
}
