/** Every example at one shape: multiply-adds a second, as a share of those of softmax. */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { basename, join } from 'node:path'
import type { Attention } from '../../compiler/attention.ts'
import { flopsOf } from '../../compiler/explain/count-operations.ts'
import type { Program, Statement, Step } from '../../compiler/kernel.ts'
import { analyze, explain, prepare, version } from '../../index.ts'
import { drawInputs, drawParams } from '../../runtime/draw.ts'
import { importReader } from '../../runtime/imports.ts'
import type { Library, Loader } from '../../runtime/native/loader.ts'
import { completeSizes } from '../../runtime/verify/shapes.ts'
import { native } from '../../targets/native/target.ts'
import { median } from '../median.ts'
import { callable, compileLibrary } from './kernels.ts'
import type { Machine } from './machine.ts'

export interface Rate {
  readonly name: string
  readonly milliseconds: number
  readonly share: number // of the rate of softmax, in multiply-adds a second
  readonly shareOfAll: number // the same of all that is computed, in operations of the processor
  readonly perPair: string // what a pair takes
  readonly materialised: string | undefined // why something of it is computed an element at a time
}

const root = join(import.meta.dirname, '../..')
/** Of axes that are free in a source; of a cache in pages, 64 pages of 16 tokens. */
const lengths = { b: 1, h: 4, g: 2, i: 1024, j: 1024, d: 64, e: 64, n: 64, f: 4, m: 64, t: 16, p: 64 }

/** Examples of one library: fewer, and headers are read more often; more, and a busy machine runs out of time. */
const together = 4

/** Operations that an elementary function takes, about: exp is a polynomial and its range reduction (templates/native/functions.h). */
const operationsOfFunction = 12
/** An element that each row reads at a place of its own is read lane by lane: as many operations as a vector has lanes. */
const operationsOfRead = 16

interface Example {
  readonly name: string
  readonly attention: Attention
  readonly sizes: Readonly<Record<string, number>>
  readonly program: Program
  readonly multiplyAdds: number
  readonly operations: number // of the processor: multiply-adds and all others
  readonly perPair: string
  readonly materialised: string | undefined
}

/** `only`: the names of those that are measured; softmax always is. */
export async function measureExamples(
  loader: Loader,
  machine: Machine,
  folder: string,
  rounds: number,
  only?: readonly string[],
): Promise<readonly Rate[]> {
  const all = globSync('examples/*.attn', { cwd: root }).sort()
  const isAsked = (path: string): boolean => only?.includes(basename(path, '.attn')) ?? true
  const paths = all.filter((path) => basename(path, '.attn') === 'softmax' || isAsked(path))
  const examples = await Promise.all(paths.map(prepareExample))
  const own = join(folder, 'examples')
  mkdirSync(own, { recursive: true })
  const groups = Array.from({ length: Math.ceil(examples.length / together) }, (_, n) =>
    examples.slice(n * together, (n + 1) * together),
  )
  let compiled = 0
  const libraries = await inParallel(groups, os.availableParallelism(), async (group, n): Promise<Library> => {
    const programs = group.map(({ program }) => program)
    const files = await native.emit({ name: `examples${n}`, programs, dtype: 'f32', version })
    for (const { path, text } of files) writeFileSync(join(own, path), text)
    const library = loader.open(await compileLibrary(own, `examples${n}.cc`))
    compiled += group.length
    console.error(`${compiled} of ${examples.length} examples are compiled`)
    return library
  })
  const calls = examples.map(({ attention, sizes, program }, n) => {
    const inputs = drawInputs(attention, sizes, { seed: 1, dtype: 'f32' })
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape, storage }]) => {
        const stored =
          storage === 'i32'
            ? Int32Array.from(data)
            : storage === 'bool'
              ? Uint8Array.from(data)
              : Float32Array.from(data) // prettier-ignore
        return [name, { data: stored, shape }]
      }),
    )
    const params = Object.fromEntries(
      Object.entries(drawParams(attention, sizes, 1, {})).map(([name, x]) => [name, Number(x)]),
    ) // prettier-ignore
    return callable(loader, libraries[Math.floor(n / together)]!, program, tensors, params)
  })
  const times = calls.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [n, call] of calls.entries()) {
      const before = machine.threadTime()
      call(1)
      if (round > 0) times[n]!.push(machine.threadTime() - before) // the first call touches its memory
    }
  }
  const softmax = examples.findIndex(({ name }) => name === 'softmax')
  const shareOf = (n: number, what: 'multiplyAdds' | 'operations'): number =>
    examples[n]![what] / median(times[n]!) / (examples[softmax]![what] / median(times[softmax]!))
  return examples.map(({ name, perPair, materialised }, n) => ({
    ...{ name, perPair, materialised },
    milliseconds: median(times[n]!),
    share: shareOf(n, 'multiplyAdds'),
    shareOfAll: shareOf(n, 'operations'),
  }))
}

/** As `Promise.all` of the works, so many at a time. */
async function inParallel<From, To>(
  items: readonly From[],
  most: number,
  work: (item: From, n: number) => Promise<To>,
): Promise<readonly To[]> {
  const done: To[] = []
  const waiting = items.entries()
  const worker = async (): Promise<void> => {
    for (const [n, item] of waiting) done[n] = await work(item, n)
  }
  await Promise.all(Array.from({ length: most }, worker))
  return done
}

