import { join } from 'node:path'
import { compile, emitStage, type Stage, stages } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type FileToWrite, writeFiles } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, compileOptions, optional, parseChoices } from './compile-options.ts'
import type { Io } from './io.ts'
import { oneLine } from './one-line.ts'
import { all, parseChoice } from './options.ts'
import type { Options } from './program.ts'
import { readSources, type Source } from './sources.ts'
import { count } from './table.ts'

export async function build(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const stage = optional(options.emit, (value) => parseChoice('--emit', value, stages))
  const parsed = all<[Choices, Stage | undefined]>(await parseChoices(options), stage)
  if (!parsed.ok) return refuse(parsed.findings)
  const where = checkWhere(options.out, parsed.value[1])
  if (!where.ok) return refuse(where.findings)
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const [choices, emitted] = parsed.value
  const [first] = sources.value
  const prints = emitted !== undefined || options.out === '-'
  if (prints && sources.value.length > 1)
    return refuse([
      problem('ATTN0318', `${count(sources.value.length, 'source')} cannot be printed at once`, '-o FOLDER'),
    ])
  if (emitted !== undefined && first) return printStage(emitted, first, choices)
  return buildAll(sources.value, choices, options.out ?? '-', io)
}

function checkWhere(out: string | undefined, stage: Stage | undefined): Outcome<undefined> {
  if (stage === undefined && (out === undefined || out === ''))
    return failed(
      problem('ATTN0318', 'build needs to know where to write', "-o FOLDER, or '-o -' to print the main file"),
    )
  if (stage !== undefined && out !== undefined && out !== '-')
    return failed(problem('ATTN0318', `--emit prints, and writes nothing to ${out}`, 'leave out -o'))
  return done(undefined)
}

async function printStage(stage: Stage, { file, readImport }: Source, choices: Choices): Promise<Answer> {
  const printed = await attempt(() => emitStage(stage, file, compileOptions(choices, readImport)))
  if (!printed.ok) return refuse(printed.findings)
  const text = printed.value.endsWith('\n') ? printed.value : `${printed.value}\n`
  return { exit: 0, findings: printed.warnings, out: text, json: { stage, source: file.path, text } }
}

interface Built {
  readonly source: string
  readonly path: string
  readonly text: string
  readonly main: boolean
}

async function buildAll(sources: readonly Source[], choices: Choices, out: string, io: Io): Promise<Answer> {
  const findings: Finding[] = []
  const built: Built[] = []
  for (const [n, { file, folder, readImport }] of sources.entries()) {
    io.progress?.(`building ${n + 1} of ${sources.length}: ${file.path}`)
    const compiled = await attempt(() => compile(file, compileOptions(choices, readImport)))
    if (!compiled.ok) findings.push(...compiled.findings)
    else {
      findings.push(...compiled.warnings)
      built.push(
        ...compiled.value.files.map(({ path, text }, k) => ({
          source: file.path,
          path: join(folder, path),
          text,
          main: k === 0,
        })),
      )
    }
  }
  findings.push(...clashes(built))
  if (findings.some(({ severity }) => severity === 'error')) return refuse(findings, { target: choices.target })
  return out === '-' ? printMain(built, choices, findings) : writeAll(built, choices, out, findings)
}

/** Two sources of one name and folder would write over each other. */
function clashes(built: readonly Built[]): readonly Finding[] {
  const first = new Map<string, string>()
  const findings: Finding[] = []
  for (const { path, source } of built) {
    const other = first.get(path)
    if (other !== undefined && other !== source) {
      findings.push(
        problem(
          'ATTN0317',
          `${other} and ${source} would both be written to ${path}`,
          'build them into folders of their own',
        ),
      )
    }
    first.set(path, source)
  }
  return findings
}

function printMain(built: readonly Built[], { target }: Choices, findings: readonly Finding[]): Answer {
  const text = built.find(({ main }) => main)?.text ?? ''
  return {
    exit: 0,
    findings,
    out: text,
    json: { target, files: built.map(({ source, path, text }) => ({ source, path, text })) },
  }
}

function writeAll(built: readonly Built[], { target }: Choices, out: string, findings: readonly Finding[]): Answer {
  const files: readonly FileToWrite[] = built.map(({ path, text }) => ({ path: join(out, path), content: text }))
  const written = writeFiles(files)
  if (!written.ok) return refuse([...findings, ...written.findings], { target })
  const json = { target, files: built.map(({ source, path }) => ({ source, path: join(out, path) })) }
  return { exit: 0, findings, out: files.map(({ path }) => `${oneLine(path)}\n`).join(''), json }
}
