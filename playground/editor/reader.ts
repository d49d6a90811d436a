/** A view of generated code, which may be long: only the lines in sight are elements. */
import { defaultKeymap } from '@codemirror/commands'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap, lineNumbers } from '@codemirror/view'
import { colored, languageOf } from './language.ts'
import { theme } from './theme.ts'

export interface Reader {
  show(path: string, text: string): void
}

export function createReader(place: HTMLElement): Reader {
  const root = place.attachShadow({ mode: 'open' })
  const stateOf = (path: string, doc: string): EditorState =>
    EditorState.create({
      doc,
      extensions: [
        lineNumbers(),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({ 'aria-label': `Generated code: ${path}`, tabindex: '0' }),
        keymap.of(defaultKeymap),
        colored(languageOf(path)),
        theme,
      ],
    })
  const view = new EditorView({ state: stateOf('', ''), root, parent: root })
  let shown = ''
  return {
    /** The place in a file stays when its text changes. */
    show(path, text) {
      if (path !== shown) view.setState(stateOf(path, text))
      else if (view.state.doc.toString() !== text) view.dispatch({ changes: changed(view.state.doc.toString(), text) })
      shown = path
    },
  }
}

/** The part in which two texts differ. */
function changed(old: string, text: string): { from: number; to: number; insert: string } {
  const least = Math.min(old.length, text.length)
  let from = 0
  while (from < least && old[from] === text[from]) from++
  let end = 0
  while (end < least - from && old[old.length - 1 - end] === text[text.length - 1 - end]) end++
  return { from, to: old.length - end, insert: text.slice(from, text.length - end) }
}
