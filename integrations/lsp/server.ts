/** The language server: what an editor asks, and the parts that answer. It stays alive whatever it is given. */
import { dirname } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import {
  CodeActionKind,
  type Connection,
  DidChangeWatchedFilesNotification,
  DocumentHighlightKind,
  LSPErrorCodes,
  type Position,
  ResponseError,
  type ServerCapabilities,
  TextDocumentSyncKind,
} from 'vscode-languageserver'
import { createConnection } from 'vscode-languageserver/node'
import { version } from '../../generated/version.ts'
import { parse } from '../../grammar/parse.ts'
import { printProgram } from '../../grammar/print.ts'
import type { Analysis } from './analysis.ts'
import { changeText } from './change.ts'
import { completionsAt } from './completion.ts'
import { fixesFor, replaceText, showFindings } from './findings.ts'
import { hintsIn } from './hints.ts'
import { hoverAt, occurrenceAt } from './hover.ts'
import { locationOf, offsetOf, rangeOf } from './places.ts'
import { renamable, rename } from './rename.ts'
import { findOccurrences } from './search.ts'
import { symbolsOf } from './symbols.ts'
import { Workspace } from './workspace.ts'

/** Findings are looked for once nobody has typed for so long, in ms; what is asked for meanwhile comes first. */
const pause = 120

const capabilities: ServerCapabilities = {
  textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: { includeText: false } },
  hoverProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  documentSymbolProvider: true,
  documentFormattingProvider: true,
  inlayHintProvider: true,
  renameProvider: { prepareProvider: true },
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.SourceFixAll] },
  completionProvider: { triggerCharacters: ['[', '"', '/', '{'] },
}

/** Serves one editor over its streams, until that says goodbye or leaves. */
export function serve(input: Readable, output: Writable): void {
  const connection = createConnection(input, output)
  const workspace = new Workspace()
  const publish = createPublisher(connection, workspace)
  listenToDocuments(connection, workspace, publish)
  answerQuestions(connection, workspace)
  connection.listen()
}

type Publish = () => void

function listenToDocuments(connection: Connection, workspace: Workspace, publish: Publish): void {
  const guard =
    <P>(what: string, handle: (params: P) => void) =>
    (params: P) => {
      try {
        handle(params)
      } catch (error) {
        connection.console.error(`attnc: ${what}: ${textOf(error)}`)
      }
    }
  let watches = false
  connection.onInitialize(({ capabilities: client }) => {
    watches = client.workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false
    return { capabilities, serverInfo: { name: 'attnc', version } }
  })
  connection.onInitialized(() => {
    if (watches)
      void connection.client
        .register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: '**/*.attn' }] })
        .catch((error: unknown) => connection.console.warn(`attnc: files are not watched: ${textOf(error)}`))
  })
  connection.onDidOpenTextDocument(
    guard('open', ({ textDocument: { uri, version: n, text } }) => {
      workspace.set(uri, n, text)
      publish()
    }),
  )
  connection.onDidChangeTextDocument(
    guard('change', ({ textDocument: { uri, version: n }, contentChanges }) => {
      const open = workspace.get(uri)
      if (!open) return
      workspace.set(uri, n, contentChanges.reduce(changeText, open.file).text)
      publish()
    }),
  )
  connection.onDidCloseTextDocument(
    guard('close', ({ textDocument: { uri } }) => {
      workspace.close(uri)
      void connection.sendDiagnostics({ uri, diagnostics: [] })
      publish()
    }),
  )
  connection.onDidSaveTextDocument(publish)
  connection.onDidChangeWatchedFiles(publish)
}

/** Tells the editor what is wrong in all that it has open, after a pause: a change of one text may be the end of another. */
function createPublisher(connection: Connection, workspace: Workspace): Publish {
  const told = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  const tell = (): void => {
    for (const { uri, version: n, file } of workspace.documents) {
      const diagnostics = findingsOf(() => workspace.analyse(file), workspace)
      const text = `${n} ${JSON.stringify(diagnostics)}`
      if (told.get(uri) === text) continue
      told.set(uri, text)
      void connection.sendDiagnostics({ uri, version: n, diagnostics: [...diagnostics] })
    }
    for (const uri of told.keys()) if (!workspace.get(uri)) told.delete(uri)
  }
  return () => {
    clearTimeout(timer)
    timer = setTimeout(tell, pause)
  }
}

