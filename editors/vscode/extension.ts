/** Starts `attnc lsp` for the sources that are open, in folders that are trusted; without it there are colours alone. */
import { existsSync } from 'node:fs'
import { commands, type ExtensionContext, window, workspace } from 'vscode'
import { LanguageClient, TransportKind } from 'vscode-languageclient/node'
import { findServer } from './find-server.ts'

let client: LanguageClient | undefined

export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand('attnc.restart', restart),
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration((change) => (change.affectsConfiguration('attnc.path') ? restart() : undefined)),
  )
  await restart()
}

export const deactivate = (): Promise<void> => stop()

async function stop(): Promise<void> {
  const old = client
  client = undefined
  await old?.dispose().catch(() => {}) // it may be gone already
}

async function restart(): Promise<void> {
  await stop()
  if (!workspace.isTrusted) return
  const folders = (workspace.workspaceFolders ?? [])
    .filter(({ uri }) => uri.scheme === 'file')
    .map(({ uri }) => uri.fsPath)
  const setting = workspace.getConfiguration('attnc').get<string>('path', '')
  const { command, args, shell } = findServer(setting, folders, existsSync)
  const run = { command, args: [...args], transport: TransportKind.stdio, options: { shell } }
  const selector = [
    { scheme: 'file', language: 'attn' },
    { scheme: 'untitled', language: 'attn' },
  ]
  client = new LanguageClient('attnc', 'attnc', { run, debug: run }, { documentSelector: selector })
  try {
    await client.start()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    void window.showWarningMessage(
      `attnc could not be started (${command}): ${why}. Install it in the project with: npm install attnc; or set attnc.path.`,
    )
  }
}
