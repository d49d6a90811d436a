/** The spaces that are recorded: shapes of the native bench, on one thread. */
import os from 'node:os'
import { basename } from 'node:path'
import { analyze, openSource } from '../../node.ts'
import { completeSizes } from '../../runtime/verify/shapes.ts'
import { declareSpace, type Subject } from '../../tune/declare.ts'
import type { Subject as LogSubject } from '../../tune/log.ts'
import type { Job } from '../../tune/protocol.ts'
import type { Space, Value } from '../../tune/space.ts'
import { shapes } from '../native/shapes.ts'

export interface Recorded {
  readonly name: string // of the file
  readonly shape?: string // default: as it is called
  readonly target?: 'native' | 'ts' // default: native
  readonly heads?: number // default: those of the shape
  readonly narrowing: Readonly<Record<string, readonly Value[]>>
}

const lengths = [4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128]
const pairs = { 'tile.i': [8, 16, 32, 48, 64, 128], 'tile.j': [16, 32, 64, 96, 128, 256], splits: [1] }

export const spaces: readonly Recorded[] = [
  ...['A', 'D', 'C', 'F'].map((name) => ({ name, narrowing: pairs })),
  {
    name: 'E',
    narrowing: {
      'tile.i': [32],
      'tile.j': [16, 32, 64, 96, 128, 256],
      rows: ['few'],
      splits: ['by length', 1, 2, 4, 8],
    },
  },
  // Modules are made in a moment, so that this space can be large enough for strategies to differ.
  { name: 'B-ts', shape: 'B', target: 'ts', heads: 1, narrowing: { 'tile.i': lengths, 'tile.j': lengths } },
]

export interface Prepared {
  readonly subject: Subject
  readonly space: Space
  readonly job: Job
  readonly logSubject: LogSubject
}

export async function prepareShape({
  name,
  shape: of = name,
  target = 'native',
  heads: own,
  narrowing,
}: Recorded): Promise<Prepared> {
  const shape = shapes.find((one) => one.name === of)
  if (!shape) throw new Error(`there is no shape ${name}`)
  const opened = openSource(shape.source)
  if (!opened.ok) throw new Error(`${shape.source} cannot be read`)
  const source = { ...opened.value, file: { ...opened.value.file, path: basename(shape.source) } }
  const module = analyze(source.file, source.readImport)
  if (!module.ok) throw new Error(`${shape.source} has errors`)
  const attention = module.value.attentions[0]!
  const { batch, keyHeads: most, queries, keys, width, params = {} } = shape
  const [heads, keyHeads] = [own ?? shape.heads, Math.min(most, own ?? most)]
  const known = { b: batch, h: heads, g: keyHeads, i: queries, j: keys, d: width, e: width }
  const sizes = completeSizes(attention, known, 0, params)
  if (!sizes.ok) throw new Error(`${name}: ${sizes.findings[0]?.message}`)
  const fixed = Object.fromEntries(
    attention.axes.filter(({ time }) => time === 'compile').map((axis) => [axis.name, sizes.value[axis.name]!]),
  )
  const options = { sizes: fixed }
  const subject: Subject = { source, attention, target, options, tile: {}, sizes: sizes.value, cores: 1 }
  const space = await declareSpace(subject, new Map(Object.entries(narrowing)))
  if (!space.ok) throw new Error(space.findings[0]?.message)
  const lengths = Object.entries(sizes.value).map(([axis, length]) => `${axis}=${length}`)
  return {
    subject,
    space: space.value,
    job: {
      ...{ file: source.file, attention: attention.name, target, options, tile: {}, sizes: sizes.value },
      ...{ check: { ...sizes.value, b: 1, h: heads / keyHeads, g: 1 }, params, seed: 0 },
      ...{ clock: 'thread', cache: true },
    },
    logSubject: {
      ...{ attention: attention.name, plan: '', target, dtype: 'f32' },
      device: os.cpus()[0]?.model ?? 'unknown',
      shape: lengths.sort().join(' '),
    },
  }
}
