/** Sources of a build, compiled, and what becomes of the files: written, printed, or compared with those that are there. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compile, type OutFile, type ReadImport } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { compileLibrary, type LibraryForm, type Make } from '../runtime/native/library.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import { withTuned } from '../runtime/tuned/pick.ts'
import { tunedPath } from '../runtime/tuned/tuned-file.ts'
import { alreadyThere, type FileToWrite, writeFiles } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, compileOptions } from './compile-options.ts'
import { depfileOf } from './depfile.ts'
import type { Io } from './io.ts'
import { oneLine } from './one-line.ts'
import type { Options } from './program.ts'
import { type KernelUse, printUses, usesOf } from './resource-usage.ts'
import type { Source } from './sources.ts'
import { staleFiles } from './stale.ts'
import { count } from './table.ts'
import { tunedOfAll } from './tuned.ts'

interface Wanted extends Choices {
  readonly library: Libraries | undefined
  readonly torch: boolean // an extension of PyTorch
  readonly configurations: readonly string[] // that options come from
  readonly architectures: readonly string[] | undefined // of which to say what kernels take
  readonly types: boolean // only these, as `import './NAME.attn'` looks for them
}

/** Compiled forms of a library that are asked for, and how each is made. */
interface Libraries {
  readonly forms: readonly LibraryForm[]
  readonly makers: Readonly<Record<LibraryForm, Make>>
}

interface Built {
  readonly source: string
  readonly path: string // below the output folder
  readonly text: string
  readonly main: boolean
}

interface ToWrite extends FileToWrite {
  readonly source: string
}

export async function buildAll(sources: readonly Source[], choices: Wanted, options: Options, io: Io): Promise<Answer> {
  const { target } = choices
  const { out = '-' } = options
  const compiled = await compileAll(sources, choices, options, io)
  const { built, findings, notes, uses } = compiled
  if (findings.some(({ severity }) => severity === 'error')) return refuse(findings, { target })
  const note = notes.length > 0 ? { note: notes.join('\n') } : {}
  if (out === '-') return { ...printMain(built, target, findings), ...note }
  const libraries = await compileLibraries(built, choices.library, io)
  if (!libraries.ok) return refuse([...findings, ...libraries.findings], { target })
  const sourceFiles = built.map(({ source, path, text }) => ({ source, path, content: text }))
  const files: readonly ToWrite[] = [...sourceFiles, ...libraries.value].map((file) => ({
    ...file,
    path: join(out, file.path),
  }))
  if (options.check) return compare(files, target, findings)
  const foreign = choices.torch ? files.filter(isForeign) : []
  if (foreign.length > 0) return refuse([...findings, ...foreign.map(({ path }) => alreadyThere(path))], { target })
  const mains = built.filter(({ main }) => main).length
  const depfile = depfileOf(options, { files, inputs: compiled.inputs, mains })
  if (!depfile.ok) return refuse([...findings, ...depfile.findings], { target })
  const written = writeFiles([...files, ...depfile.value], { onlyChanged: options.writeIfChanged ?? false })
  if (!written.ok) return refuse([...findings, ...written.findings], { target })
  const answer: Answer = {
    exit: 0,
    findings,
    out: options.quiet ? '' : files.map(({ path }) => `${oneLine(path)}\n`).join(''),
    json: { target, files: files.map(({ source, path }) => ({ source, path })) },
    ...note,
  }
  return choices.architectures ? withUses(answer, uses) : answer
}

const withUses = (answer: Answer, uses: readonly KernelUse[]): Answer => ({
  ...answer,
  out: `${answer.out ?? ''}\n${printUses(uses)}`,
  json: { ...answer.json, resources: uses },
})

interface CompiledAll {
  readonly notes: readonly string[] // of what was tuned
  readonly uses: readonly KernelUse[]
  readonly built: readonly Built[]
  readonly inputs: readonly string[] // every file that was read, each once
  readonly findings: readonly Finding[]
}

