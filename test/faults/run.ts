/** Plants every fault in each of its examples, runs verify to its end, and prints what finds it: `npm run faults`. */
import { parseArgs } from 'node:util'
import { faults } from './all.ts'
import { equivalents } from './equivalents.ts'
import type { Fault } from './fault.ts'
import { type Trial, tryFault } from './trial.ts'
import { wasmFaults } from './wasm-faults.ts'

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, seed: { type: 'string', default: '0' } },
})
const seed = Number(values.seed)

interface Line extends Trial {
  readonly layer: string
  readonly fault: Fault
  readonly example: string
}

/** How far beyond what is allowed the worst element is; the hard bound decides but where rounding alone is too much. */
function excessOf({ found }: Trial): string {
  if (!found) return 'not found'
  const { got, error, hard, expected } = found.deviation
  if (!Number.isFinite(got) || !Number.isFinite(error)) return `is ${got}`
  return Math.max(error / hard, error / (6 * expected)).toPrecision(2)
}

const lines: Line[] = []
for (const [layer, planted] of Object.entries({ ...faults, wasm: wasmFaults, equivalent: equivalents }))
  for (const fault of planted.filter(({ name }) => name.includes(values.only)))
    for (const example of fault.examples) {
      const simd = layer === 'wasm' ? 'wasm' : 'none'
      const line = { layer, fault, example, ...(await tryFault(fault, example, { seed, all: true, simd })) }
      lines.push(line)
      const by =
        line.by.length > 4 ? `${line.by.slice(0, 3).join(', ')} and ${line.by.length - 3} more` : line.by.join(', ')
      console.log(`| ${layer} | ${fault.name} | ${example} | ${by} | ${excessOf(line)} |`)
    }

const real = lines.filter(({ layer }) => layer !== 'equivalent')
const missed = real.filter(({ found }) => !found)
const alarms = lines.filter(({ layer, found }) => layer === 'equivalent' && found)
console.log(
  `\n${real.length - missed.length} of ${real.length} found, ${new Set(real.map(({ fault }) => fault.name)).size} kinds; ${alarms.length} false alarms`,
)
for (const probe of new Set(real.flatMap(({ by }) => by))) {
  const alone = real.filter(({ by }) => by.length === 1 && by[0] === probe).length
  console.log(`${probe}: finds ${real.filter(({ by }) => by.includes(probe)).length}, ${alone} of them alone`)
}
process.exitCode = missed.length + alarms.length > 0 ? 1 : 0
