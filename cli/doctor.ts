/** `attnc doctor`: what attnc and its targets find on this machine, and what is missing. */
import { version } from '../generated/version.ts'
import { needsOfAttnc } from '../runtime/needs/machine.ts'
import { isWell, type Need } from '../runtime/needs/need.ts'
import { knownTargets, needsOf } from '../runtime/needs/targets.ts'
import { type Finding, type Outcome, problem } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { oneLine } from './one-line.ts'
import { all, parseChoice } from './options.ts'
import type { Options } from './program.ts'
import { table } from './table.ts'

/** `of`: the target, or 'attnc' itself. */
interface Row extends Need {
  readonly of: string
}

export async function doctor(_args: readonly string[], options: Options): Promise<Answer> {
  const wanted = parseWanted(options.target)
  if (!wanted.ok) return refuse(wanted.findings)
  const shown = wanted.value.length > 0 ? wanted.value : knownTargets()
  const rows: Row[] = [
    ...needsOfAttnc().map((need) => ({ ...need, of: 'attnc' })),
    ...(await Promise.all(shown.map(rowsOf))).flat(),
  ]
  const findings = ['attnc', ...(wanted.value.length > 0 ? wanted.value : ['ts'])].flatMap((of) => faultsOf(of, rows))
  const needs = rows.map(({ of, what, state, found, required, help = null }) => {
    return { of, what, state, found, required, help }
  })
  const system = `${process.platform} ${process.arch}`
  return {
    exit: findings.length > 0 ? 3 : 0,
    findings,
    out: report(rows),
    json: { version, node: process.versions.node, system, needs },
  }
}

function parseWanted(names: readonly string[] = []): Outcome<readonly string[]> {
  return all<readonly string[]>(...[...new Set(names)].map((name) => parseChoice('--target', name, knownTargets())))
}

async function rowsOf(of: string): Promise<readonly Row[]> {
  const needs = await needsOf(of)
  const nothing: Row = { of, what: 'nothing more', state: 'ok', found: 'runs in Node', required: true }
  return needs.length > 0 ? needs.map((need) => ({ ...need, of })) : [nothing]
}

function faultsOf(of: string, rows: readonly Row[]): readonly Finding[] {
  const bad = rows.filter((row) => row.of === of && !isWell(row))
  if (bad.length === 0) return []
  const list = bad.map(({ what, state, found }) => `${what} is ${state} (${found})`).join(', ')
  if (of === 'attnc') return [problem('ATTN0330', `attnc cannot run here: ${list}`)]
  return [problem('ATTN0330', `target ${of} cannot run here: ${list}`)]
}

function report(rows: readonly Row[]): string {
  const cells = rows.map(({ of, what, state, found }) => [of, what, state, oneLine(found)])
  const helps = rows.flatMap(({ of, what, help }) => (help === undefined ? [] : [`${of}, ${what}: ${oneLine(help)}\n`]))
  return table([['for', 'needs', 'state', 'found'], ...cells]) + (helps.length > 0 ? `\n${helps.join('')}` : '')
}
