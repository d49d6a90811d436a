import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type {
  CodeAction,
  CompletionItem,
  Diagnostic,
  DocumentHighlight,
  DocumentSymbol,
  Hover,
  InlayHint,
  Location,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver'
import { library } from '../compiler/check/check.ts'
import { type Client, startClient } from './lsp-client.ts'

// The language server as editors use it: a process, and a script that speaks for the editor.

const lib = `/// Twice as much.
fn twice(x) = 2 * x
fn thrice(x) = 3 * x
`
const main = `import "lib/twice.attn"

/// A test.
attention tested {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], gain[h]: f32 in [0, 1]
  param cap = 50.0
  let   scaled = dot(q, k) / sqrt(size(d))
  score     = twice(gain * scaled)
  mask      = j <= i
  normalize = own[j](min(score, cap))
  output    sum[j](weight * v)
  output    best = max[j](score)
}

/// An exponential share.
fn own[x](s) = {
  let w = exp(s - max[x](s))
  w / sum[x](w)
}

check { b = 1, h = 2, i = 3, j = 4, d = 5, e = 6 }
`

let folder: string
let client: Client
const uri = (path: string): string => pathToFileURL(join(folder, path)).href
const put = (path: string, text: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** The place of a piece of a text; `‸` in the piece says where in it. */
function at(text: string, piece: string): { line: number; character: number } {
  const [before = '', after = ''] = piece.includes('‸') ? piece.split('‸') : ['', piece]
  const found = text.indexOf(before + after)
  if (found < 0) throw new Error(`no ${piece}`)
  const lines = text.slice(0, found + before.length).split('\n')
  return { line: lines.length - 1, character: lines.at(-1)!.length }
}

const ask = <T>(method: string, path: string, text: string, piece: string, more: object = {}): Promise<T> =>
  client.ask<T>(`textDocument/${method}`, { textDocument: { uri: uri(path) }, position: at(text, piece), ...more })

const hover = async (text: string, piece: string): Promise<string> => {
  const found = await ask<Hover | null>('hover', 'main.attn', text, piece)
  return found && 'value' in (found.contents as object) ? (found.contents as { value: string }).value : ''
}

const piece = (text: string, { start, end }: Location['range']): string => {
  const offset = ({ line, character }: Location['range']['start']): number =>
    text.split('\n').slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + character
  return text.slice(offset(start), offset(end))
}

function apply(text: string, edits: readonly TextEdit[]): string {
  const offset = ({ line, character }: Location['range']['start']): number =>
    text
      .split(/(?<=\n)/)
      .slice(0, line)
      .join('').length + character
  return edits
    .toSorted((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce(
      (all, { range, newText }) => all.slice(0, offset(range.start)) + newText + all.slice(offset(range.end)),
      text,
    )
}

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-lsp-')))
  put('package.json', '{}')
  client = await startClient()
}, 60_000)

afterAll(async () => {
  expect(client.log).toEqual([])
  expect(await client.quit()).toBe(0)
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(() => {
  put('lib/twice.attn', lib)
  put('main.attn', main)
  client.open(uri('main.attn'), main)
})

/** Opens a text of its own, and gives what is found in it. */
async function findingsOf(path: string, text: string): Promise<readonly Diagnostic[]> {
  client.open(uri(path), text)
  return client.findings(uri(path))
}

describe('findings', () => {
  test('there are none in a right file, and they come and go as it is typed', async () => {
    expect(await client.findings(uri('main.attn'))).toEqual([])
    const range = { start: at(main, 'twice(gain'), end: at(main, 'twice‸(gain') }
    client.change(uri('main.attn'), { range, text: 'twcie' })
    const [found, ...others] = await client.findings(uri('main.attn'))
    expect(others).toEqual([])
    expect(found).toMatchObject({ severity: 1, code: 'ATTN0101', source: 'attnc', range })
    expect(found!.message).toContain("did you mean 'twice'?")
    client.change(uri('main.attn'), { range, text: 'twice' })
    expect(await client.findings(uri('main.attn'))).toEqual([])
  })

  test('a syntax error says its place and what to write', async () => {
    const text = main.replace('j <= i\n', 'j <= i and )\n')
    const [found] = await findingsOf('main.attn', text)
    expect(found).toMatchObject({ severity: 1, range: { start: at(text, 'and ‸)') } })
  })

  test('what is wrong in an import is said at the import, with the place', async () => {
    put('lib/twice.attn', 'fn twice(x) = 2 *\n')
    const [found] = await findingsOf('main.attn', `${main}\n`)
    expect(piece(main, found!.range)).toBe('"lib/twice.attn"')
    expect(found!.message).toMatch(/^twice\.attn: /)
    expect(found!.relatedInformation![0]!.location.uri).toBe(uri('lib/twice.attn'))
  })

  test('a fault in a function of an import is said at the call', async () => {
    put('lib/twice.attn', 'fn twice(x) = x[m = 0]\n')
    const text = main.replace('let   scaled', 'axis m\n  let   scaled')
    const [found] = await findingsOf('main.attn', text)
    expect(found!.message).toMatch(/^twice\.attn: /)
    expect(['twice(gain * scaled)', '"lib/twice.attn"']).toContain(piece(text, found!.range))
  })

  test('ten thousand are cut short, and that is said', async () => {
    const lets = Array.from({ length: 10_000 }, (_, k) => `  let x${k} = y${k}`).join('\n')
    const found = await findingsOf('many.attn', `attention a {\n${lets}\n}\n`)
    expect(found).toHaveLength(201)
    expect(found.at(-1)).toMatchObject({
      severity: 3,
      message: expect.stringMatching(/^\d+ more findings are not shown/),
    })
    client.change(uri('many.attn'), { text: 'fn few(x) = x\n' })
    expect(await client.findings(uri('many.attn'))).toEqual([])
  }, 60_000)

  test('errors come first where there are too many', async () => {
    const lets = Array.from({ length: 300 }, (_, k) => `  let x${k} = ${k}`).join('\n')
    const text = main.replace('  score ', `${lets}\n  score `)
    const warnings = await findingsOf('many.attn', text.replace('lib/', './lib/'))
    expect(warnings).toHaveLength(201)
    expect(new Set(warnings.slice(0, -1).map(({ severity }) => severity))).toEqual(new Set([2]))
    expect(warnings[0]!.tags).toEqual([1])
    const both = await findingsOf('many.attn', text.replace('j <= i', 'j <= z'))
    expect(both.filter(({ severity }) => severity === 1)).toHaveLength(1)
    client.notify('textDocument/didClose', { textDocument: { uri: uri('many.attn') } })
  })
})

describe('fixes', () => {
  test('a quick fix mends a misspelt name, and one action all of them', async () => {
    const text = main.replace('twice(gain', 'twcie(gain').replace('dot(q, k) /', 'dot(q, k) ÷')
    expect(await findingsOf('main.attn', text)).not.toEqual([])
    const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } }
    const params = { textDocument: { uri: uri('main.attn') }, range, context: { diagnostics: [] } }
    const first = await client.ask<CodeAction[]>('textDocument/codeAction', params)
    expect(first.map(({ title }) => title)).toContain("Replace '÷' by '/'")
    const mended = apply(text, first[0]!.edit!.changes![uri('main.attn')]!)
    await findingsOf('main.attn', mended)
    const second = await client.ask<CodeAction[]>('textDocument/codeAction', params)
    expect(second.map(({ title, kind }) => [title, kind])).toEqual([
      ["Replace 'twcie' by 'twice'", 'quickfix'],
      ['Fix all that attnc can (1)', 'source.fixAll'],
    ])
    expect(second[0]!.diagnostics).toHaveLength(1)
    for (const { edit } of second) expect(apply(mended, edit!.changes![uri('main.attn')]!)).toBe(main)
    const only = { ...params, context: { diagnostics: [], only: ['source.fixAll'] } }
    expect(await client.ask<CodeAction[]>('textDocument/codeAction', only)).toHaveLength(1)
    const elsewhere = { ...params, range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } } }
    const kinds = (await client.ask<CodeAction[]>('textDocument/codeAction', elsewhere)).map(({ kind }) => kind)
    expect(kinds).toEqual(['source.fixAll'])
  })
})

