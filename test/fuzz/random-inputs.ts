/** Tensors for random programs. */

import { storageRounding } from '../../compiler/arithmetic.ts'
import type { Attention } from '../../compiler/attention.ts'
import { createNormal, type Tensors, tensor } from '../run-source.ts'
import type { RandomProgram } from './random-programs.ts'

/** Those that it reads. */
export function inputsFor(program: RandomProgram, { inputs }: Attention): Tensors {
  const names = new Set(inputs.map((x) => x.name))
  return Object.fromEntries(Object.entries(inputsOf(program)).filter(([name]) => names.has(name)))
}

function inputsOf({ sizes, seed, amplitude }: RandomProgram): Tensors {
  const normal = createNormal(seed)
  const { i, j, m, d, e } = sizes
  return {
    q: tensor([1, 2, i, d], () => normal() * amplitude),
    k: tensor([1, 2, j, d], normal),
    v: tensor([1, 2, j, e], normal),
    mk: tensor([1, 2, m, d], normal),
    mv: tensor([1, 2, m, e], normal),
    mix: tensor([2, 2], normal),
    slope: tensor([2], normal),
    kb: tensor([1, j], normal),
    qb: tensor([1, i], normal),
    seen: { shape: [1, j], data: Uint8Array.from({ length: j }, () => (normal() > 0 ? 1 : 0)) },
    doc: { shape: [1, j], data: Int32Array.from({ length: j }, () => Math.abs(Math.round(normal())) % 3) },
  }
}

/** Results that random programs may have are stored in f32. */
export const storage = {
  out: storageRounding.f32,
  lse: storageRounding.f32,
  most: storageRounding.f32,
  total: storageRounding.f32,
  m2: storageRounding.f32,
  col: storageRounding.f32,
  map: storageRounding.f32,
}
