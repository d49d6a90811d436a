import { analyze } from '../index.ts'
import type { Finding } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import type { Io } from './io.ts'
import type { Options } from './program.ts'
import { readSources } from './sources.ts'
import { count } from './table.ts'

export async function check(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const findings: Finding[] = []
  const files: object[] = []
  for (const { file, readImport } of sources.value) {
    const module = analyze(file, readImport)
    findings.push(...(module.ok ? module.warnings : module.diagnostics))
    const attentions = module.ok ? module.value.attentions.map(({ name }) => name) : []
    files.push({ path: file.path, ok: module.ok, attentions })
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const summary = `checked ${count(files.length, 'file')}: ${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}`
  const json = { files }
  return errors > 0
    ? { exit: 1, findings, out: '', note: `\n${summary}`, json }
    : { exit: 0, findings, out: `${summary}\n`, json }
}