/** A fault of ours is shown where the text is that brings it about. */
function findingsOf(analyse: () => Analysis, workspace: Workspace): ReturnType<typeof showFindings> {
  try {
    return showFindings(analyse(), workspace.uriOf)
  } catch (error) {
    const start = { line: 0, character: 0 }
    return [{ range: { start, end: start }, source: 'attnc', message: `a bug of attnc: ${textOf(error)}` }]
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

interface At {
  readonly textDocument: { readonly uri: string }
}

function answerQuestions(connection: Connection, workspace: Workspace): void {
  /** Nothing is known of a text that is neither open nor on disk; an answer that fails is said, and none. */
  const answer =
    <P extends At, T>(nothing: T, find: (analysis: Analysis, params: P) => T) =>
    (params: P): T => {
      try {
        const file = workspace.fileAt(params.textDocument.uri)
        return file ? find(workspace.analyse(file), params) : nothing
      } catch (error) {
        if (error instanceof ResponseError) throw error
        connection.console.error(`attnc: ${textOf(error)}`)
        return nothing
      }
    }
  const { uriOf } = workspace
  const offsetIn = ({ file }: Analysis, position: Position): number => offsetOf(file, position)
  connection.onHover(answer(null, (one, { position }) => hoverAt(one, offsetIn(one, position))))
  connection.onDefinition(
    answer(null, (one, { position }) => {
      const offset = offsetIn(one, position)
      const path = one.resolved.imports.find(({ clause: { pathSpan: s } }) => s.start <= offset && offset <= s.end)
      if (path?.file) return { uri: uriOf(path.file), range: rangeOf({ file: path.file, start: 0, end: 0 }) }
      const at = occurrenceAt(one, offset)?.of.at
      return at ? locationOf(at, uriOf) : null
    }),
  )
  connection.onReferences(
    answer(null, (one, { position, context }) => {
      const occurrence = occurrenceAt(one, offsetIn(one, position))
      if (!occurrence) return null
      const { occurrences, isPartial } = findOccurrences(occurrence.of, one.file, workspace)
      if (isPartial) connection.console.warn('attnc: the project has more files than are looked through for references')
      return occurrences
        .filter(({ role }) => role !== 'implied' && (context.includeDeclaration || role !== 'declares'))
        .map(({ span }) => locationOf(span, uriOf))
    }),
  )
  connection.onDocumentHighlight(
    answer(null, (one, { position }) => {
      const occurrence = occurrenceAt(one, offsetIn(one, position))
      if (!occurrence) return null
      return one.resolved.occurrences
        .filter(({ of, role }) => of === occurrence.of && role !== 'implied')
        .map(({ span, role }) => ({
          range: rangeOf(span),
          kind: role === 'reads' ? DocumentHighlightKind.Read : DocumentHighlightKind.Write,
        }))
    }),
  )
  connection.onDocumentSymbol(answer(null, symbolsOf))
  connection.onPrepareRename(
    answer(null, (one, { position }) => {
      const can = renamable(one, offsetIn(one, position))
      if (!can.ok) throw new ResponseError(LSPErrorCodes.RequestFailed, can.why)
      return { range: can.range, placeholder: can.placeholder }
    }),
  )
  connection.onRenameRequest(
    answer(null, (one, { position, newName }) => {
      const renamed = rename(one, offsetIn(one, position), newName, workspace)
      if (!renamed.ok) throw new ResponseError(LSPErrorCodes.RequestFailed, renamed.why)
      return { changes: renamed.changes }
    }),
  )
  connection.onCompletion(
    answer(null, (one, { position }) => {
      const path = workspace.pathOf(one.file)
      return [...completionsAt(one, offsetIn(one, position), path === undefined ? undefined : dirname(path))]
    }),
  )
  connection.onDocumentFormatting(
    answer(null, ({ file }) => {
      const program = parse(file)
      return program.ok ? [...replaceText(file, printProgram(program.value))] : null // what is wrong is shown already
    }),
  )
  connection.languages.inlayHint.on(answer(null, (one, { range }) => [...hintsIn(one, range)]))
  connection.onCodeAction(answer(null, (one, { range, context }) => [...fixesFor(one, range, uriOf, context.only)]))
}
