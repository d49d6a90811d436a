/**
 * Folds of rows by quads: four invocations that see each other's values share the elements of a row out. Every subgroup has quads,
 * of whatever size from 4 to 128 it is. All else that is done to a row is the first one's.
 */
import { atom, type Code } from '../expression.ts'
import { defined, type Facts, type Fold, type Item, refs } from '../nests/item.ts'
import type { Home } from './homes.ts'
import { perQuad } from './mapping.ts'
import type { Phase, Step } from './phases.ts'

/** `quads`: axes whose elements belong to quads. `folds`: what these share out. */
export interface Joint {
  readonly quads: ReadonlySet<string>
  readonly folds: ReadonlySet<Item>
}

/** Elements of a row that are worth sharing out. */
const leastElements = 2 * perQuad

/** @param size  of a group: where there are more rows, every invocation has one of its own as it is */
export function findJoint(steps: readonly Step[], facts: Facts, homes: ReadonlyMap<string, Home>, size: number): Joint {
  const phases = phasesIn(steps)
  const few = ({ axes }: Phase): boolean =>
    axes.length > 0 && axes.reduce((product, axis) => product * (facts.extents.get(axis) ?? 1), 1) <= size
  const products = new Set(phases.flatMap(({ axes, items }) => (items[0]?.kind === 'product' ? [axes.join()] : [])))
  const folds = new Set<Item>()
  const quads = new Set<string>()
  for (const phase of phases) {
    const key = phase.axes.join()
    if (!few(phase) || products.has(key)) continue
    for (const item of phase.items) {
      if (!isJoint(item, phase, facts, homes)) continue
      folds.add(item)
      quads.add(key)
    }
  }
  return { quads, folds }
}

const phasesIn = (steps: readonly Step[]): readonly Phase[] =>
  steps.flatMap((step) => (step.kind === 'phase' ? [step] : [...phasesIn(step.head), ...phasesIn(step.body)]))

/** Whether a fold takes nothing that only the first invocation of a quad has, nor what the same phase makes. */
function isJoint(item: Item, { items }: Phase, facts: Facts, homes: ReadonlyMap<string, Home>): item is Fold {
  if (item.kind !== 'fold' || (facts.extents.get(item.over) ?? 1) < leastElements) return false
  const made = new Set(items.map((one) => (one.kind === 'scale' ? one.to.name : defined(one))))
  const isShared = (one: Item): boolean =>
    refs(one).every((name) => {
      const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
      if (source) return isShared(source)
      const kind = homes.get(name)?.kind
      return kind !== 'own' && kind !== 'element' && !made.has(name)
    })
  return isShared(item)
}

const helpers = {
  sum: { f32: 'quadSum', i32: 'quadCount' },
  count: { i32: 'quadCount' },
  max: { f32: 'quadLargest', i32: 'quadMost' },
  min: { f32: 'quadSmallest', i32: 'quadLeast' },
  any: { bool: 'quadAny' },
  all: { bool: 'quadAll' },
} as const satisfies Readonly<Record<Fold['op'], Readonly<Record<string, string>>>>

/** What a quad has folded, from what each of its invocations has. */
export function ofQuad({ op, to }: Fold, own: string): Code {
  const byType: Readonly<Record<string, string>> = helpers[op]
  return atom(`${byType[to.type]}(${own})`)
}

/** Numbers the quads of a group: WebGPU does not say which of its invocations are neighbours. */
export const quadLines = (leaders: string): readonly string[] => [
  '// Four invocations that see each other are a quad, in whatever order devices number them.',
  'let lane = i32(subgroupIndex & 3u);',
  'let leader = quadBroadcast(local, 0u);',
  `${leaders}[local] = select(0, 1, lane == 0);`,
  'workgroupBarrier();',
  'var quad = 0;',
  `for (var n = 0; n < leader; n++) { quad += ${leaders}[n]; }`,
]
