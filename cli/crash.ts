/** Our own bugs: a folder with all that a report needs, and a message that says where it is. */
import { copyFileSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { version } from '../generated/version.ts'
import { problem } from '../runtime/problem.ts'
import type { Answer } from './answer.ts'

export function answerCrash(error: unknown, argv: readonly string[]): Answer {
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error)
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  const folder = saveReport(stack, argv)
  const where =
    folder === undefined
      ? 'run it again with --trace, and report what it prints'
      : `please report it, with what lies in ${folder}`
  const out = { exit: 4, findings: [problem('ATTN0399', `a bug in attnc: ${first}`, where)], out: '' } as const
  return { ...out, json: { report: folder ?? null }, ...(argv.includes('--trace') ? { note: stack } : {}) }
}

/** The command, the stack, and the sources that the command names. */
function saveReport(stack: string, argv: readonly string[]): string | undefined {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'attnc-bug-'))
    const about = [
      `attnc ${version}, Node ${process.version}, ${process.platform} ${process.arch}`,
      `arguments: ${JSON.stringify(argv)}`,
      '',
      stack,
    ]
    writeFileSync(join(folder, 'report.txt'), `${about.join('\n')}\n`)
    for (const [n, path] of argv.filter((arg) => arg.endsWith('.attn')).entries()) {
      if (statSync(path, { throwIfNoEntry: false })?.isFile())
        copyFileSync(path, join(folder, `${n}-${basename(path)}`))
    }
    return folder
  } catch {
    return undefined
  }
}
