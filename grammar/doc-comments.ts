import type { IToken } from 'chevrotain'
import type { SourceFile } from './source.ts'

/** The run of `///` lines directly before a token. */
export interface Doc {
  readonly text: string
  readonly comments: readonly IToken[]
}

/** By the offset of the token that follows. `////` and what ends a line of code are comments like any other. */
export function collectDocs(
  file: SourceFile,
  tokens: readonly IToken[],
  comments: readonly IToken[],
): ReadonlyMap<number, Doc> {
  const docs = new Map<number, Doc>()
  let run: IToken[] = []
  let next = 0
  for (const token of tokens) {
    run = []
    for (let comment = comments[next]; comment && comment.startOffset < token.startOffset; comment = comments[next]) {
      if (isDoc(file, comment)) run.push(comment)
      else run = []
      next += 1
    }
    if (run.length > 0)
      docs.set(token.startOffset, { text: run.map(({ image }) => docLine(image)).join('\n'), comments: run })
  }
  return docs
}

const isDoc = (file: SourceFile, comment: IToken): boolean =>
  /^\/\/\/(?!\/)/.test(comment.image) && isFirstOnLine(file.text, comment.startOffset)

function isFirstOnLine(text: string, offset: number): boolean {
  let at = offset - 1
  while (at >= 0 && (text[at] === ' ' || text[at] === '\t' || text[at] === '\uFEFF')) at -= 1
  return at < 0 || text[at] === '\n' || text[at] === '\r'
}

const docLine = (image: string): string => image.slice(3).replace(/^ /, '').trimEnd()
