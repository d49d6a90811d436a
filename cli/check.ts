import { analyze } from '../index.ts'
import { type Finding, hasPlace, problem } from '../runtime/problem.ts'
import { writeFiles } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import { type Fixed, fixSource } from './fix.ts'
import type { Io } from './io.ts'
import type { Options } from './program.ts'
import { readSources, type Source } from './sources.ts'
import { count } from './table.ts'

export async function check(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  if (options.fix && args.includes('-') && args.length > 1)
    return refuse([problem('ATTN0300', "'--fix -' prints what it fixed, and takes no other source")])
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  return options.fix ? fixAndCheck(sources.value, args, options, io) : checkAll(sources.value)
}

interface Checked extends Answer {
  readonly summary: string
}

function checkAll(sources: readonly Source[], fixed: ReadonlyMap<string, number> = new Map()): Checked {
  const findings: Finding[] = []
  const files = sources.map(({ file, readImport }) => {
    const module = analyze(file, readImport)
    findings.push(...(module.ok ? module.warnings : module.diagnostics))
    const attentions = module.ok ? module.value.attentions.map(({ name }) => name) : []
    return { path: file.path, ok: module.ok, attentions, fixed: fixed.get(file.path) ?? 0 }
  })
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const fixable = findings.filter((finding) => hasPlace(finding) && finding.fix).length
  const remark = fixable > 0 ? `; ${fixable} can be fixed by --fix` : ''
  const summary = `checked ${count(files.length, 'file')}: ${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}${remark}`
  const answer = { findings, json: { files }, summary }
  return errors > 0
    ? { ...answer, exit: 1, out: '', note: `\n${summary}` }
    : { ...answer, exit: 0, out: `${summary}\n` }
}

/** Files are written all or none, and read anew: what is fixed in one may let another be checked that imports it. */
async function fixAndCheck(
  given: readonly Source[],
  args: readonly string[],
  options: Options,
  io: Io,
): Promise<Answer> {
  if (args.includes('-')) return printFixed(given.map(fixSource))
  const counts = new Map<string, number>()
  let sources = given
  for (;;) {
    const changed = sources.map(fixSource).filter(({ changes }) => changes > 0)
    if (changed.length === 0) break
    for (const { source, changes } of changed)
      counts.set(source.file.path, (counts.get(source.file.path) ?? 0) + changes)
    const written = writeFiles(changed.map(({ source: { file } }) => ({ path: file.path, content: file.text })))
    if (!written.ok) return refuse(written.findings)
    const again = await readSources(args, options.stdinName, io)
    if (!again.ok) return refuse(again.findings)
    sources = again.value
  }
  const answer = checkAll(sources, counts)
  return counts.size > 0 ? { ...answer, ...said(answer, whatWasFixed(counts)) } : answer
}

function printFixed(fixed: readonly Fixed[]): Answer {
  const counts = new Map(fixed.map(({ source, changes }) => [source.file.path, changes]))
  const sources = fixed.map(({ source }) => source)
  const answer = checkAll(sources, counts)
  const text = sources.map(({ file }) => file.text).join('')
  return { ...answer, out: text, note: `${whatWasFixed(counts)}; ${answer.summary}`, json: { ...answer.json, text } }
}

function whatWasFixed(counts: ReadonlyMap<string, number>): string {
  const changes = [...counts.values()].reduce((sum, n) => sum + n, 0)
  return `fixed ${count(changes, 'finding')} in ${count(counts.size, 'file')}`
}

/** The summary stands where results do if all is well, and with what is wrong otherwise. */
const said = ({ out, summary }: Checked, before: string): Pick<Answer, 'out' | 'note'> =>
  out === '' ? { out, note: `\n${before}; ${summary}` } : { out: `${before}; ${out}` }
