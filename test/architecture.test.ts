import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

interface File {
  readonly path: string // from the repository's root, with `/`
  readonly text: string
}

interface Import {
  readonly from: string
  readonly style: 'static' | 'dynamic' | 'type'
}

/** What each room may import beside itself: other rooms (or files of the root) and packages. `node:` is every built-in module. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  grammar: ['chevrotain', 'fastest-levenshtein', 'fast-string-width'],
  compiler: ['grammar', 'generated'],
  figures: ['compiler', 'grammar'],
  targets: ['compiler', 'grammar', 'generated', 'handlebars/runtime.js', 'ts-morph'],
  templates: [],
  generated: ['handlebars/runtime.js'],
  'index.ts': ['targets', 'compiler', 'grammar', 'generated'],
  runtime: ['targets', 'compiler', 'grammar', 'generated', 'execa', 'webgpu', 'node:', 'a computed name'], // the name: generated code, run in this process
  'load.ts': ['index.ts', 'runtime', 'compiler', 'grammar', 'node:'],
  'node.ts': ['index.ts', 'load.ts', 'runtime', 'targets', 'compiler', 'grammar', 'generated', 'node:'],
  tune: [
    'runtime',
    'node.ts',
    'load.ts',
    'index.ts',
    'targets',
    'compiler',
    'grammar',
    'generated',
    'node:',
    'own packages',
  ],
  integrations: ['runtime', 'node.ts', 'load.ts', 'node:', 'own packages', 'a computed name'], // the name: a configuration of the user's
  cli: [
    ...[
      'figures',
      'integrations',
      'tune',
      'node.ts',
      'load.ts',
      'runtime',
      'index.ts',
      'targets',
      'compiler',
      'grammar',
      'generated',
    ],
    ...['commander', 'node:'],
  ],
}

const packages = Object.values(mayImport)
  .flat()
  .filter((name) => !(name in mayImport) && name !== 'node:')

/** Folders whose files may import anything. */
const free = ['test', 'scripts', 'bench', 'docs', 'examples', 'playground', 'editors']

const roomOf = (path: string): string => path.split('/')[0]!
const isTool = (path: string): boolean => free.includes(roomOf(path)) || /^[^/]*\.config\.ts$/.test(path)

/** Every file that breaks a rule, as `path: what`; empty when all is well. */
function violations(files: readonly File[]): readonly string[] {
  const faults: string[] = []
  const imports = new Map<string, readonly Import[]>()
  for (const file of files) {
    const fault = (what: string): unknown => faults.push(`${file.path}: ${what}`)
    const seen = scan(file)
    imports.set(file.path, seen.imports)
    const mayDefault = /\.config\.ts$|^integrations\/|^test\/reporter\.ts$/.test(file.path)
    if (seen.hasDefault && !mayDefault) fault('default export')
    if (isTool(file.path)) continue
    if (!(roomOf(file.path) in mayImport)) fault('in no room')
    for (const { from } of seen.imports) if (!isAllowed(file.path, from)) fault(`imports ${from}`)
  }
  return [...faults, ...morphFaults(imports), ...browserFaults(files, imports)]
}

function isAllowed(path: string, from: string): boolean {
  const room = roomOf(path)
  const allowed = mayImport[room] ?? []
  if (from.startsWith('node:')) return allowed.includes('node:')
  if (!from.startsWith('.')) {
    return allowed.includes(from) || (allowed.includes('own packages') && !packages.includes(from))
  }
  const to = resolve(path, from)
  if (roomOf(to) !== room) return allowed.includes(roomOf(to))
  const target = targetOf(path)
  return room !== 'targets' || target === undefined || [undefined, target].includes(targetOf(to))
}

const resolve = (path: string, from: string): string => posix.join(posix.dirname(path), from)

/** `cuda` of `targets/cuda/emit.ts`; undefined for what the targets share. */
const targetOf = (path: string): string | undefined => /^targets\/(?!nests\/)([^/]+)\//.exec(path)?.[1]

