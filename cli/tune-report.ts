/** `attnc tune report FILE.attn`: what was tried, as a page, as plots or as a table. */
import { extname } from 'node:path'
import { done, type Finding, failed, type Outcome, problem, warning } from '../runtime/problem.ts'
import { writeFiles } from '../runtime/write.ts'
import { readLog } from '../tune/log.ts'
import { csvOf, page, plotsOf, type Run, runsOf } from '../tune/report.ts'
import { type Answer, refuse } from './answer.ts'
import type { Options } from './program.ts'
import { count } from './table.ts'

export async function tuneReport(args: readonly string[], options: Options): Promise<Answer> {
  const [source, ...others] = args
  if (source === undefined || others.length > 0)
    return refuse([problem('ATTN0300', `tune report takes one source, not ${args.length}`)])
  const path = options.log ?? (source.endsWith('.jsonl') ? source : `${source}.tuning.jsonl`)
  const log = readLog(path)
  if (!log.ok) return refuse(log.findings)
  const runs = runsOf(log.value.entries)
  if (runs.length === 0)
    return refuse([problem('ATTN0310', `nothing was tuned that ${path} knows of`, `attnc tune ${source}`)])
  const { damaged } = log.value
  const warnings =
    damaged > 0 ? [warning('ATTN0374', `${damaged} lines of ${path} were cut short, and are passed over`)] : []
  const json = { log: path, runs: runs.map(({ subject, trials }) => ({ ...subject, tried: trials.length })) }
  if (options.csv) return { exit: 0, findings: warnings, out: csvOf(runs), json: { ...json, csv: csvOf(runs) } }
  const out = options.out ?? `${source}.tuning.html`
  return write(out, source, runs, json, warnings)
}

function write(
  out: string,
  source: string,
  runs: readonly Run[],
  json: Answer['json'],
  warnings: readonly Finding[],
): Answer {
  const content = contentFor(out, source, runs)
  if (!content.ok) return refuse(content.findings)
  const written = writeFiles(content.value)
  if (!written.ok) return refuse(written.findings)
  const files = content.value.map(({ path }) => path)
  const note = `${count(
    runs.reduce((sum, { trials }) => sum + trials.length, 0),
    'trial',
  )} of ${count(runs.length, 'run')}`
  return { exit: 0, findings: warnings, out: files.map((path) => `${path}\n`).join(''), note, json: { ...json, files } }
}

/** By the ending: a page, plots of the last run in files of their own, or a table. */
function contentFor(
  out: string,
  source: string,
  runs: readonly Run[],
): Outcome<readonly { path: string; content: string }[]> {
  const ending = extname(out)
  if (ending === '.html' || ending === '.htm') return done([{ path: out, content: page(`Tuning of ${source}`, runs) }])
  if (ending === '.csv') return done([{ path: out, content: csvOf(runs) }])
  if (ending === '.svg')
    return done(
      plotsOf(runs.at(-1)!).map((content, n) => ({
        path: n === 0 ? out : `${out.slice(0, -4)}-${n + 1}.svg`,
        content: `${content}\n`,
      })),
    )
  return failed(problem('ATTN0302', `-o takes a name that ends in .html, .svg or .csv, not '${out}'`, '-o report.html'))
}
