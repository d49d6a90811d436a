/** Reads the PTX that nvcc writes: kernels, their variables, and the lines that their instructions come from. */
import type { Entry, Module, Variable } from './module.ts'
import { parseBody } from './parse-body.ts'
import { Tokens } from './tokens.ts'
import { parseVariable } from './variable.ts'

/** @throws Error  where the text is not what nvcc writes, or has what the interpreter does not know */
export function parse(text: string): Module {
  const files = filesOf(text)
  const tokens = new Tokens(text)
  const entries = new Map<string, Entry>()
  const variables: Variable[] = []
  let target = ''
  while (!tokens.isDone) {
    const word = tokens.next()
    if (word === '.target') target = tokens.next()
    else if (word === '.entry') {
      const entry = parseEntry(tokens, files)
      entries.set(entry.name, entry)
    } else if (word === '.func')
      throw new Error('PTX has a function that is called, which the interpreter does not know')
    else if (word === '.section') skipBraces(tokens)
    else if (isSpace(word)) variables.push(...parseVariable(tokens, word))
  }
  return { target, entries, variables }
}

const isSpace = (word: string): word is '.global' | '.const' | '.shared' =>
  word === '.global' || word === '.const' || word === '.shared'

/** Files stand at the end: `.file 1 "/folder/softmax.cu"`. */
function filesOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^\s*\.file\s+(\d+)\s+"([^"]*)"/gm)].map(([, n = '', path = '']) => [
      n,
      path.slice(path.lastIndexOf('/') + 1),
    ]),
  )
}

function skipBraces(tokens: Tokens): void {
  while (!tokens.isDone && tokens.next() !== '{') {}
  for (let depth = 1; depth > 0 && !tokens.isDone; ) {
    const word = tokens.next()
    if (word === '{') depth++
    if (word === '}') depth--
  }
}

function parseEntry(tokens: Tokens, files: ReadonlyMap<string, string>): Entry {
  const name = tokens.next()
  const params: Variable[] = []
  if (tokens.skip('(')) {
    while (!tokens.skip(')')) {
      if (tokens.skip('.param')) params.push(...parseVariable(tokens, '.param'))
      else tokens.expect(',')
    }
  }
  let maxThreads = 1024
  while (tokens.peek() !== '{') {
    if (tokens.next() !== '.maxntid') continue
    maxThreads = Number(tokens.next())
    while (tokens.skip(',')) maxThreads *= Number(tokens.next())
  }
  return { name, params, maxThreads, ...parseBody(tokens, files) }
}