/** ts-morph takes a third of a second to load: one file of the ts target does so, when it is asked to. */
function morphFaults(imports: ReadonlyMap<string, readonly Import[]>): readonly string[] {
  const users = [...imports].filter(([path, all]) => !isTool(path) && all.some(({ from }) => from === 'ts-morph'))
  return users.flatMap(([path, all], i) => [
    ...(targetOf(path) === 'ts' ? [] : [`${path}: ts-morph outside targets/ts`]),
    ...(i > 0 ? [`${path}: a second file with ts-morph`] : []),
    ...(all.some(({ from, style }) => from === 'ts-morph' && style === 'static')
      ? [`${path}: ts-morph not by await import`]
      : []),
  ])
}

/** index.ts runs in a browser that forbids eval, and so does all that it imports. */
function browserFaults(files: readonly File[], imports: ReadonlyMap<string, readonly Import[]>): readonly string[] {
  const reached = new Set(['index.ts'])
  for (const path of reached) {
    for (const { from } of imports.get(path) ?? []) if (from.startsWith('.')) reached.add(resolve(path, from))
  }
  return files
    .filter(({ path }) => reached.has(path))
    .flatMap((file) => [
      ...imports
        .get(file.path)!
        .filter(({ from }) => from.startsWith('node:'))
        .map(({ from }) => `${file.path}: ${from} below index.ts`),
      ...(scan(file).hasEval ? [`${file.path}: eval below index.ts`] : []),
    ])
}

function scan(file: File): { imports: readonly Import[]; hasDefault: boolean; hasEval: boolean } {
  const imports: Import[] = []
  let hasDefault = false
  let hasEval = false
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const isType = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly
      imports.push({ from: textOf(node.moduleSpecifier), style: isType ? 'type' : 'static' })
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      imports.push({ from: textOf(node.arguments[0]), style: 'dynamic' })
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      imports.push({ from: textOf(node.argument.literal), style: 'type' })
    } else if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && ts.isIdentifier(node.expression)) {
      if (['eval', 'Function'].includes(node.expression.text)) hasEval = true
    }
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      if (!ts.isDefaultClause(node)) hasDefault = true
    } else if (ts.isExportSpecifier(node) && node.name.text === 'default') hasDefault = true
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest))
  return { imports, hasDefault, hasEval }
}

/** What is imported by a computed name is no name at all, and so allowed nowhere. */
const textOf = (node: ts.Node | undefined): string =>
  node !== undefined && ts.isStringLiteralLike(node) ? node.text : 'a computed name'

test('the repository keeps to the table of rooms', () => {
  const ignored = ['**/node_modules/**', 'dist/**', 'coverage/**', 'test/golden/**']
  const paths = globSync('**/*.ts', { exclude: ignored }).map((path) => path.replaceAll('\\', '/'))
  const files = paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }))
  const rooms = ['index.ts', 'load.ts', 'node.ts', 'grammar', 'compiler', 'targets', 'generated', 'runtime', 'cli']
  expect(paths.map(roomOf)).toEqual(expect.arrayContaining(rooms)) // it looked at something
  expect(violations(files)).toEqual([])
})

