// `npm run demo`: what attnc does, shown with the commands that a user would type. It works in a folder of its own below the
// system's temporary folder and removes it at the end; `npm run demo -- --keep` leaves it there and says where.
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'attnc-demo-'))
const keep = process.argv.includes('--keep')
const started = performance.now()

const say = (text = '') => console.log(text)
const step = (title) => say(`\n${title}\n${'='.repeat(title.length)}\n`)
const indent = (text) => text.trimEnd().replaceAll(/^(?=.)/gm, '  ')

/** Runs one command in the repository, and shows it; a failing one ends the demo. Progress and errors go to the terminal. */
function attnc(...args) {
  say(`$ attnc ${args.join(' ').replaceAll(folder, 'DEMO')}`)
  const bin = join(root, 'bin', 'attnc.js')
  const { status, stdout } = spawnSync(process.execPath, [bin, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status === 0) return stdout.replaceAll(folder, 'DEMO')
  throw new Error(`that ended with exit code ${status}\n${stdout}`)
}

// Tensor files: the .npy format of numpy, f32 in C order.

function writeTensor(name, shape, next) {
  const count = shape.reduce((product, length) => product * length, 1)
  const data = Float32Array.from({ length: count }, next)
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`
  const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1')
  const length = Buffer.from([header.length & 255, header.length >> 8])
  writeFileSync(
    join(folder, `${name}.npy`),
    Buffer.concat([magic, length, Buffer.from(header), Buffer.from(data.buffer)]),
  )
}

function readTensor(path) {
  const bytes = readFileSync(path)
  return new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer)
}

const largestDifference = (a, b) => a.reduce((most, x, n) => Math.max(most, Math.abs(x - b[n])), 0)

/** Normal numbers from a seed: mulberry32 for bits, Box and Muller for the distribution. */
function normalNumbers(seed) {
  let state = seed
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

function showSource() {
  step('1. A variant is its definition')
  say('examples/z_score.attn: weights that are z-scores of the scores, instead of a softmax.\n')
  say(indent(readFileSync(join(root, 'examples/z_score.attn'), 'utf8')))
  say(
    '\nNothing says how to compute mean and deviation of a row while its keys go by in tiles. The compiler derives it:\n',
  )
  say(indent(attnc('explain', 'examples/z_score.attn')))
}

function compileExamples() {
  step('2. Every example becomes a kernel')
  attnc('build', 'examples', '--target', 'ts', '-o', join(folder, 'kernels'))
  const files = globSync('kernels/*.ts', { cwd: folder, exclude: ['**/*.d.ts'] }).sort()
  say(`  ${'written to DEMO/kernels'.padEnd(34)}lines`)
  for (const file of files) {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n').length - 1
    say(`  ${basename(file).padEnd(34)}${`${lines}`.padStart(5)}`)
  }
}

function runRealModel() {
  step('3. On the activations of a real model')
  say(
    'A text recogniser (PP-OCRv4) read the line of text in examples/data/ocr/line.png. The queries, keys and values of its two',
  )
  say(
    'attention blocks were stored, and what its own attention made of them. examples/ocr.attn has to give the same.\n',
  )
  for (const block of [0, 1]) {
    const file = (name) => `examples/data/ocr/${name}${block}.npy`
    const out = join(folder, `out${block}.npy`)
    const inputs = ['q', 'k', 'v'].flatMap((name) => ['--input', `${name}=${file(name)}`])
    attnc('run', 'examples/ocr.attn', '--target', 'ts', ...inputs, '--output', `out=${out}`)
    const difference = largestDifference(readTensor(out), readTensor(join(root, file('o'))))
    say(`  block ${block}: largest difference from the stored result ${difference.toExponential(1)}\n`)
    if (!(difference < 2e-6)) throw new Error(`block ${block} is not what the model computed`)
  }
  say(
    '(The stored results are rounded to f32 at every step of the model; in f64, as this target computes, they come out as far from it.)',
  )
}

function runSynthetic() {
  step('4. On tensors of your own')
  const next = normalNumbers(1729)
  for (const [name, shape] of Object.entries({ q: [1, 4, 100, 64], k: [1, 2, 300, 64], v: [1, 2, 300, 64] }))
    writeTensor(name, shape, next)
  say('100 queries and 300 keys, 4 heads of queries on 2 heads of keys, written as numpy would write them.\n')
  const inputs = ['q', 'k', 'v'].flatMap((name) => ['--input', `${name}=${join(folder, `${name}.npy`)}`])
  say(indent(attnc('run', 'examples/grouped_query.attn', ...inputs)))
}

function verifyExamples() {
  step('5. Every kernel against its definition')
  say(
    'Random inputs and hostile ones, at the lengths that each example names: about a minute. Shown is the element whose',
  )
  say(
    'error uses most of what rounding may do. It is right if the error is below both bounds. (This target computes in f64',
  )
  say('and rounds once, when it stores an f32: that rounding is most of its error, and most of the hard bound.)\n')
  say(indent(attnc('verify', 'examples', '--target', 'ts')))
}

try {
  say('attnc, shown with the commands that a user types. DEMO stands for a temporary folder.')
  showSource()
  compileExamples()
  runRealModel()
  runSynthetic()
  verifyExamples()
  say(
    `\nDone in ${Math.round((performance.now() - started) / 1000)} s. Next: README.md, docs/language.md, or your own variant.`,
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  if (keep) say(`DEMO is ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
