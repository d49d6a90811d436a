/** `attnc explain --svg`: the tiles of the mask, the plan and an attention map of each attention, as files. */
import { join } from 'node:path'
import { drawHeat, madeOf } from '../figures/heat.ts'
import { drawPlan } from '../figures/plan.ts'
import { printSvg } from '../figures/print-svg.ts'
import type { Figure } from '../figures/shape.ts'
import { drawTiles } from '../figures/tiles.ts'
import type { Attention, CompileOptions, Explanation } from '../index.ts'
import { analyze, compile } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { type MapLaunch, mapResult, mostTokens, prepareMap } from '../runtime/attention-map.ts'
import { importJavaScript } from '../runtime/load-ts.ts'
import { mannerText } from '../runtime/map-manner.ts'
import { type MapWeights, weightsOf } from '../runtime/map-weights.ts'
import { done, failed, type Outcome } from '../runtime/problem.ts'
import { sliceOf } from '../runtime/slice.ts'
import { type FileToWrite, writeFiles } from '../runtime/write.ts'
import type { Source } from './sources.ts'

interface Asked {
  readonly source: Source
  readonly options: CompileOptions
  readonly shape: Readonly<Record<string, number>>
  readonly folder: string // to be written to
}

interface Drawn {
  readonly files: readonly FileToWrite[]
  readonly note?: string // why there is no map
}

/** The figures of all attentions of a source, written; `note`: which maps there are not. */
export async function writeFigures(
  explanations: readonly Explanation[],
  asked: Asked,
): Promise<Outcome<{ readonly paths: readonly string[]; readonly note: string }>> {
  const analyzed = analyze(asked.source.file, asked.source.readImport)
  if (!analyzed.ok) return failed(...analyzed.diagnostics)
  const drawn: Drawn[] = []
  for (const [n, attention] of analyzed.value.attentions.entries()) {
    const explanation = explanations[n]
    const figures = explanation ? await drawFigures(attention, explanation, asked) : done({ files: [] })
    if (!figures.ok) return figures
    drawn.push(figures.value)
  }
  const files = drawn.flatMap((one) => one.files)
  const written = writeFiles(files)
  if (!written.ok) return written
  return done({ paths: files.map(({ path }) => path), note: drawn.flatMap(({ note }) => note ?? []).join('\n') })
}

/** Figures of one attention. Maps are computed by the code of the target ts; what has no weights has none. */
async function drawFigures(attention: Attention, explanation: Explanation, asked: Asked): Promise<Outcome<Drawn>> {
  const { name } = attention
  const map = await drawMap(attention, asked)
  if (!map.ok) return map
  const { figure, note } = map.value
  const all = [
    ['mask', drawTiles(name, explanation.mask)],
    ['plan', drawPlan(explanation)],
    ...(figure ? [['map', figure] as const] : []),
  ] as const
  const files = all.map(([kind, one]) => ({ path: join(asked.folder, `${name}.${kind}.svg`), content: printSvg(one) }))
  return done({ files, ...(note === undefined ? {} : { note: `no attention map of ${name}: ${note}` }) })
}

interface DrawnMap {
  readonly figure?: Figure
  readonly note?: string
}

async function drawMap(attention: Attention, { source, options, shape }: Asked): Promise<Outcome<DrawnMap>> {
  if (!attention.weight) return done({ note: 'it has no weights' })
  const launch = launchOf(attention, shape)
  if ('note' in launch) return done(launch)
  const given = { ...options, readImport: source.readImport, dtype: 'f32', simd: 'none', results: [mapResult] } as const
  const compiled = await attempt(() => compile(source.file, { ...given, target: 'ts', sizes: launch.fixed }))
  if (!compiled.ok) return compiled
  const weights = await weightsOf(attention.name, launch, compiled.value, importJavaScript)
  if (!weights) return done({ note: 'nothing computes its weights' })
  return done({ figure: figureOf(attention.name, launch, weights) })
}

/** A map is no reason to fail: the other figures are there. */
function launchOf(attention: Attention, shape: Asked['shape']): MapLaunch | { readonly note: string } {
  try {
    return prepareMap(attention, shape, 'smooth')
  } catch (error) {
    if (error instanceof RangeError) return { note: error.message }
    throw error
  }
}

function figureOf(name: string, launch: MapLaunch, { tensor, axes }: MapWeights): Figure {
  const fixed = axes.filter((axis) => axis !== 'i' && axis !== 'j').map((axis) => `${axis} = 0`)
  const lengths = [launch.sizes.i ?? 1, launch.sizes.j ?? 1] as const
  const made = madeOf(mannerText.smooth, launch.made)
  const cut = launch.isShortened ? ` No more than ${mostTokens} tokens are shown.` : ''
  return drawHeat(name, { row: 'i', column: 'j', lengths, values: sliceOf(tensor, axes, {}), fixed, made: made + cut })
}
