/** Generated code, of one target and one of its files at a time. */

import type { OutFile } from '../../index.ts'
import { byteLength } from '../bytes.ts'
import { h } from '../dom.ts'
import { createReader } from '../editor/reader.ts'

export const codeTargets = { wgsl: 'WGSL', ts: 'TypeScript', cuda: 'CUDA', native: 'C++' } as const
export type CodeTarget = keyof typeof codeTargets

export interface CodePanel {
  readonly panel: HTMLElement
  readonly target: () => CodeTarget
  show(target: CodeTarget, files: readonly OutFile[]): void
  say(target: CodeTarget, what: string): void // instead of code
}

export function createCodePanel(onTarget: (target: CodeTarget) => void): CodePanel {
  let target: CodeTarget = 'wgsl'
  const made = new Map<CodeTarget, readonly OutFile[]>()
  const chosen = new Map<CodeTarget, string>()
  const status = h('p', { class: 'quiet', role: 'status' })
  const file = h('select', { id: 'code-file', 'aria-label': 'File', onchange: () => choose(file.value) })
  const copy = h('button', { type: 'button', onclick: () => copyCode() }, 'Copy')
  const place = h('div', { class: 'reader' })
  const reader = createReader(place)
  const radios = Object.entries(codeTargets).map(([name, title]) => {
    const input = h('input', { type: 'radio', name: 'target', value: name, onchange: () => pick(name as CodeTarget) })
    input.checked = name === target
    return h('label', {}, input, h('span', {}, title))
  })
  const tools = h(
    'div',
    { class: 'tools' },
    h('fieldset', { class: 'segments' }, h('legend', {}, 'Target'), ...radios),
    file,
    copy,
  )
  const panel = h('div', { class: 'panel code' }, tools, status, place)

  const files = (): readonly OutFile[] => made.get(target) ?? []
  const current = (): OutFile | undefined => files().find(({ path }) => path === chosen.get(target)) ?? files()[0]

  function pick(name: CodeTarget): void {
    target = name
    paint()
    onTarget(name)
  }
  function choose(path: string): void {
    chosen.set(target, path)
    paint()
  }
  async function copyCode(): Promise<void> {
    await navigator.clipboard.writeText(current()?.text ?? '')
    status.textContent = `${current()?.path} is copied`
  }
  function paint(): void {
    const one = current()
    const paths = files().map(({ path }) => path)
    if (paths.join() !== Array.from(file.options, ({ value }) => value).join())
      file.replaceChildren(...paths.map((path) => h('option', { value: path }, path)))
    file.disabled = copy.disabled = one === undefined
    if (one) file.value = one.path
    status.textContent = one ? `${one.text.split('\n').length - 1} lines, ${byteLength(one.text)}` : 'Generating …'
    reader.show(one?.path ?? '', one?.text ?? '')
  }
  paint()
  return {
    panel,
    target: () => target,
    show(name, all) {
      made.set(name, all)
      if (name === target) paint()
    },
    say(name, what) {
      if (name === target) status.textContent = what
    },
  }
}
