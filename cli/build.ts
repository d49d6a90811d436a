import { join } from 'node:path'
import { compile, emitStage, type Stage, stages } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { compileLibrary, type LibraryForm, libraryForms } from '../runtime/native/library.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import { withTuned } from '../runtime/tuned/pick.ts'
import { type FileToWrite, writeFiles } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, compileOptions, parseChoices } from './compile-options.ts'
import type { Io } from './io.ts'
import { oneLine } from './one-line.ts'
import { all, parseChoice } from './options.ts'
import type { Options } from './program.ts'
import { chooseArchitectures, type KernelUse, printUses, usesOf } from './resource-usage.ts'
import { readSources, type Source } from './sources.ts'
import { count } from './table.ts'
import { tunedOfAll } from './tuned.ts'

export async function build(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const parsed = all<[Choices, Emitted]>(await parseChoices(options), parseEmitted(options.emit))
  if (!parsed.ok) return refuse(parsed.findings)
  const [choices, { stage: emitted, library }] = parsed.value
  const where = checkWhere(options.out, emitted)
  if (!where.ok) return refuse(where.findings)
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const [first] = sources.value
  const prints = emitted !== undefined || options.out === '-'
  if (prints && sources.value.length > 1)
    return refuse([
      problem('ATTN0318', `${count(sources.value.length, 'source')} cannot be printed at once`, '-o FOLDER'),
    ])
  if (emitted !== undefined && first) return printStage(emitted, first, choices)
  const measured = await parseMeasured(options, choices)
  if (!measured.ok) return refuse(measured.findings)
  return buildAll(sources.value, { ...choices, library, architectures: measured.value }, options, io)
}

/** The architectures of which `--resource-usage` says what kernels take; undefined: it is not asked for. */
async function parseMeasured(
  { resourceUsage, arch, out }: Options,
  { target }: Choices,
): Promise<Outcome<readonly string[] | undefined>> {
  if (!resourceUsage) {
    if (arch === undefined) return done(undefined)
    return failed(
      problem('ATTN0302', '--arch is for --resource-usage: generated code is for every architecture from sm_80 on'),
    )
  }
  if (target !== 'cuda')
    return failed(
      problem('ATTN0302', `--resource-usage is of kernels of the target cuda, not ${target}`, 'add --target cuda'),
    )
  if (out === '-') return failed(problem('ATTN0318', '--resource-usage prints a table beside files', '-o FOLDER'))
  return chooseArchitectures(arch)
}

/** What `--emit` asks for: a stage to be printed, or a library, and in which forms besides its source. */
interface Emitted {
  readonly stage: Stage | undefined
  readonly library: readonly LibraryForm[] | undefined
}

function parseEmitted(value: string | undefined): Outcome<Emitted> {
  if (value === undefined) return done({ stage: undefined, library: undefined })
  const words = value.split(',')
  const isStage = words.length === 1 && words[0] !== 'lib'
  if (isStage) {
    const stage = parseChoice('--emit', value, [...stages, 'lib'] as const)
    if (!stage.ok) return stage
    return done({ stage: stage.value === 'lib' ? undefined : stage.value, library: undefined })
  }
  const forms = all<readonly (LibraryForm | 'lib')[]>(
    ...words.map((word) => parseChoice('--emit', word, ['lib', ...libraryForms] as const)),
  )
  return forms.ok ? done({ stage: undefined, library: forms.value.filter((form) => form !== 'lib') }) : forms
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

interface Wanted extends Choices {
  readonly library: Emitted['library']
  readonly architectures: readonly string[] | undefined
}

async function buildAll(sources: readonly Source[], choices: Wanted, options: Options, io: Io): Promise<Answer> {
  const { out = '-' } = options
  const findings: Finding[] = []
  const notes: string[] = []
  const built: Built[] = []
  const uses: KernelUse[] = []
  for (const [n, { file, folder, readImport }] of sources.entries()) {
    io.progress?.(`building ${n + 1} of ${sources.length}: ${file.path}`)
    const given = { ...compileOptions(choices, readImport), library: choices.library !== undefined }
    const picked = await tunedOfAll({ file, folder, readImport }, given, options, findings)
    if (picked) notes.push(picked.about)
    const compiled = await attempt(() => compile(file, withTuned(given, picked)))
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
      if (choices.architectures) {
        const { files, programs } = compiled.value
        const found = await usesOf(file.path, files, programs, choices.architectures, (text) => io.progress?.(text))
        if (!found.ok) return refuse([...findings, ...found.findings], { target: choices.target })
        uses.push(...found.value)
      }
    }
  }
  findings.push(...clashes(built))
  if (findings.some(({ severity }) => severity === 'error')) return refuse(findings, { target: choices.target })
  const note = notes.length > 0 ? { note: notes.join('\n') } : {}
  if (out === '-') return { ...printMain(built, choices, findings), ...note }
  const compiled: Compiled[] = []
  for (const main of built.filter((one) => one.main)) {
    io.progress?.(`compiling ${main.path}`)
    const libraries = await compileLibrary(
      built.filter(({ source }) => source === main.source),
      main.path,
      choices.library ?? [],
    )
    if (!libraries.ok) return refuse([...findings, ...libraries.findings], { target: choices.target })
    compiled.push(
      ...libraries.value.map(({ path, content }) => ({ path: join(out, path), content, source: main.source })),
    )
  }
  const answer = { ...writeAll(built, compiled, choices, out, findings), ...note }
  return choices.architectures && answer.exit === 0 ? withUses(answer, uses) : answer
}

const withUses = (answer: Answer, uses: readonly KernelUse[]): Answer => ({
  ...answer,
  out: `${answer.out ?? ''}\n${printUses(uses)}`,
  json: { ...answer.json, resources: uses },
})

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

function writeAll(
  built: readonly Built[],
  compiled: readonly Compiled[],
  { target }: Choices,
  out: string,
  findings: readonly Finding[],
): Answer {
  const sources = built.map(({ source, path, text }) => ({ source, path: join(out, path), content: text }))
  const files: readonly Compiled[] = [...sources, ...compiled]
  const written = writeFiles(files)
  if (!written.ok) return refuse([...findings, ...written.findings], { target })
  const json = { target, files: files.map(({ source, path }) => ({ source, path })) }
  return { exit: 0, findings, out: files.map(({ path }) => `${oneLine(path)}\n`).join(''), json }
}

interface Compiled extends FileToWrite {
  readonly source: string
}