describe('hover', () => {
  test.each([
    ['sca‸led =', 'let scaled[b, h, i, j]: f32'],
    ['gain * ‸scaled', 'let scaled[b, h, i, j]: f32'],
    ['‸gain[h]', 'input gain[h]: f32 in [0, 1]'],
    ['‸cap = 50', 'param cap: f32'],
    ['‸score     =', 'score[b, h, i, j]: f32'],
    ['min(‸score', 'score[b, h, i, j]: f32'],
    ['‸mask ', 'mask[i, j]: bool'],
    ['‸twice(gain', 'fn twice(x)'],
    ['‸twice(gain', 'Twice as much.'],
    ['‸twice(gain', 'here: `[b, h, i, j]: f32`'],
    ['‸dot(q', 'of the standard library'],
    ['‸sqrt(', 'the square root'],
    ['size(‸d)', 'score feature'],
    ['max[‸x]', 'an axis that the caller names'],
    ['exp(‸s -', 's[b, h, i, j]: f32'],
    ['‸w / sum', 'let w[b, h, i, j]: f32'],
    ['j ‸<= i', '[i, j]: bool'],
    ['‸weight', 'if mask then normalize else 0'],
    ['‸check', 'lengths at which'],
  ])('%s says %s', async (place, text) => {
    expect(await hover(main, place)).toContain(text)
  })

  test('the derived state of rows stands at the attention, its normalizer and its results', async () => {
    for (const place of ['attention ‸tested', '‸normalize =', 'output    ‸best', '‸output    sum']) {
      expect(await hover(main, place)).toContain('| `row_max` | `max_j ')
      expect(await hover(main, place)).toContain('| `acc[e]` |')
    }
    expect(await hover(main, '‸mask ')).not.toContain('row_max')
  })

  test('nothing is said of comments, of blanks, and beyond the end', async () => {
    expect(await hover(main, '/// A ‸test')).toBe('')
    expect(await hover(main, '\n‸\n/// A test')).toBe('')
    const beyond = { textDocument: { uri: uri('main.attn') }, position: { line: 1000, character: 1000 } }
    expect(await client.ask('textDocument/hover', beyond)).toBeNull()
  })

  test('a broken clause leaves the others as they are', async () => {
    const text = main.replace('j <= i\n', 'j <= \n').replace('own[j](min(', 'own[j](min((')
    await findingsOf('main.attn', text)
    expect(await hover(text, '‸score     =')).toContain('score[b, h, i, j]: f32')
    expect(await hover(text, 'min((‸score')).toContain('score')
    expect(await hover(text, '‸twice(gain')).toContain('fn twice(x)')
  })
})

