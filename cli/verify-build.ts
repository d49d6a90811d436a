import { type Arithmetic, storageRounding } from '../compiler/arithmetic.ts'
import type { Attention, StorageType } from '../compiler/attention.ts'
import type { Program } from '../compiler/kernel.ts'
import { type Keeping, loadAttention } from '../node.ts'
import { done, type Outcome } from '../runtime/problem.ts'
import type { Shape, Tile } from '../runtime/verify/shapes.ts'
import type { Ready } from '../runtime/verify/verify.ts'
import type { Source } from './sources.ts'

/** Builds an attention for a shape; shapes that are generated alike share one build. */
export function builder(
  source: Source,
  attention: Attention,
  target: string,
  keeping?: Keeping,
): (shape: Shape, tile: Tile | undefined) => Promise<Outcome<Ready>> {
  const built = new Map<string, Promise<Outcome<Ready>>>()
  return (shape, tile) => {
    const fixed = attention.axes.filter(({ time }) => time === 'compile').map(({ name }) => shape.sizes[name])
    const key = JSON.stringify([fixed, shape.dtype, tile])
    const ready = built.get(key) ?? build(source, attention, target, shape, tile, keeping)
    built.set(key, ready)
    return ready
  }
}

async function build(
  source: Source,
  attention: Attention,
  target: string,
  { sizes, dtype }: Shape,
  tile: Tile | undefined,
  keeping: Keeping | undefined,
): Promise<Outcome<Ready>> {
  const ready = await loadAttention(source, attention, { target, sizes, dtype, ...(tile ? { tile } : {}) }, keeping)
  if (!ready.ok) return ready
  const { runner, program, loaded } = ready.value
  return done({
    arithmetic: { ...runner.arithmetic, storage: storageOf(program) },
    prices: [],
    call: (inputs, params) => loaded.call(program, inputs, params),
  })
}

const isRounded = (storage: StorageType): storage is keyof typeof storageRounding => storage in storageRounding

const storageOf = ({ buffers }: Program): Arithmetic['storage'] =>
  Object.fromEntries(
    buffers.flatMap(({ name, role, storage }) =>
      role === 'result' && isRounded(storage) ? [[name, storageRounding[storage]]] : [],
    ),
  )