async function prepareExample(path: string, n: number): Promise<Example> {
  const file = { path, text: readFileSync(join(root, path), 'utf8') }
  const readImport = importReader(file, root)
  const module = analyze(file, readImport)
  if (!module.ok) throw new Error(`${path} has errors`)
  const attention = module.value.attentions[0]!
  const sizes = completeSizes(attention, lengths, 0)
  if (!sizes.ok) throw new Error(`${path}: ${sizes.findings[0]?.message}`)
  const fixed = Object.fromEntries(
    attention.axes.filter(({ time }) => time === 'compile').map(({ name }) => [name, sizes.value[name]!]),
  ) // prettier-ignore
  const prepared = await prepare(file, { target: 'native', sizes: fixed, readImport })
  if (!prepared.ok) throw new Error(`${path} has errors`)
  const program = { ...prepared.value.programs[0]!, name: `example${n}` } // several may have one name
  return {
    name: basename(path, '.attn'),
    attention,
    sizes: sizes.value,
    program,
    ...workOf(file, attention, sizes.value, readImport, program),
  } // prettier-ignore
}

/** The tiles of queries and keys that the kernels of a program walk in. */
function tilesOf(steps: readonly Step[]): Readonly<Record<string, number>> {
  const inBody = (body: readonly Statement[]): readonly (readonly [string, number])[] =>
    body.flatMap((one) =>
      one.kind !== 'loop'
        ? []
        : [...(one.over.kind === 'tiles' ? [[one.over.axis, one.over.tile] as const] : []), ...inBody(one.body)],
    )
  const walks = steps.flatMap((step) => (step.kind === 'kernel' && inBody(step.body).length > 0 ? [step] : []))
  const rows = walks.flatMap(({ grid }) =>
    grid.flatMap(({ axis, tile }) => (tile === undefined ? [] : [[axis, tile] as const])),
  )
  const all = Object.fromEntries([...rows, ...walks.flatMap(({ body }) => inBody(body))])
  return Object.fromEntries(Object.entries(all).filter(([axis]) => axis === 'i' || axis === 'j'))
}

/** Elements that a pair reads at a place of its own, as of a table of biases: the most of any walk. */
function readsPerPair({ steps, sizes }: Program): number {
  const inBody = (body: readonly Statement[], row: string, streams: readonly string[]): number =>
    body.reduce((sum, one) => {
      if (one.kind === 'loop') {
        const { over } = one
        const inner = over.kind === 'tiles' ? [...streams, over.axis] : streams
        return sum + inBody([...(over.kind === 'tiles' ? over.head : []), ...one.body], row, inner)
      }
      if (one.kind !== 'load') return sum
      const axes = one.to.axes.map(({ axis }) => axis)
      if (!axes.includes(row) || !axes.some((axis) => streams.includes(axis))) return sum
      const others = axes.filter((axis) => axis !== row && !streams.includes(axis))
      return sum + others.reduce((n, axis) => n * (sizes[axis] ?? 1), 1)
    }, 0)
  return Math.max(
    0,
    ...steps.map((step) => {
      const row = step.kind === 'kernel' ? step.grid.find(({ tile }) => tile !== undefined)?.axis : undefined
      return step.kind === 'kernel' && row !== undefined ? inBody(step.body, row, []) : 0
    }),
  )
}

/** As `attnc explain` counts it, with masks that read tensors asked for those that are drawn here. */
function workOf(
  file: { readonly path: string; readonly text: string },
  attention: Attention,
  sizes: Readonly<Record<string, number>>,
  readImport: Parameters<typeof analyze>[1] & {},
  program: Program,
): Pick<Example, 'multiplyAdds' | 'operations' | 'perPair' | 'materialised'> {
  const drawn = drawInputs(attention, sizes, { seed: 1, dtype: 'f32' })
  const draw = {
    params: () => drawParams(attention, sizes, 1, {}),
    input: ({ name }: { readonly name: string }) => ({ data: drawn[name]!.data, about: 'drawn' }),
  }
  const isGiven = ({ length }: Attention['axes'][number]): boolean =>
    length.kind === 'input' || length.kind === 'divides'
  const shape = Object.fromEntries(attention.axes.filter(isGiven).map(({ name }) => [name, sizes[name]!]))
  const explained = explain(file, { shape, draw, readImport, tile: tilesOf(program.steps) })
  if (!explained.ok) throw new Error(`${file.path} has errors`)
  const { work, parts } = explained.value.explanations[0]!
  const reads = readsPerPair(program)
  const sum = (of: (pass: (typeof work.passes)[number]) => number): number =>
    work.passes.reduce((total, pass) => total + pass.pairs * (pass.times ?? 1) * of(pass), 0)
  const all = sum(({ perPair }) => flopsOf(perPair)) // of one head
  const heads = work.flops / all
  const pairs = sum(() => 1)
  const mean = (of: 'multiplyAdds' | 'operations' | 'functions'): string =>
    (sum(({ perPair }) => perPair[of]) / pairs).toFixed(0) // prettier-ignore
  return {
    multiplyAdds: heads * sum(({ perPair }) => perPair.multiplyAdds),
    operations:
      heads *
      sum(
        ({ perPair }) =>
          perPair.multiplyAdds +
          perPair.operations +
          operationsOfFunction * perPair.functions +
          operationsOfRead * reads,
      ),
    perPair: `${mean('multiplyAdds')} + ${mean('operations')} + ${mean('functions')}${reads > 0 ? ` + ${reads} reads` : ''} a pair`,
    materialised: parts.flatMap((part) => (part.kind === 'materialised' ? [part.reason.why] : []))[0],
  }
}