async function compileAll(sources: readonly Source[], choices: Wanted, options: Options, io: Io): Promise<CompiledAll> {
  const findings: Finding[] = []
  const notes: string[] = []
  const uses: KernelUse[] = []
  const built: Built[] = []
  const inputs = new Set<string>()
  for (const [n, { file, folder, readImport }] of sources.entries()) {
    io.progress?.(`building ${n + 1} of ${sources.length}: ${file.path}`)
    const read: ReadImport = (from, path) => {
      const found = readImport(from, path)
      if ('path' in found) inputs.add(found.path)
      return found
    }
    inputs.add(file.path)
    const given = { ...compileOptions(choices, read), library: choices.library !== undefined, torch: choices.torch }
    const picked = await tunedOfAll({ file, folder, readImport: read }, given, options, findings)
    if (picked) notes.push(picked.about)
    if (options.tuned !== false && existsSync(tunedPath(file.path))) inputs.add(tunedPath(file.path)) // read, if not picked
    const compiled = await attempt(() => compile(file, withTuned(given, picked)))
    if (!compiled.ok) {
      findings.push(...compiled.findings)
      continue
    }
    findings.push(...compiled.warnings)
    const files = choices.types ? typesIn(compiled.value.files) : compiled.value.files
    if (files.length === 0) findings.push(noTypes(choices.target))
    for (const [k, { path, text }] of files.entries()) {
      const at = join(folder, path)
      // What is not named after a source, as setup.py, is the same for all.
      const isShared = !path.startsWith(nameOf(file.path)) && built.some((one) => one.path === at && one.text === text)
      if (!isShared) built.push({ source: file.path, path: at, text, main: k === 0 })
    }
    if (choices.architectures) {
      const { programs } = compiled.value
      const found = await usesOf(file.path, files, programs, choices.architectures, (text) => io.progress?.(text))
      if (found.ok) uses.push(...found.value)
      else findings.push(...found.findings)
    }
  }
  return {
    built,
    inputs: [...inputs, ...choices.configurations],
    findings: [...findings, ...clashes(built)],
    notes,
    uses,
  }
}

const nameOf = (source: string): string => basename(source).replace(/\.attn$/, '')

/** `sigmoid.d.ts` under the name by which TypeScript finds it for `sigmoid.attn`. */
const typesIn = (files: readonly OutFile[]): readonly OutFile[] =>
  files
    .filter(({ path }) => path.endsWith('.d.ts'))
    .map(({ path, text }) => ({ path: path.replace(/\.d\.ts$/, '.d.attn.ts'), text }))

const noTypes = (target: string): Finding =>
  problem('ATTN0302', `--emit dts: target ${target} gives no modules of JavaScript`, '--target ts, or wgsl')

/** What is not named after a source may be somebody's own. */
function isForeign({ path }: ToWrite): boolean {
  if (basename(path) !== 'setup.py') return false
  try {
    return !readFileSync(path, 'utf8').startsWith('# Generated by attnc ')
  } catch {
    return false // it is not there; or writing it says what is wrong
  }
}

/** Two sources of one name and folder would write over each other. */
function clashes(built: readonly Built[]): readonly Finding[] {
  const first = new Map<string, string>()
  const findings: Finding[] = []
  for (const { path, source } of built) {
    const other = first.get(path)
    if (other !== undefined && other !== source) {
      const text = `${other} and ${source} would both be written to ${path}`
      findings.push(problem('ATTN0317', text, 'build them into folders of their own'))
    }
    first.set(path, source)
  }
  return findings
}

async function compileLibraries(
  built: readonly Built[],
  wanted: Libraries | undefined,
  io: Io,
): Promise<Outcome<readonly ToWrite[]>> {
  if (!wanted || wanted.forms.length === 0) return done([])
  const compiled: ToWrite[] = []
  for (const main of built.filter((one) => one.main)) {
    io.progress?.(`compiling ${main.path}`)
    const own = built.filter(({ source }) => source === main.source)
    const libraries = await compileLibrary(own, main.path, wanted.forms, wanted.makers)
    if (!libraries.ok) return failed(...libraries.findings)
    compiled.push(...libraries.value.map(({ path, content }) => ({ path, content, source: main.source })))
  }
  return done(compiled)
}

function printMain(built: readonly Built[], target: string, findings: readonly Finding[]): Answer {
  const text = built.find(({ main }) => main)?.text ?? ''
  const json = { target, files: built.map(({ source, path, text: content }) => ({ source, path, text: content })) }
  return { exit: 0, findings, out: text, json }
}

function compare(files: readonly ToWrite[], target: string, findings: readonly Finding[]): Answer {
  const stale = staleFiles(files)
  const json = { target, files: files.map(({ source, path }) => ({ source, path })) }
  if (stale.length > 0) return refuse([...findings, ...stale], json)
  return { exit: 0, findings, out: `${count(files.length, 'file')} as the sources have them\n`, json }
}
