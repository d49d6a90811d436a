/** A change of a text, as editors tell it: a piece that another one takes the place of, or all of it. */
import type { TextDocumentContentChangeEvent } from 'vscode-languageserver'
import type { SourceFile } from '../../grammar/source.ts'
import { offsetOf } from './places.ts'

export function changeText(file: SourceFile, change: TextDocumentContentChangeEvent): SourceFile {
  if (!('range' in change)) return { path: file.path, text: change.text }
  const [a, b] = [offsetOf(file, change.range.start), offsetOf(file, change.range.end)]
  const [start, end] = [Math.min(a, b), Math.max(a, b)]
  return { path: file.path, text: file.text.slice(0, start) + change.text + file.text.slice(end) }
}
