/** `attnc init`: a first source, commented, or a small project around it, and what to do with it. */
import { basename, join, relative } from 'node:path'
import { reserved } from '../grammar/tokens.ts'
import { extension, isFolder } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type FileToWrite, writeNew } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import { projectOf, type Tool } from './init-projects.ts'
import { sourceOf, type Template } from './init-sources.ts'
import { oneLine } from './one-line.ts'
import { all, parseChoice } from './options.ts'
import type { Options } from './program.ts'
import { templateNames, toolNames } from './program-helpers.ts'

interface Written {
  readonly files: readonly FileToWrite[]
  readonly path: string // of the source
  readonly attention: string
  readonly next: readonly string[] // commands to go on with
}

export async function init(args: readonly string[], options: Options): Promise<Answer> {
  const asked = all(
    parseChoice('--template', options.template ?? 'causal', templateNames),
    options.for === undefined ? done(undefined) : parseChoice('--for', options.for, toolNames),
  )
  if (!asked.ok) return refuse(asked.findings)
  const [template, tool] = asked.value
  const planned =
    tool === undefined ? sourceAt(args[0] ?? '.', template) : done(projectIn(args[0] ?? '.', tool, template))
  if (!planned.ok) return refuse(planned.findings)
  const { files, path, attention, next } = planned.value
  const written = writeNew(files)
  if (!written.ok) return refuse(written.findings)
  const paths = files.map((file) => file.path)
  return {
    exit: 0,
    findings: [],
    out: paths.map((one) => `${oneLine(one)}\n`).join(''),
    note: `\nnext:\n${next.map((line) => `  ${oneLine(line)}\n`).join('')}`.trimEnd(),
    json: { path, attention, files: paths, next },
  }
}

function sourceAt(asked: string, template: Template): Outcome<Written> {
  const place = placeOf(asked)
  if (!place.ok) return place
  const { path, attention } = place.value
  return done({
    files: [{ path, content: sourceOf(template, { name: attention, further: true }) }],
    path,
    attention,
    next: [`attnc verify ${shellWord(path)}`, `attnc build ${shellWord(path)} --target ts -o out`],
  })
}

function projectIn(folder: string, tool: Tool, template: Template): Written {
  const { files, next } = projectOf(tool, template)
  const inFolder = files.map((file) => ({ ...file, path: join(folder, file.path) }))
  const enter = relative('.', folder) === '' ? [] : [`cd ${shellWord(folder)}`]
  return { files: inFolder, path: inFolder[0]?.path ?? '', attention: template, next: [...enter, ...next] }
}

interface Place {
  readonly path: string
  readonly attention: string
}

/** A folder, which there is or which ends with a '/', gets `example.attn`; anything else is a name, with or without folders. */
function placeOf(asked: string): Outcome<Place> {
  if (/[\\/]$/.test(asked) || isFolder(asked))
    return done({ path: join(asked, `example${extension}`), attention: 'example' })
  const attention = basename(asked, extension)
  if (/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(attention) && !isReserved(attention))
    return done({ path: asked.endsWith(extension) ? asked : `${asked}${extension}`, attention })
  const why = isReserved(attention)
    ? 'it is a word of the language'
    : 'a name is a letter or _, then letters, digits and _'
  return failed(
    problem('ATTN0302', `'${attention}' cannot be the name of an attention: ${why}`, 'attnc init my_attention'),
  )
}

const isReserved = (name: string): boolean => reserved.some((word) => word === name)

/** As one would type it. */
const shellWord = (text: string): string => (/^[\w./@%+,:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
