import { runners } from '../runtime/runners.ts'
import { targets as generators } from '../targets/index.ts'
import type { Answer } from './answer.ts'
import { table } from './table.ts'

export async function targets(): Promise<Answer> {
  const names = [...new Set([...Object.keys(generators), ...Object.keys(runners)])]
  const rows = await Promise.all(names.map(describe))
  const cells = rows.map(({ name, generates, missing, about }) => [
    name,
    generates,
    missing === null ? 'yes' : 'no',
    missing ?? about,
  ])
  return {
    exit: 0,
    findings: [],
    out: table([['target', 'generates', 'runs here', ''], ...cells]),
    json: { targets: rows },
  }
}

interface Row {
  readonly name: string
  readonly generates: string
  readonly runs: boolean
  readonly missing: string | null // why it cannot run here
  readonly about: string
}

const languages: Readonly<Record<string, string>> = {
  ts: 'TypeScript',
  cuda: 'CUDA C++',
  'cuda-emulated': 'CUDA C++',
  'cuda-ptx': 'CUDA C++',
  native: 'C++',
  wgsl: 'WGSL',
}

async function describe(name: string): Promise<Row> {
  const runner = runners[name]
  const missing = runner ? await runner.missing() : 'attnc cannot run it'
  return {
    name,
    generates: languages[name] ?? name,
    runs: missing === undefined,
    missing: missing ?? null,
    about: runner?.about ?? '',
  }
}
