/** `attnc init`: a first source, commented, and what to do with it. */
import { basename, join } from 'node:path'
import { reserved } from '../grammar/tokens.ts'
import { extension, isFolder } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { writeNew } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import { oneLine } from './one-line.ts'

export async function init(args: readonly string[]): Promise<Answer> {
  const place = placeOf(args[0] ?? '.')
  if (!place.ok) return refuse(place.findings)
  const { path, attention } = place.value
  const written = writeNew(path, sourceOf(attention))
  if (!written.ok) return refuse(written.findings)
  const next = [`attnc verify ${shellWord(path)}`, `attnc build ${shellWord(path)} --target ts -o out`]
  return {
    exit: 0,
    findings: [],
    out: `${oneLine(path)}\n`,
    note: `\nnext:\n${next.map((line) => `  ${oneLine(line)}\n`).join('')}`.trimEnd(),
    json: { path, attention, next },
  }
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

const sourceOf = (
  name: string,
): string => `/// Softmax attention in which a query sees the keys up to its own position. Lines like this one are printed into
/// generated code.
attention ${name} {
  // A tensor is declared with its axes: batch b, head h, query i, key j, and the features d and e.
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]

  // A number that callers may choose, with its default.
  param scale = 1 / sqrt(size(d))

  // One score for each pair of a query and a key.
  score     = scale * dot(q, k)

  // Which pairs count. The last query stands at the last key.
  mask      = j <= i + size(j) - size(i)

  // The weights. softmax is a function of the library; one of your own is: fn name[x](s) = ...
  normalize = softmax[j](score)

  // The result is sum[j](weight * v), unless an output without a name says otherwise. Further results have names.
  output    lse = logsumexp[j](score)
}

// Lengths at which attnc verify compares what is generated with this definition.
check { b = 1, h = 2, i = 9, j = 17, d = 16, e = 16 }
check { b = 2, h = 1, i = 1, j = 35, d = 64, e = 64 }
`