describe('definitions', () => {
  const define = async (text: string, place: string, path = 'main.attn'): Promise<string | undefined> => {
    const found = await ask<Location | null>('definition', path, text, place)
    if (!found) return undefined
    const target = found.uri === uri('main.attn') ? text : readFileSync(fileURLToPath(found.uri), 'utf8')
    return `${found.uri.split('/').at(-1)}:${found.range.start.line + 1} ${piece(target, found.range)}`
  }

  test.each([
    ['gain * ‸scaled', 'main.attn:7 scaled'],
    ['‸gain * scaled', 'main.attn:5 gain'],
    ['‸own[j](', 'main.attn:16 own'],
    ['‸twice(gain', 'twice.attn:2 twice'],
    ['"lib/‸twice', 'twice.attn:1 '],
    ['‸dot(q', 'std.attn:6 dot'],
    ['w / sum[x](‸w)', 'main.attn:17 w'],
    ['exp(‸s', 'main.attn:16 s'],
    ['max[‸x](s)', 'main.attn:16 x'],
    ['‸score, cap', 'main.attn:8 score'],
    ['‸weight * v', 'main.attn:10 normalize'],
    ['‸sqrt', undefined],
    ['‸j <= i', undefined],
  ])('%s is %s', async (place, text) => {
    expect(await define(main, place)).toBe(text)
  })

  test('the library can be opened: it is itself there', async () => {
    const { uri: address } = await ask<Location>('definition', 'main.attn', main, '‸dot(q')
    const text = readFileSync(fileURLToPath(address), 'utf8')
    expect(text).toBe(library.text)
    client.open(address, text)
    expect(await client.findings(address)).toEqual([])
    const place = { textDocument: { uri: address }, position: at(text, 'x * ‸sigmoid') }
    expect(await client.ask('textDocument/definition', place)).toMatchObject({ uri: address })
  })
})