describe('a planted violation is found:', () => {
  test.each([
    ['compiler/rows.ts', "import { x } from '../targets/index.ts'", 'imports ../targets/index.ts'],
    ['compiler/rows.ts', "export * from '../cli/main.ts'", 'imports ../cli/main.ts'],
    ['compiler/rows.ts', "import type { CstNode } from 'chevrotain'", 'imports chevrotain'],
    ['compiler/rows.ts', "type X = import('chevrotain').CstNode", 'imports chevrotain'],
    ['compiler/rows.ts', "import fs from 'node:fs'", 'imports node:fs'],
    ['compiler/rows.ts', "import 'fs'", 'imports fs'],
    ['grammar/parser.ts', "import { x } from '../compiler/ir.ts'", 'imports ../compiler/ir.ts'],
    ['grammar/parser.ts', "import 'left-pad'", 'imports left-pad'],
    ['targets/cuda/emit.ts', "import { x } from '../ts/emit.ts'", 'imports ../ts/emit.ts'],
    ['targets/cuda/emit.ts', 'await import(name)', 'imports a computed name'],
    ['targets/cuda/emit.ts', "await import('ts-morph')", 'ts-morph outside targets/ts'],
    ['targets/print.ts', "await import('ts-morph')", 'ts-morph outside targets/ts'],
    ['targets/ts/emit.ts', "import { Project } from 'ts-morph'", 'ts-morph not by await import'],
    ['targets/template.ts', "import Handlebars from 'handlebars'", 'imports handlebars'],
    ['templates/ts/exp.ts', "import { x } from '../../compiler/ir.ts'", 'imports ../../compiler/ir.ts'],
    ['figures/tiles.ts', "import { x } from '../runtime/draw.ts'", 'imports ../runtime/draw.ts'],
    ['runtime/run.ts', "import { Command } from 'commander'", 'imports commander'],
    ['runtime/run.ts', "import { x } from '../node.ts'", 'imports ../node.ts'],
    ['tune/search.ts', "import { Command } from 'commander'", 'imports commander'],
    ['cli/main.ts', "import { execa } from 'execa'", 'imports execa'],
    ['index.ts', "import { x } from './runtime/run.ts'", 'imports ./runtime/run.ts'],
    ['utils/misc.ts', '', 'in no room'],
    ['other.ts', '', 'in no room'],
    ['compiler/rows.ts', 'export default 1', 'default export'],
    ['compiler/rows.ts', 'export default function rows() {}', 'default export'],
    ['compiler/rows.ts', 'const x = 1\nexport { x as default }', 'default export'],
  ])('%s with %s', (path, text, what) => {
    expect(violations([{ path, text }])).toContain(`${path}: ${what}`)
  })

  test('two files with ts-morph', () => {
    const text = "await import('ts-morph')"
    const files = ['targets/ts/emit.ts', 'targets/ts/print.ts'].map((path) => ({ path, text }))
    expect(violations(files)).toEqual(['targets/ts/print.ts: a second file with ts-morph'])
  })

  test('node: and eval three imports below index.ts', () => {
    const files = [
      { path: 'index.ts', text: "import './targets/index.ts'" },
      { path: 'targets/index.ts', text: "export const load = () => import('./ts/emit.ts')" },
      { path: 'targets/ts/emit.ts', text: "import '../../compiler/ir.ts'" },
      { path: 'compiler/ir.ts', text: "import 'node:fs'\nnew Function('x', 'return x')" },
    ]
    expect(violations(files)).toEqual([
      'compiler/ir.ts: imports node:fs',
      'compiler/ir.ts: node:fs below index.ts',
      'compiler/ir.ts: eval below index.ts',
    ])
  })
})

test('what the table allows is no violation', () => {
  const files = [
    { path: 'index.ts', text: "export { x } from './targets/index.ts'\nimport type { y } from './grammar/ast.ts'" },
    { path: 'grammar/ast.ts', text: "import { z } from './token.ts'\nimport 'chevrotain'" },
    { path: 'targets/index.ts', text: "export const x = { ts: () => import('./ts/emit.ts') }" },
    { path: 'targets/ts/emit.ts', text: "import '../../generated/sources.ts'\nawait import('ts-morph')" },
    { path: 'runtime/run.ts', text: "import { execa } from 'execa'\nimport 'node:fs'\nswitch (1) { default: }" },
    { path: 'tune/search.ts', text: "import { median } from 'simple-statistics'" },
    { path: 'cli/main.ts', text: "import { Command } from 'commander'\nimport '../node.ts'" },
    { path: 'vitest.config.ts', text: "import { x } from 'vitest/config'\nexport default {}" },
    { path: 'test/x.test.ts', text: "import '../cli/main.ts'\nimport ts from 'typescript'" },
  ]
  expect(violations(files)).toEqual([])
})
