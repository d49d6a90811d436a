/** Attention maps, computed by generated TypeScript. */
import type { Attention } from '../compiler/attention.ts'
import type { Study } from '../index.ts'
import { targets } from '../index.ts'
import { type MapLaunch, mapResult, prepareMap } from '../runtime/attention-map.ts'
import type { MapManner } from '../runtime/map-manner.ts'
import { type MapWeights, weightsOf } from '../runtime/map-weights.ts'
import { importFunctions } from './import-code.ts'
import { type Failed, type Refused, type Wish, withStudy } from './steps.ts'

export type MapStep = Running | Mapped | Unmapped | Refused | Failed
/** Code was made, and now runs. */
export interface Running {
  readonly step: 'running'
}
export interface Mapped extends MapWeights {
  readonly step: 'mapped'
  readonly attention: string
  readonly launch: Pick<MapLaunch, 'sizes' | 'made' | 'isShortened'>
  readonly manner: MapManner
}
export interface Unmapped {
  readonly step: 'unmapped'
  readonly attention: string
  readonly why: string
}

export async function* mapFor(wish: Wish): AsyncGenerator<MapStep> {
  yield* withStudy(wish, async function* (studied) {
    for (const attention of studied.module.attentions) yield* mapOf(attention, studied, wish)
  })
}

async function* mapOf(attention: Attention, studied: Study, { manner }: Wish): AsyncGenerator<MapStep> {
  const { name } = attention
  const unmapped = (why: string): Unmapped => ({ step: 'unmapped', attention: name, why })
  if (!attention.weight) return yield unmapped('it has no weights')
  const launch = launchOf(attention, manner)
  if (typeof launch === 'string') return yield unmapped(launch)
  const options = { target: 'ts', simd: 'none', results: [mapResult], sizes: launch.fixed } as const
  const prepared = studied.prepare(await targets.ts!(), options)
  const files = await prepared.emit()
  yield { step: 'running' }
  const weights = await weightsOf(name, launch, { programs: prepared.programs, files }, importFunctions)
  if (!weights) return yield unmapped('nothing computes its weights')
  const { sizes, made, isShortened } = launch
  yield { step: 'mapped', attention: name, ...weights, launch: { sizes, made, isShortened }, manner }
}

/** Or why there is none. */
function launchOf(attention: Attention, manner: Wish['manner']): MapLaunch | string {
  try {
    return prepareMap(attention, {}, manner)
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}