describe('references and new names', () => {
  const rename = (text: string, place: string, newName: string): Promise<WorkspaceEdit> =>
    ask('rename', 'main.attn', text, place, { newName })

  test('highlights are those of one thing, not of one name', async () => {
    const found = await ask<DocumentHighlight[]>('documentHighlight', 'main.attn', main, 'let ‸w')
    expect(found.map(({ range, kind }) => [range.start.line + 1, kind])).toEqual([
      [17, 3],
      [18, 2],
      [18, 2],
    ])
  })

  test('uses of a function are found in all sources of the project', async () => {
    put('deep/other.attn', `import "../lib/twice.attn"\nfn four(x) = twice(twice(x))\n`)
    put('deep/stranger.attn', 'fn twice(x) = x\nfn same(x) = twice(x)\n')
    const found = await ask<Location[]>('references', 'main.attn', main, '‸twice(gain', {
      context: { includeDeclaration: true },
    })
    expect(
      found.map(({ uri: one, range }) => `${one.slice(uri('').length + 1)}:${range.start.line + 1}`).toSorted(),
    ).toEqual(['deep/other.attn:2', 'deep/other.attn:2', 'lib/twice.attn:2', 'main.attn:8'])
    const uses = await ask<Location[]>('references', 'main.attn', main, '‸twice(gain', {
      context: { includeDeclaration: false },
    })
    expect(uses).toHaveLength(3)
    const { changes = {} } = await rename(main, '‸twice(gain', 'doubled')
    expect(
      Object.keys(changes)
        .map((one) => one.slice(uri('').length + 1))
        .toSorted(),
    ).toEqual(['deep/other.attn', 'lib/twice.attn', 'main.attn'])
    expect(apply(lib, changes[uri('lib/twice.attn')]!)).toBe(lib.replace('twice(', 'doubled('))
    expect(apply(main, changes[uri('main.attn')]!)).toBe(main.replace('twice(gain', 'doubled(gain'))
    rmSync(join(folder, 'deep'), { recursive: true })
  })

  test('an axis is renamed in check lines too', async () => {
    const text = main
      .replace('  param', '  axis r = 3\n  input extra[b, r]\n  param')
      .replace('e = 6 }', 'e = 6, r = 3 }')
    await findingsOf('main.attn', text)
    const { changes = {} } = await rename(text, 'axis ‸r', 'rank')
    expect(apply(text, changes[uri('main.attn')]!)).toBe(
      text.replace('axis r', 'axis rank').replace('[b, r]', '[b, rank]').replace(', r = 3', ', rank = 3'),
    )
  })

  test.each([
    ['‸score     =', 'x', "'score' is a predefined name"],
    ['‸dot(q', 'x', "'dot' is a function of the standard library"],
    ['‸sqrt', 'x', "'sqrt' is a function of the language"],
    ['size(‸d)', 'x', "'d' is a conventional axis"],
    ['‸gain[h]', '7x', "'7x' is not a name"],
    ['‸gain[h]', 'let', "'let' is a reserved word"],
    ['‸gain[h]', 'weight', "'weight' is a predefined name"],
    ['‸gain[h]', 'x'.repeat(65), 'a name has 64 characters at most'],
    ['‸gain[h]', 'cap', 'has a meaning in'],
    ['‸twice(gain', 'own', 'has a meaning in'],
    ['‸twice(gain', 'sqrt', 'has a meaning in'],
    ['‸50.0', 'x', 'there is no name here'],
  ])('%s cannot be called %s: %s', async (place, name, why) => {
    await expect(rename(main, place, name)).rejects.toThrow(why)
  })

  test('the value that a result means without saying so keeps its name', async () => {
    const text = main.replace('  output    sum[j](weight * v)\n', '')
    await findingsOf('main.attn', text)
    await expect(rename(text, '‸v[b', 'values')).rejects.toThrow("'v' has a meaning by its name")
    await expect(ask('prepareRename', 'main.attn', text, '‸v[b')).rejects.toThrow("'v' has a meaning by its name")
    expect(await ask('prepareRename', 'main.attn', text, '‸gain[h]')).toMatchObject({ placeholder: 'gain' })
  })

  test('nothing is renamed while a file cannot be read', async () => {
    const text = main.replace('j <= i\n', 'j <= \n')
    await findingsOf('main.attn', text)
    await expect(rename(text, '‸gain[h]', 'g')).rejects.toThrow('mend what is wrong at')
  })

  test('without a project, folders below are left alone', async () => {
    const lonely = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-lonely-')))
    const address = (path: string): string => pathToFileURL(join(lonely, path)).href
    for (let n = 0; n < 3_000; n += 1) mkdirSync(join(lonely, `folder${n % 30}`, `${n}`), { recursive: true })
    writeFileSync(join(lonely, 'lib.attn'), lib)
    writeFileSync(join(lonely, 'beside.attn'), 'import "lib.attn"\nfn f(x) = twice(x)\n')
    writeFileSync(join(lonely, 'folder0', 'below.attn'), 'import "../lib.attn"\nfn f(x) = twice(x)\n')
    client.open(address('lib.attn'), lib)
    const began = performance.now()
    const found = await client.ask<Location[]>('textDocument/references', {
      textDocument: { uri: address('lib.attn') },
      position: at(lib, 'fn ‸twice'),
      context: { includeDeclaration: false },
    })
    console.log(
      `references in a folder of 3,000 folders without a project: ${(performance.now() - began).toFixed(0)} ms`,
    )
    expect(found.map(({ uri: one }) => one)).toEqual([address('beside.attn')])
    rmSync(lonely, { recursive: true })
  })
})

