import { globSync, readFileSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import { describe, expect, test } from 'vitest'
import { conventionalAxes } from '../compiler/check/axes.ts'
import { builtins, folds } from '../compiler/check/builtins.ts'
import { storages } from '../compiler/check/declarations.ts'
import { predefined } from '../compiler/check/definitions.ts'
import { lex } from '../grammar/lex.ts'
import { recover } from '../grammar/recover.ts'
import type { SourceFile } from '../grammar/source.ts'
import { Ident, reserved } from '../grammar/tokens.ts'
import { emitStage } from '../index.ts'
import { renamable, rename } from '../integrations/lsp/rename.ts'
import { meaningOfAxis, meaningOfBuiltin, meaningOfName, meaningOfWord } from '../integrations/lsp/words.ts'
import { Workspace } from '../integrations/lsp/workspace.ts'

const root = resolvePath(import.meta.dirname, '..')
const examples = globSync('examples/*.attn', { cwd: root }).toSorted()
const read = (path: string): string => readFileSync(resolvePath(root, path), 'utf8')

function opened(path: string, text: string) {
  const workspace = new Workspace()
  const { file } = workspace.set(`untitled:${path}`, 1, text)
  return { workspace, analysis: workspace.analyse(file), file }
}

describe('every name of an example means something:', () => {
  test.each(examples)('%s', (path) => {
    const { analysis, file } = opened(path, read(path))
    const meant = new Set(analysis.resolved.occurrences.map(({ span }) => span.start))
    const unknown = lex(file).tokens.filter(
      ({ tokenType, startOffset }) => tokenType === Ident && !meant.has(startOffset),
    )
    const named = unknown.map(({ image }) => image).filter((image) => !storages.some((type) => type === image))
    expect(named.filter((image) => !['fast', 'accurate'].includes(image))).toEqual([])
  })
})

/** The intermediate form without the old and the new name: nothing else may change. */
const irOf = (file: SourceFile, name: string): string => {
  const emitted = emitStage('ir', file)
  if (!emitted.ok) throw new Error(emitted.diagnostics.map(({ message }) => message).join('\n'))
  return emitted.value.replaceAll(new RegExp(`\\b(${name}|zz_new)\\b`, 'g'), 'NAME')
}

// Whoever renames may not change what is computed. The editor's rules of scope are its own, and the compiler knows nothing of them.
describe('a new name for any name leaves the program as it is:', () => {
  test.each(examples)('%s', (path) => {
    const text = read(path)
    const { analysis, workspace, file } = opened(path, text)
    const declared = analysis.resolved.occurrences.filter(({ role }) => role === 'declares')
    for (const { span, of } of declared) {
      if (!renamable(analysis, span.start).ok) continue
      const renamed = rename(analysis, span.start, 'zz_new', workspace)
      if (!renamed.ok) throw new Error(`${of.name}: ${renamed.why}`)
      const edits = Object.values(renamed.changes).flat()
      const lines = text.split('\n')
      for (const { range } of edits.toSorted((a, b) => b.range.start.character - a.range.start.character)) {
        const line = lines[range.start.line]!
        lines[range.start.line] = `${line.slice(0, range.start.character)}zz_new${line.slice(range.end.character)}`
      }
      // Declared axes stand in the order of their names where nothing else says how.
      const sorted = (ir: string): string =>
        ir
          .split('\n')
          .map((one) => [...one].toSorted().join(''))
          .join('\n')
      const [before, after] = [irOf(file, of.name), irOf({ path, text: lines.join('\n') }, of.name)]
      expect(of.kind.startsWith('axis') ? sorted(after) : after).toBe(
        of.kind.startsWith('axis') ? sorted(before) : before,
      )
    }
  })
})

test('every word, function, axis and predefined name has a meaning to show, and nothing else has', () => {
  expect(Object.keys(meaningOfWord).toSorted()).toEqual(reserved.toSorted())
  expect(Object.keys(meaningOfName).toSorted()).toEqual(predefined.toSorted())
  expect(Object.keys(meaningOfAxis).toSorted()).toEqual(conventionalAxes.toSorted())
  expect(Object.keys(meaningOfBuiltin).toSorted()).toEqual(
    [...new Set([...Object.keys(builtins), ...Object.keys(folds), 'size'])].toSorted(),
  )
})

describe('of a broken text', () => {
  const shape = (text: string) => {
    const { program, broken } = recover({ path: 'x.attn', text })
    return {
      items: program.items.map((item) =>
        item.kind === 'attention' ? item.clauses.map(({ kind }) => kind) : item.kind,
      ),
      broken: broken.map(({ word, name, names, axes }) => [
        word,
        name?.text,
        ...[...axes, ...names].map(({ text: one }) => one),
      ]),
    }
  }

  test('the clauses and items that are whole are read', () => {
    const text = `/// doc
fn f[x](a, b) = { let c = a + ; c }
attention z {
  input q[b, h, i, d], k[b, h, j
  score = dot(q, k)
  fn g(x) = x
  let y =
  normalize = softmax[j](score)
}
fn h(x) = x
check { i = 3 }
attention zz { let x = 1
`
    expect(shape(text)).toEqual({
      items: [['score', 'fn', 'normalize'], 'fn', 'check', ['let']],
      broken: [
        ['fn', 'f', 'x', 'a', 'b', 'c'],
        ['input', 'q', 'k'],
        ['let', 'y'],
      ],
    })
  })

  test('nothing is read of what lies too deep or is too long', () => {
    expect(shape(`fn f(x) = ${'('.repeat(300)}`).items).toEqual([])
    expect(shape(`fn f(x) = ${'x + '.repeat(20_000)}x\nfn g(x) =`).items).toEqual([])
  })

  test('a file that can be parsed is what the parser makes of it', () => {
    for (const path of examples.slice(0, 10)) expect(shape(read(path)).broken).toEqual([])
  })
})
