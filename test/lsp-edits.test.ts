import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { DocumentSymbol } from 'vscode-languageserver'
import { lex } from '../grammar/lex.ts'
import { reserved } from '../grammar/tokens.ts'
import { changeText } from '../integrations/lsp/change.ts'
import { positionOf } from '../integrations/lsp/places.ts'
import { type Client, startClient } from './lsp-client.ts'

// Thousands of edits, most of which break the text, with a question after each: the server answers all of them, and at the end has
// the text that the editor has. SEED=n draws others.

const root = resolve(import.meta.dirname, '..')
const uri = 'file:///tmp/edits/edited.attn'

const seed = Number(process.env.SEED ?? 20_260)
/** mulberry32 */
function createDraw(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const pieces = [
  ...reserved,
  ...[
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ',',
    ';',
    ':',
    '=',
    '==',
    '+',
    '-',
    '*',
    '/',
    '^',
    '"',
    '//',
    '///',
    '\n',
    '\r\n',
    ' ',
  ],
  ...[
    'q',
    'k',
    'v',
    'score',
    'mask',
    'weight',
    'softmax[j](score)',
    'dot(q, k)',
    'j <= i',
    '1e-3',
    '64',
    '999999999999',
  ],
  ...['import "x.attn"\n', '\nfn f(x) = f(x)\n', 'let e = exp(', 'check { i = 3 }', '÷', '😀', '\uFEFF', '\0', '#'],
]

const questions = [
  'hover',
  'definition',
  'references',
  'documentHighlight',
  'documentSymbol',
  'completion',
  'formatting',
  'inlayHint',
  'codeAction',
  'prepareRename',
  'rename',
] as const

interface Asked {
  readonly method: string
  readonly ms: number
}

/** Changes the text and asks one thing of it, `times` times. */
async function edit(client: Client, begin: string, times: number, draw: (below: number) => number) {
  let file = { path: '/tmp/edits/edited.attn', text: begin }
  const asked: Asked[] = []
  client.open(uri, begin)
  for (let n = 0; n < times; n += 1) {
    const start = draw(file.text.length + 1)
    const length = draw(3) === 0 ? draw(12) : 0
    const range = { start: positionOf(file, start), end: positionOf(file, Math.min(start + length, file.text.length)) }
    const back = draw(20) === 0
    const change = back ? { text: begin } : { range, text: pieces[draw(pieces.length)]! }
    client.change(uri, change)
    file = changeText(file, change)
    const method = questions[draw(questions.length)]!
    const position = positionOf(file, draw(file.text.length + 1))
    const all = { start: { line: 0, character: 0 }, end: { line: 60, character: 0 } }
    const began = performance.now()
    const answer = client.ask(`textDocument/${method}`, {
      textDocument: { uri },
      position,
      range: all,
      context: { includeDeclaration: true, diagnostics: [] },
      newName: 'renamed',
      options: {},
    })
    // A new name may be refused, and then it is said why.
    await (method.endsWith('ename') ? answer.catch((error) => expect(error.message).not.toContain('attnc:')) : answer)
    asked.push({ method, ms: performance.now() - began })
  }
  return { file, asked }
}

const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0

test('thousands of edits, and an answer after each', async () => {
  const sources = ['z_score', 'grouped_query', 'entropy', 'paged_cache'].map((name) =>
    readFileSync(resolve(root, `examples/${name}.attn`), 'utf8'),
  )
  const client = await startClient()
  const draw = createDraw(seed)
  let last = ''
  for (const source of sources) {
    const { file } = await edit(client, source, 600, draw)
    last = file.text
  }
  const asked = { textDocument: { uri } }
  const symbols = await client.ask<DocumentSymbol[]>('textDocument/documentSymbol', asked)
  const fresh = await startClient()
  fresh.open(uri, last)
  expect(await fresh.ask('textDocument/documentSymbol', asked)).toEqual(symbols)
  client.change(uri, { text: sources[0]! })
  expect(await client.findings(uri)).toEqual([])
  expect(client.log).toEqual([])
  expect([await client.quit(), await fresh.quit()]).toEqual([0, 0])
}, 600_000)

test('a reply on a text of 1,000 lines', async (context) => {
  const texts = globSync('examples/*.attn', { cwd: root })
    .toSorted()
    .map((path) => readFileSync(resolve(root, path), 'utf8').replace(/^check.*\n/gm, ''))
  let text = ''
  for (const one of texts) if (text.split('\n').length < 1_000) text += one
  expect(text.split('\n').length).toBeGreaterThanOrEqual(1_000)
  expect(lex({ path: '', text }).problems).toEqual([])
  const client = await startClient()
  const { asked } = await edit(client, text, 300, createDraw(seed + 1))
  expect(client.log).toEqual([])
  expect(await client.quit()).toBe(0)
  const of = (method: string): string =>
    `${method} ${median(asked.filter((one) => one.method === method).map(({ ms }) => ms)).toFixed(0)}`
  const figure = `median reply on 1,000 lines: ${median(asked.map(({ ms }) => ms)).toFixed(1)} ms (${questions.map(of).join(', ')})`
  await context.annotate(figure)
  console.log(figure)
}, 600_000)