describe('completion', () => {
  const labels = async (text: string, place: string): Promise<readonly string[]> => {
    client.change(uri('main.attn'), { text: text.replace('‸', '') })
    const found = await ask<CompletionItem[]>('completion', 'main.attn', text.replace('‸', ''), place)
    return found.map(({ label }) => label)
  }
  const with_ = (from: string, to: string): string => main.replace(from, to)

  test.each([
    [
      'a clause',
      with_('  mask  ', '  ‸\n  mask  '),
      '  ‸\n  mask',
      ['param', 'let', 'score', 'output'],
      ['import', 'sqrt'],
    ],
    [
      'an operand',
      with_('j <= i\n', 'j <= ‸\n'),
      'j <= ‸',
      ['scaled', 'gain', 'i', 'twice', 'softmax', 'sqrt', 'if'],
      ['param'],
    ],
    ['an axis', with_('own[j](min', 'own[‸](min'), 'own[‸', ['b', 'j', 'e'], ['gain', 'param']],
    ['a type', with_(': f32 in', ': ‸ in'), ': ‸ in', ['f32', 'bf16', 'bool'], ['gain']],
    ['a new name', with_('let   scaled', 'let   ‸'), 'let   ‸', [], ['gain', 'let']],
    ['an axis of a check', with_('check { b = 1,', 'check { ‸'), 'check { ‸', ['b', 'j'], ['score']],
    ['an item', with_('check {', '‸\ncheck {'), '‸\ncheck', ['attention', 'fn', 'check', 'import'], ['param']],
    [
      'in a broken function',
      with_('w / sum[x](w)', 'w / (‸'),
      'w / (‸',
      ['s', 'w', 'softmax', 'exp'],
      ['gain', 'score'],
    ],
    ['a statement', with_('  w / sum', '  ‸\n  w / sum'), '  ‸\n  w', ['let', 'repeat', 'w', 's'], ['param']],
    ['a path', with_('lib/twice.attn', 'lib/‸'), 'lib/‸', ['twice.attn'], ['fn']],
    ['a folder', with_('lib/twice.attn', '‸'), 'import "‸', ['lib'], ['main.attn']],
    ['a comment', with_('/// A test', '/// A ‸test'), '/// A ‸', [], ['let']],
    ['a number', with_('50.0', '50‸'), '50‸', [], ['let', 'gain']],
    ['a level', with_('  mask  ', '  precision ‸\n  mask  '), 'precision ‸', ['fast', 'accurate'], ['gain']],
  ])('of %s', async (_, text, place, some, none) => {
    const found = await labels(text, place)
    expect(found).toEqual(expect.arrayContaining(some))
    expect(found.filter((label) => none.includes(label))).toEqual([])
    if (some.length === 0) expect(found).toEqual([])
  })

  test('a function comes with its arguments to be filled in, and says what it is', async () => {
    const text = main.replace('j <= i\n', 'j <= \n')
    client.change(uri('main.attn'), { text })
    const found = await ask<CompletionItem[]>('completion', 'main.attn', text, 'j <= ‸\n')
    const own = found.find(({ label }) => label === 'own')
    expect(own).toMatchObject({ insertText: `own[\${1:x}](\${2:s})`, detail: 'fn own[x](s)' })
    expect(JSON.stringify(own)).toContain('An exponential share.')
  })
})

