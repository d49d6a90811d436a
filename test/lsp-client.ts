/** An editor without windows: starts `attnc lsp` as a process, and says and asks what a script tells it to. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Diagnostic, PublishDiagnosticsParams, Range } from 'vscode-languageserver'
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node'

const bin = fileURLToPath(new URL('../bin/attnc.js', import.meta.url))

export interface Client {
  readonly process: ChildProcess
  readonly log: string[] // what the server says of its own faults
  readonly open: (uri: string, text: string) => void
  readonly change: (uri: string, ...changes: readonly { range?: Range; text: string }[]) => void
  readonly notify: (method: string, params: object) => void
  readonly ask: <T = unknown>(method: string, params: object) => Promise<T>
  /** The findings of a document's newest version, once they have come. */
  readonly findings: (uri: string) => Promise<readonly Diagnostic[]>
  readonly quit: () => Promise<number | null>
}

export async function startClient(capabilities: object = {}, env: Record<string, string> = {}): Promise<Client> {
  const child = spawn(process.execPath, [bin, 'lsp', '--stdio'], { stdio: 'pipe', env: { ...process.env, ...env } })
  child.stdin.on('error', () => {}) // of a server that is gone
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  )
  const log: string[] = []
  const versions = new Map<string, number>()
  const published = new Map<string, PublishDiagnosticsParams>()
  let look = (): void => {}
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the server is gone')))
  gone.catch(() => {})
  child.stderr.setEncoding('utf8').on('data', (text: string) => void log.push(text))
  connection.onNotification('window/logMessage', ({ message }: { message: string }) => void log.push(message))
  connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
    published.set(params.uri, params)
    look()
  })
  connection.onRequest('client/registerCapability', () => null)
  connection.onError(() => {})
  connection.listen()
  await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities })
  await connection.sendNotification('initialized', {})
  const notify: Client['notify'] = (method, params) => void connection.sendNotification(method, params).catch(() => {})
  return {
    process: child,
    log,
    notify,
    open: (uri, text) => {
      const version = (versions.get(uri) ?? 0) + 1
      versions.set(uri, version)
      notify('textDocument/didOpen', { textDocument: { uri, languageId: 'attn', version, text } })
    },
    change: (uri, ...contentChanges) => {
      const version = (versions.get(uri) ?? 0) + 1
      versions.set(uri, version)
      notify('textDocument/didChange', { textDocument: { uri, version }, contentChanges })
    },
    ask: (method, params) => Promise.race([connection.sendRequest<never>(method, params), gone]),
    findings: (uri) =>
      new Promise((resolve) => {
        look = () => {
          const last = published.get(uri)
          if (last?.version === versions.get(uri)) resolve(last?.diagnostics ?? [])
        }
        look()
      }),
    quit: async () => {
      await connection.sendRequest('shutdown')
      const ended = once(child, 'exit')
      notify('exit', {})
      const [code] = await ended
      return code
    },
  }
}
