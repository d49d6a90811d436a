// What one command costs from nothing, in a process of its own: processor time (user and system, of all its threads) and time
// on the clock, as medians. It runs the built program: `npm run build`, then `node bench/start-up.ts [runs] [folder of attnc]`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { median } from './median.ts'

const [runs = '20', folder = join(import.meta.dirname, '..')] = process.argv.slice(2)
const root = resolve(folder)
const scratch = mkdtempSync(join(tmpdir(), 'attnc-start-up-'))
const probe = join(scratch, 'probe.mjs')
const report = "process.on('exit', () => {\n  const { user, system } = process.cpuUsage()\n"
writeFileSync(probe, `${report}  console.error('cpu ' + (user + system) / 1000)\n})\n`)

const sources = ['softmax', 'causal', 'rope', 'documents']
const commands: Readonly<Record<string, (source: string) => readonly string[]>> = {
  'build --emit kernel': (source) => ['build', source, '--emit', 'kernel'],
  'build --target ts': (source) => ['build', source, '--target', 'ts', '-o', join(scratch, 'out')],
  check: (source) => ['check', source],
  'fmt --check': (source) => ['fmt', '--check', source],
}

interface Cost {
  readonly cpu: number // ms
  readonly clock: number // ms
}

function once(args: readonly string[]): Cost {
  const node = ['--import', pathToFileURL(probe).href, join(root, 'bin/attnc.js')]
  const start = performance.now()
  const { stderr, status } = spawnSync(process.execPath, [...node, ...args], { encoding: 'utf8', cwd: root })
  const clock = performance.now() - start
  const cpu = Number(/^cpu ([\d.]+)$/m.exec(stderr)?.[1])
  if (status !== 0 || Number.isNaN(cpu)) throw new Error(`attnc ${args.join(' ')} ended with ${status}: ${stderr}`)
  return { cpu, clock }
}

console.log(`Node ${process.version}, medians of ${runs}, after one that fills the compile cache`)
console.log(`${'command'.padEnd(21)}${'source'.padEnd(11)}  cpu ms  clock ms`)
try {
  for (const [name, argsFor] of Object.entries(commands)) {
    for (const source of sources) {
      const args = argsFor(join('examples', `${source}.attn`))
      once(args)
      const costs = Array.from({ length: Number(runs) }, () => once(args))
      const [cpu, clock] = [median(costs.map((one) => one.cpu)), median(costs.map((one) => one.clock))]
      const numbers = `${cpu.toFixed(0).padStart(8)}${clock.toFixed(0).padStart(10)}`
      console.log(`${name.padEnd(21)}${source.padEnd(11)}${numbers}`)
    }
  }
} finally {
  rmSync(scratch, { recursive: true })
}