describe('layout, outline and hints', () => {
  test('formatting changes the lines that differ alone', async () => {
    const standard = main.replace(/\{\n {2}let w(.*)\n {2}(.*)\n\}/, '{ let w$1; $2 }')
    const messy = standard.replace('score     =', 'score =').replace('let   scaled', 'let scaled')
    await findingsOf('main.attn', messy)
    const params = { textDocument: { uri: uri('main.attn') }, options: { tabSize: 2, insertSpaces: true } }
    const edits = await client.ask<TextEdit[]>('textDocument/formatting', params)
    expect(apply(messy, edits)).toBe(standard)
    expect(edits[0]!.range.start.line).toBeGreaterThan(4)
    client.change(uri('main.attn'), { text: standard })
    expect(await client.ask('textDocument/formatting', params)).toEqual([])
    client.change(uri('main.attn'), { text: main.replace('}', '') })
    expect(await client.ask('textDocument/formatting', params)).toBeNull()
  })

  test('inferred axes are shown behind what is defined', async () => {
    const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } }
    const found = await client.ask<InlayHint[]>('textDocument/inlayHint', {
      textDocument: { uri: uri('main.attn') },
      range,
    })
    expect(found.map(({ position, label }) => `${position.line + 1} ${label}`)).toEqual([
      '6 : f32',
      '7 [b, h, i, j]',
      '8 [b, h, i, j]',
      '9 [i, j]',
      '10 [b, h, i, j]',
      '11 [b, h, i, e]',
      '12 [b, h, i]',
    ])
    const few = { start: { line: 8, character: 0 }, end: { line: 8, character: 5 } }
    expect(
      await client.ask('textDocument/inlayHint', { textDocument: { uri: uri('main.attn') }, range: few }),
    ).toHaveLength(1)
  })

  test('the outline has attentions with their clauses, and functions', async () => {
    const found = await client.ask<DocumentSymbol[]>('textDocument/documentSymbol', {
      textDocument: { uri: uri('main.attn') },
    })
    expect(found.map(({ name, detail }) => name + (detail ?? ''))).toEqual(['tested', 'own[x](s)'])
    expect(found[0]!.children!.map(({ name }) => name)).toEqual([
      ...['q', 'k', 'v', 'gain', 'cap', 'scaled', 'score', 'mask', 'normalize', 'out', 'best'],
    ])
  })
})

