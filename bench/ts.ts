/** Generated TypeScript against a loop written by hand: `node bench/ts.ts [--quick] [--rounds N] [--tile i=32,j=64]`. */
import os from 'node:os'
import { parseArgs } from 'node:util'
import { table } from '../cli/table.ts'
import { renderHuman } from '../grammar/diagnostic.ts'
import { compile } from '../index.ts'
import { type Kernel as Given, importJavaScript } from '../runtime/load-ts.ts'
import { blockedAttention } from './blocked.ts'
import { type Case, cases, pairsOf, rangeOf, sourceOf } from './cases.ts'
import { median, spread } from './median.ts'
import { bytesMade } from './memory.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' }, tile: { type: 'string' } },
})
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5))
const tile = Object.fromEntries(
  (options.tile?.split(',') ?? []).map((part) => part.split('=')).map(([axis, n]) => [axis, Number(n)]),
)
const width = 64

type Tensors = Parameters<Given>[0]
type Options = NonNullable<Parameters<Given>[1]> & { readonly into?: Tensors }
type Kernel = (inputs: Tensors, options?: Options) => Tensors
interface Contest {
  readonly one: Case
  readonly pairs: number
  readonly kernel: Kernel
  readonly generated: Candidate
  readonly byHand: Candidate
}
interface Candidate {
  readonly call: () => void
  readonly times: number[] // ms
}

const contests: Contest[] = []
for (const one of cases) contests.push(await prepare(one))
for (let round = 0; round < rounds; round++) {
  for (const { generated, byHand } of contests) {
    for (const candidate of round % 2 === 0 ? [generated, byHand] : [byHand, generated]) measure(candidate)
  }
}
const machine = `${os.cpus()[0]?.model.trim()}, Node ${process.version}`
const tiles = options.tile ?? 'as the target has them'
console.log(`${machine}; one thread, f32, d = e = ${width}; ${rounds} rounds; tiles: ${tiles}\n`)
console.log(timeTable())
console.log(memoryTable())

/** Both candidates, called once: that checks one against the other, and has them compiled before anything is timed. */
async function prepare(one: Case): Promise<Contest> {
  const kernel = await generate(one)
  const inputs = inputsOf(one, one.heads)
  const { q, k, v } = inputs
  const out = { data: new Float32Array(q.data.length), shape: q.shape }
  const other = new Float32Array(q.data.length)
  const range = rangeOf(one)
  const shape = { heads: one.heads, queries: one.length, keys: one.length, width }
  const into = { into: { out } }
  const generated = { call: () => void kernel(inputs, into), times: [] }
  const byHand = { call: () => blockedAttention(shape, q.data, k.data, v.data, range, other), times: [] }
  generated.call()
  byHand.call()
  const apart = other.reduce((worst, x, n) => Math.max(worst, Math.abs(x - (out.data[n] ?? Number.NaN))), 0)
  if (!(apart < 1e-5)) throw new Error(`${one.name}: generated and hand-written results are ${apart} apart`)
  return { one, pairs: pairsOf(one), kernel, generated, byHand }
}

async function generate(one: Case): Promise<Kernel> {
  const result = await compile({ path: 'measured.attn', text: sourceOf(one) }, { target: 'ts', simd: 'none', tile })
  if (!result.ok) throw new Error(result.diagnostics.map((d) => renderHuman(d)).join('\n'))
  const functions = await importJavaScript(result.value.files.find(({ path }) => path.endsWith('.js'))?.text ?? '')
  const kernel: Kernel | undefined = functions.measured
  if (!kernel) throw new Error(`${one.name}: the generated module lacks its function`)
  return kernel
}

function inputsOf({ length, document }: Case, heads: number) {
  const shape = [1, heads, length, width]
  const numbers = (seed: number) => ({ data: draw(heads * length * width, seed), shape })
  const inputs = { q: numbers(1), k: numbers(2), v: numbers(3) }
  if (!document) return inputs
  const texts = { data: Int32Array.from({ length }, (_, i) => document(i)), shape: [1, length] }
  return { ...inputs, text_of_query: texts, text_of_key: texts }
}

/** Reproducible numbers around zero, of variance one. */
function draw(elements: number, seed: number): Float32Array {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  return Float32Array.from({ length: elements }, () => next() + next() + next())
}

/** Time that this thread had a core, which other load on the machine changes least. */
function measure({ call, times }: Candidate): void {
  const before = process.threadCpuUsage()
  call()
  const { user, system } = process.threadCpuUsage(before)
  times.push((user + system) / 1000)
}

function timeTable(): string {
  const head = ['mask', 'H', 'N', 'generated ms', 'MAD', 'GFLOP/s', 'by hand ms', 'MAD', 'GFLOP/s', 'ratio', 'per pair']
  const perPair = ({ generated, pairs }: Contest): readonly number[] => generated.times.map((time) => time / pairs)
  const dense = contests[0] ? perPair(contests[0]) : []
  const rows = contests.map((contest) => {
    const { one, pairs, generated, byHand } = contest
    const cells = [generated, byHand].flatMap(({ times }) => {
      const middle = median(times)
      return [middle.toFixed(1), spread(times).toFixed(1), ((4 * pairs * width) / middle / 1e6).toFixed(2)]
    })
    // Of each round, since both were measured in it one after the other.
    const ratio = median(generated.times.map((time, n) => time / (byHand.times[n] ?? Number.NaN)))
    const relative = median(perPair(contest).map((time, n) => time / (dense[n] ?? Number.NaN)))
    return [one.name, String(one.heads), String(one.length), ...cells, ratio.toFixed(2), relative.toFixed(2)]
  })
  return table([head, ...rows], [...head.keys()].slice(1))
}

/** What a call with new results makes beside them. Quick: of the case that takes least time. */
function memoryTable(): string {
  const [heads, length] = [8, 4096]
  const head = ['mask', 'H', 'N', 'inputs and outputs', 'made beside', 'share']
  const cost = ({ one }: Contest): number => pairsOf({ ...one, length })
  const asked = options.quick ? contests.toSorted((a, b) => cost(a) - cost(b)).slice(0, 1) : contests
  const rows = asked.map(({ one, kernel }) => {
    const inputs = inputsOf({ ...one, length }, heads)
    let outputs = 0
    const made = bytesMade(() => {
      outputs = bytesOf(kernel(inputs))
    })
    const own = bytesOf(inputs) + outputs
    const beside = made - outputs
    const share = `${((100 * beside) / own).toFixed(2)} %`
    return [one.name, String(heads), String(length), megabytes(own), megabytes(beside), share]
  })
  return table([head, ...rows], [...head.keys()].slice(1))
}

/** Of f32 and i32. */
function bytesOf(tensors: Tensors): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + 4 * data.length, 0)
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB`
}
