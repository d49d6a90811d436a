// Makes generated/ from templates/ and compiler/std.attn, so that nothing is read or compiled from text at run time:
// templates.ts has the frames as precompiled functions, projects.ts those of what `attnc init` writes, sources.ts the headers and
// the standard library as strings, built.ts those that only Node has compiled, code.ts a hash of all sources, by which what they
// build knows its own.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import Handlebars from 'handlebars'
import { hashCode } from '../runtime/cache/hash-code.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const files = (pattern: string): readonly string[] =>
  globSync(pattern, { cwd: fileURLToPath(root) })
    .filter((path) => /\.[a-z]+$/.test(path) && !path.endsWith('.md'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()

/** Leaves a file alone that is as it should be: others may be reading it. */
function write(path: string, text: string): void {
  if (!existsSync(new URL(path, root)) || read(path) !== text) writeFileSync(new URL(path, root), text)
}

/** A union of string literals; `never` when there are none. */
const union = (names: readonly string[]): string =>
  names.map((name) => `\n  | ${JSON.stringify(name)}`).join('') || ' never'

/** The same object in half of the text, without where a frame reads what: nobody reads it, and everybody loads it. */
function shorten(object: string): string {
  const places = /, ?\{"start":\{[^{}]*\},"end":\{[^{}]*\}\} ?/g
  const { code } = transformSync(`frame = ${object.replace(places, '')}`, { minify: true })
  return code.replace(/^frame=/, '').replace(/;\n$/, '')
}

/** `templates/cuda/forward.cu.hbs` is `templates['cuda/forward.cu']`, and the partial `{{> cuda/forward.cu}}`. */
function templates(
  paths: readonly string[],
  { below = 'templates/', type = 'TemplateName', table = 'templates' } = {},
): string {
  const names = paths.map((path) => path.slice(below.length).replace(/\.hbs$/, ''))
  const specs = paths.map((path) => {
    const options = { noEscape: true, strict: true, knownHelpersOnly: true }
    try {
      return shorten(String(Handlebars.precompile(read(path), options)))
    } catch (error) {
      throw new Error(`${path}: ${error instanceof Error ? error.message : error}`)
    }
  })
  return `// @ts-nocheck: precompiled by scripts/gen.ts from ${below}; do not edit.
import Handlebars from 'handlebars/runtime.js'

export type ${type} =${union(names)}

const frames = Handlebars.create()
const specs = {
${names.map((name, i) => `  ${JSON.stringify(name)}: ${specs[i]},`).join('\n')}
}

/** Each frame as a function from a view to text; each is also a partial under its own name. */
export const ${table}: Readonly<Record<${type}, (view: object) => string>> = Object.fromEntries(
  Object.entries(specs).map(([name, spec]) => [name, frames.template(spec)]),
)
for (const [name, fill] of Object.entries(${table})) frames.registerPartial(name, fill)
`
}

function sources(table: string, type: string, doc: string, paths: readonly string[]): string {
  return `// Made by scripts/gen.ts; do not edit.
export type ${type} =${union(paths)}

/** ${doc}, by their path in the repository. */
export const ${table}: Readonly<Record<${type}, string>> = {
${paths.map((path) => `  ${JSON.stringify(path)}: ${JSON.stringify(read(path))},`).join('\n')}
}
`
}

const allFrames = files('templates/**/*.hbs')
// What `attnc init` writes is no part of the compiler, which browsers load.
const below = 'templates/projects/'
const isOfProject = (path: string): boolean => path.startsWith(below)
const embedded = [...files('compiler/*.attn'), ...files('templates/**').filter((path) => !path.endsWith('.hbs'))]
// Nor is what Node has compiled for itself: all `.cc`, and the headers that only these include.
const isBuilt = (path: string): boolean =>
  /^templates\/cuda\/\w+\//.test(path) || /^templates\/native\/(?:.*\.cc|backend\.h|pool\.h)$/.test(path)
mkdirSync(new URL('generated/', root), { recursive: true })
write('generated/templates.ts', templates(allFrames.filter((path) => !isOfProject(path))))
write(
  'generated/projects.ts',
  templates(allFrames.filter(isOfProject), { below, type: 'ProjectFrame', table: 'projects' }),
)
write(
  'generated/sources.ts',
  sources(
    'sources',
    'SourceName',
    'Files that are built into the compiler or amalgamated into its output',
    embedded.filter((path) => !isBuilt(path)),
  ),
)
write(
  'generated/built.ts',
  sources(
    'built',
    'BuiltName',
    'Files that are compiled to load kernels, to measure and to emulate',
    embedded.filter(isBuilt),
  ),
)
write(
  'generated/version.ts',
  `// Made by scripts/gen.ts; do not edit.\nexport const version = ${JSON.stringify(JSON.parse(read('package.json')).version)}\n`,
)
write(
  'generated/code.ts',
  `// Made by scripts/gen.ts; do not edit.\nexport const code = ${JSON.stringify(hashCode(fileURLToPath(root)))}\n`,
)
