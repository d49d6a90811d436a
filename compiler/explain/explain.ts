/** All that is said of one attention: what it computes, how, why so, which tiles its mask leaves out, and how much work is left. */
import { resolveSizes } from '../interpret.ts'
import type { Machine } from '../kernel.ts'
import type { Lowered } from '../lower/program.ts'
import type { StageOptions } from '../options.ts'
import { own } from '../own.ts'
import type { Planned } from '../plan/make-plan.ts'
import { chooseLengths, type Draw, type Lengths } from './lengths.ts'
import { explainMathematics, type Mathematics } from './mathematics.ts'
import { type ExplainedPart, explainParts } from './parts.ts'
import { createClassifier, drawMask, type Picture, type Unpictured } from './picture.ts'
import { type Place, placeAt } from './places.ts'
import { countWork, type Work } from './work.ts'

export interface ExplainOptions extends StageOptions {
  readonly shape?: Readonly<Record<string, number>> // lengths to draw and count for
  readonly draw?: Draw // data for tensors that masks read; without it, such masks have no picture
}
export interface Explanation {
  readonly attention: string
  readonly doc: readonly string[]
  readonly place: Place
  readonly mathematics: Mathematics
  readonly parts: readonly ExplainedPart[]
  readonly mask: Picture | Unpictured | null // null: all pairs are admitted
  readonly work: Work
  readonly precision?: 'fast' // of elementary functions; absent: accurate
}
export interface LoweredAttention extends Lowered {
  readonly planned: Planned
  readonly sizes: Lengths['sizes'] // known when code is generated
}

export function explainAttention(lowered: LoweredAttention, machine: Machine, options: ExplainOptions): Explanation {
  const { planned, plan, program, sizes } = lowered
  const { attention } = planned
  const tiles: Readonly<Record<string, number>> = { ...machine.tile, ...attention.tile, ...options.tile }
  const tile = (axis: string): number => own(tiles, axis) ?? machine.tile.j
  const lengths = chooseLengths(attention, sizes, options.shape ?? {}, tile, options.draw)
  const classifier = createClassifier(attention, sizes, lengths, options.draw)
  const mask = maskOf(planned)
  return {
    attention: attention.name,
    doc: attention.doc,
    place: { ...placeAt(attention.span), text: '' },
    mathematics: explainMathematics(attention, sizes),
    parts: explainParts(planned, plan),
    mask: mask ? drawMask(mask, lengths, tile, classifier) : null,
    work: countWork(plan, allSizes(lowered, lengths), { program, planned, lengths, tile, classifier }),
    ...(program.precision ? { precision: program.precision } : {}),
  }
}

/** The mask in the form that the plan has it in. */
const maskOf = (planned: Planned) => [...planned.named()].find(([, name]) => name === 'mask')?.[0]

/** With axes that only the program has: tiles, copies of others. */
function allSizes({ planned, program }: LoweredAttention, { sizes, params }: Lengths): Lengths['sizes'] {
  const found = resolveSizes({ ...planned.attention, axes: program.axes }, { sizes, params })
  return found.ok ? found.value : sizes
}