describe('what is not as it should be', () => {
  test('an import that is open counts as it is typed, not as it is saved', async () => {
    expect(await client.findings(uri('main.attn'))).toEqual([])
    client.open(uri('lib/twice.attn'), lib.replace('twice', 'doubled'))
    client.change(uri('main.attn'), { text: `${main}\n` })
    expect((await client.findings(uri('main.attn')))[0]!.message).toContain("'twice'")
    client.notify('textDocument/didClose', { textDocument: { uri: uri('lib/twice.attn') } })
    client.change(uri('main.attn'), { text: main })
    expect(await client.findings(uri('main.attn'))).toEqual([])
  })

  test('a new import that no disk has is known', async () => {
    client.open(uri('lib/new.attn'), 'fn fresh(x) = x\n')
    const text = `import "lib/new.attn"\n${main.replace('twice(gain', 'fresh(gain')}`
    expect(await findingsOf('main.attn', text)).toEqual([])
    client.notify('textDocument/didClose', { textDocument: { uri: uri('lib/new.attn') } })
    client.change(uri('main.attn'), { text })
    expect((await client.findings(uri('main.attn')))[0]!.message).toContain('lib/new.attn')
  })

  test('a file that vanishes is missed, and found again', async () => {
    expect(await client.findings(uri('main.attn'))).toEqual([])
    unlinkSync(join(folder, 'lib/twice.attn'))
    client.change(uri('main.attn'), { text: `${main}\n` })
    expect((await client.findings(uri('main.attn')))[0]!.message).toContain('no such file')
    expect(await hover(main, '‸own[j](')).toContain('fn own[x](s)')
    expect(await hover(main, '‸scaled =')).toContain('scaled[b, h, i, j]: f32')
    put('lib/twice.attn', lib)
    client.change(uri('main.attn'), { text: main })
    expect(await client.findings(uri('main.attn'))).toEqual([])
  })

  test('a change on disk that the editor tells of is seen without a word typed', async () => {
    expect(await client.findings(uri('main.attn'))).toEqual([])
    put('lib/twice.attn', 'fn other(x) = x\n')
    client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: uri('lib/twice.attn'), type: 2 }] })
    await expect.poll(() => client.findings(uri('main.attn'))).not.toEqual([])
  })

  test('texts outside of any folder are checked, but import nothing', async () => {
    const untitled = 'untitled:Untitled-1'
    client.open(untitled, main)
    expect((await client.findings(untitled))[0]!.message).toContain('save it first')
    const text = main.replace(/import.*\n/, '').replace('twice', '')
    client.change(untitled, { text })
    expect(await client.findings(untitled)).toEqual([])
    const params = { textDocument: { uri: untitled }, position: at(text, 'gain * ‸scaled') }
    expect(await client.ask('textDocument/definition', params)).toMatchObject({ uri: untitled })
  })

  test('files outside of the workspace, and by another way to them, are the same files', async () => {
    const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-elsewhere-')))
    symlinkSync(join(folder, 'lib'), join(elsewhere, 'lib'))
    const linked = pathToFileURL(join(elsewhere, 'lib/twice.attn')).href
    client.open(linked, lib.replace('fn twice', 'fn renamed'))
    client.change(uri('main.attn'), { text: `${main}\n` })
    expect((await client.findings(uri('main.attn')))[0]!.message).toContain("'twice'")
    client.notify('textDocument/didClose', { textDocument: { uri: linked } })
    rmSync(elsewhere, { recursive: true })
    const params = {
      textDocument: { uri: pathToFileURL('/nowhere/at/all.attn').href },
      position: { line: 0, character: 0 },
    }
    expect(await client.ask('textDocument/hover', params)).toBeNull()
    expect(await client.ask('textDocument/hover', { ...params, textDocument: { uri: 'file:///%zz' } })).toBeNull()
  })

  test('imports in a circle, of itself and of a folder are findings', async () => {
    put('a.attn', 'import "b.attn"\nfn a(x) = x\n')
    put('b.attn', 'import "a.attn"\nfn b(x) = x\n')
    const circle = await findingsOf('a.attn', 'import "b.attn"\nfn a(x) = x\n')
    expect(circle[0]!.message).toMatch(/import/)
    expect(await findingsOf('self.attn', 'import "self.attn"\nfn f(x) = x\n')).not.toEqual([])
    expect(await findingsOf('of.attn', 'import "lib"\nfn f(x) = x\n')).not.toEqual([])
  })

  test('a text without end, of one line, with marks and pairs is answered', async () => {
    const long = `fn f(x) = ${'x + '.repeat(20_000)}x`
    expect((await findingsOf('long.attn', long))[0]!.severity).toBe(1)
    const odd = '\uFEFFfn f(x) = x // 😀\r\nfn g(x) = f(x)\r'
    expect(await findingsOf('odd.attn', odd)).toEqual([])
    const found = await client.ask<Location>('textDocument/definition', {
      textDocument: { uri: uri('odd.attn') },
      position: { line: 1, character: 10 },
    })
    expect(found.range).toEqual({ start: { line: 0, character: 4 }, end: { line: 0, character: 5 } })
    client.change(uri('odd.attn'), {
      range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } },
      text: '',
    })
    client.change(uri('odd.attn'), {
      range: { start: { line: 7, character: 9 }, end: { line: 2, character: 0 } },
      text: 'fn h(x) = g(x)',
    })
    expect(await client.findings(uri('odd.attn'))).toEqual([])
  })
})

