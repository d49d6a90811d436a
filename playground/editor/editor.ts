/** The editor of the source. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { type Diagnostic, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { EditorSelection, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import type { Remark } from '../remarks.ts'
import { colored } from './language.ts'
import { theme } from './theme.ts'

export interface Editor {
  text(): string
  open(text: string): void
  show(remarks: readonly Remark[]): void
  goTo(remark: Remark): void
  mend(remark: Remark): void
}

export function createEditor(place: HTMLElement, onChange: (text: string) => void): Editor {
  const root = place.attachShadow({ mode: 'open' })
  const extensions: Extension = [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of('  '),
    bracketMatching(),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': 'Source', spellcheck: 'false', tabindex: '0' }),
    keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    colored('attn'),
    theme,
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString())
    }),
  ]
  const stateOf = (doc: string): EditorState => EditorState.create({ doc, extensions })
  const view = new EditorView({ state: stateOf(''), root, parent: root })

  const bounded = (at: number): number => Math.min(Math.max(0, at), view.state.doc.length)
  return {
    text: () => view.state.doc.toString(),
    open(text) {
      view.setState(stateOf(text))
      onChange(view.state.doc.toString())
    },
    show(remarks) {
      const found = remarks.map((one) => diagnosticOf(one, bounded))
      view.dispatch(setDiagnostics(view.state, found))
    },
    goTo({ from, to }) {
      const selection = EditorSelection.single(bounded(from), bounded(to))
      view.dispatch({ selection, effects: EditorView.scrollIntoView(selection.main, { y: 'center' }) })
      view.focus()
    },
    mend({ fix }) {
      view.dispatch({ changes: [...fix] })
      view.focus()
    },
  }
}

function diagnosticOf(remark: Remark, bounded: (at: number) => number): Diagnostic {
  const { severity, message, hint, from, to, fix, code } = remark
  const apply: NonNullable<Diagnostic['actions']>[number]['apply'] = (view) => view.dispatch({ changes: [...fix] })
  return {
    from: bounded(from),
    to: bounded(to),
    severity,
    source: code,
    message: hint ? `${message}\n${hint}` : message,
    ...(fix.length > 0 ? { actions: [{ name: 'mend', apply }] } : {}),
  }
}
