import { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'
import { afterEach, describe, expect, test } from 'vitest'
import { processIo, progressOn } from '../cli/io.ts'

function terminal(columns = 40): { readonly stream: Parameters<typeof progressOn>[0]; readonly text: () => string } {
  let text = ''
  const write = (piece: string | Uint8Array): boolean => {
    text += piece
    return true
  }
  return { stream: { isTTY: true, columns, write }, text: () => text }
}

describe('the line of progress', () => {
  test.each([
    ['a pipe', { isTTY: false }, {}],
    ['a dumb terminal', {}, { TERM: 'dumb' }],
    ['continuous integration', {}, { CI: 'true' }],
    ['continuous integration', {}, { CI: '1' }],
  ])('is not shown in %s', (_where, stream, env) => {
    expect(progressOn({ ...terminal().stream, ...stream } as WriteStream, env)).toBeUndefined()
  })

  test.each([{}, { CI: '' }, { CI: 'false' }, { TERM: 'xterm', NO_COLOR: '1' }])(
    'is shown on a terminal with %j',
    (env) => {
      expect(progressOn(terminal().stream, env)).toBeDefined()
    },
  )

  test('is written over itself, and is gone when done', () => {
    const { stream, text } = terminal()
    let time = 0
    const progress = progressOn(stream, {}, () => time)
    progress?.('')
    expect(text()).toBe('')
    progress?.('one')
    progress?.('too soon')
    time = 100
    progress?.('two')
    progress?.('')
    progress?.('')
    progress?.('again')
    expect(text()).toBe('\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K\r\x1b[Kagain')
  })

  test('is one line, no wider than the terminal, and says nothing to it', () => {
    const { stream, text } = terminal(12)
    progressOn(stream, {})?.('a\nb\x1b[2J 宽宽宽宽')
    const line = text().replace('\r\x1b[K', '')
    expect(line).toBe('a\\u{a}b\\u{…')
    const wide = terminal(8)
    progressOn(wide.stream, {})?.('宽宽宽宽')
    expect(wide.text()).toBe('\r\x1b[K宽宽宽…')
  })
})

// What Node knows of colours: its own function, on a stream that says it is a terminal.
describe('colours', () => {
  const { stdout, stderr } = process
  const env = { ...process.env }
  afterEach(() => {
    Object.defineProperty(process, 'stdout', { value: stdout, configurable: true })
    Object.defineProperty(process, 'stderr', { value: stderr, configurable: true })
    process.env = { ...env }
  })

  const colors = (isTTY: boolean, set: Readonly<Record<string, string>>): { out: boolean; err: boolean } => {
    process.env = { TERM: 'xterm-256color', ...set }
    for (const name of ['stdout', 'stderr']) {
      const stream = new Writable({ write: (_chunk, _encoding, done) => done() })
      const { getColorDepth } = WriteStream.prototype
      Object.defineProperty(process, name, {
        value: Object.assign(stream, { isTTY, getColorDepth }),
        configurable: true,
      })
    }
    return processIo().colors
  }
  const both = (colored: boolean): { out: boolean; err: boolean } => ({ out: colored, err: colored })

  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
  ])('terminal: %s, %j: %s', (isTTY, set, expected) => {
    expect(colors(isTTY, set)).toEqual(both(expected))
  })
})