describe('a server that is killed', () => {
  test('leaves nothing behind: the next one answers', async () => {
    const first = await startClient()
    first.open(uri('main.attn'), main)
    const lost = first.ask('textDocument/hover', {
      textDocument: { uri: uri('main.attn') },
      position: { line: 3, character: 12 },
    })
    first.process.kill('SIGKILL')
    await expect(lost).rejects.toThrow()
    const second = await startClient()
    second.open(uri('main.attn'), main)
    expect(await second.findings(uri('main.attn'))).toEqual([])
    expect(await second.quit()).toBe(0)
  }, 60_000)

  test('ends itself when the editor leaves without a word', async () => {
    const left = await startClient()
    const ended = new Promise((resolve) => left.process.once('exit', resolve))
    left.process.stdin!.end()
    expect(await ended).toBe(1)
  }, 60_000)

  test('bears a message that is none', async () => {
    const odd = await startClient()
    odd.notify('no/such/thing', { a: 1 })
    await expect(odd.ask('textDocument/noSuch', {})).rejects.toThrow()
    odd.change('file:///never/opened.attn', { text: 'x' })
    odd.notify('textDocument/didClose', { textDocument: { uri: 'file:///never/opened.attn' } })
    odd.open(uri('main.attn'), main)
    expect(await odd.findings(uri('main.attn'))).toEqual([])
    expect(await odd.quit()).toBe(0)
  }, 60_000)
})
