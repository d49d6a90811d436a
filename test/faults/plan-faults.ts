/** Faults of the derivation: states that do not follow their reference, wrong domains, wrong finishes. */
import { type Call, call, type Expr, f32, i32, rewrite } from '../../compiler/ir.ts'
import type { Planned } from '../../compiler/plan/make-plan.ts'
import type { Accumulator, Degree, Part } from '../../compiler/plan/plan.ts'
import { editAccumulators, editDomains, editFinish, editPasses, isTotal, isVector } from './edit.ts'
import type { Fault } from './fault.ts'

const editDegrees = (
  plan: Planned,
  which: (a: Accumulator) => boolean,
  change: (degree: Degree) => readonly Degree[],
): Planned => editAccumulators(plan, (a) => (which(a) ? { ...a, degrees: a.degrees.flatMap(change) } : a))

const isOp =
  (...ops: readonly Call['op'][]) =>
  (e: Expr): e is Call =>
    e.kind === 'call' && ops.includes(e.op)

const replace = (root: Expr, change: (e: Expr) => Expr): Expr => rewrite(root, change)

/** The accumulators of all passes, by id, where a finish speaks of them. */
const idsOf = ({ parts }: Planned, which: (a: Accumulator) => boolean): readonly string[] =>
  parts.flatMap((part) =>
    part.kind === 'stream' ? part.passes.flatMap((p) => p.accumulators.filter(which).map(({ id }) => id)) : [],
  )

const rename = (e: Expr, from: string | undefined, to: string | undefined): Expr =>
  e.kind === 'bound' && e.id === from && to !== undefined ? { ...e, id: to } : e

const editRounds = (plan: Planned, change: (part: Extract<Part, { kind: 'rounds' }>) => Part): Planned => ({
  ...plan,
  parts: plan.parts.map((part) => (part.kind === 'rounds' ? change(part) : part)),
})

const rescaling: readonly Fault[] = [
  {
    name: 'vector not rescaled',
    what: 'The accumulated vector keeps its scale when the reference moves.',
    examples: ['softmax', 'alibi', 'stick_breaking', 'landmark'],
    plan: (plan) => editDegrees(plan, isVector, () => []),
  },
  {
    name: 'sum not rescaled',
    what: 'The denominator keeps its scale when the reference moves.',
    examples: ['causal', 'clipped_softmax', 'sinkformer', 'talking_heads'],
    plan: (plan) => editDegrees(plan, isTotal, () => []),
  },
  {
    name: 'vector rescaled twice',
    what: 'The accumulated vector is rescaled by the square of the factor.',
    examples: ['causal', 'ocr'],
    plan: (plan) => editDegrees(plan, isVector, (d) => [{ ...d, rate: 2 * d.rate }]),
  },
  {
    name: 'sum rescaled twice',
    what: 'The denominator is rescaled by the square of the factor.',
    examples: ['documents', 'off_by_one'],
    plan: (plan) => editDegrees(plan, isTotal, (d) => [{ ...d, rate: 2 * d.rate }]),
  },
  {
    name: 'rate of another exponential',
    what: 'A sum of exp(s / 4) is rescaled as one of exp(s).',
    examples: ['temperature_mixture'],
    plan: (plan) =>
      editDegrees(
        plan,
        () => true,
        (d) => [{ ...d, rate: d.rate === 0 ? 0 : 1 }],
      ),
  },
  {
    name: 'power of another degree',
    what: 'A sum of powers is rescaled by a power one lower.',
    examples: ['power'],
    plan: (plan) =>
      editDegrees(
        plan,
        () => true,
        (d) => [{ ...d, power: d.power === 0 ? 0 : d.power - 1 }],
      ),
  },
  {
    name: 'moment not shifted',
    what: 'A first moment stays about the old centre when the centre moves.',
    examples: ['z_score', 'entropy', 'centered_tanh'],
    plan: (plan) =>
      editDegrees(
        plan,
        () => true,
        (d) => (d.moment === 1 ? [{ ...d, moment: 0 }] : [d]),
      ),
  },
  {
    name: 'second moment not shifted',
    what: 'The second moment stays about the old centre when the centre moves.',
    examples: ['z_score'],
    plan: (plan) =>
      editDegrees(
        plan,
        () => true,
        (d) => (d.moment === 2 ? [{ ...d, moment: 0 }] : [d]),
      ),
  },
  {
    name: 'moments exchanged',
    what: 'The binomial shift takes the lower moments in the wrong order.',
    examples: ['z_score'],
    plan: (plan) =>
      editDegrees(
        plan,
        () => true,
        (d) => [{ ...d, lower: d.lower.toReversed() }],
      ),
  },
  {
    name: 'sum at the maximum kept',
    what: 'What was summed at an old maximum stays when the maximum moves.',
    examples: ['hard_max'],
    plan: (plan) => editDegrees(plan, isVector, () => []),
  },
  {
    name: 'count at the maximum kept',
    what: 'What was counted at an old maximum stays when the maximum moves.',
    examples: ['hard_max'],
    plan: (plan) =>
      editDegrees(
        plan,
        ({ op }) => op === 'count',
        () => [],
      ),
  },
  {
    name: 'the other end as reference',
    what: 'Scores are taken relative to their running minimum, so that exponentials of large ones overflow.',
    examples: ['softmax', 'causal'],
    plan: (plan) =>
      editPasses(plan, (pass) => ({
        ...pass,
        references: pass.references.map((r) => (r.kind === 'max' ? { ...r, kind: 'min' } : r)),
      })),
  },
]

const domains: readonly Fault[] = [
  {
    name: 'no mask',
    what: 'All pairs are admitted.',
    examples: ['causal', 'sliding_window', 'documents'],
    plan: (plan) => editDomains(plan, () => undefined),
  },
  {
    name: 'no mask in the last pass',
    what: 'The last of several passes sees all pairs.',
    examples: ['softplus_reweighted', 'alpha_entmax', 'softmax_of_softmax'],
    plan: (plan) => editPasses(plan, (pass, nth) => (nth > 0 ? { ...pass, domain: undefined } : pass)),
  },
  {
    name: 'mask shifted by one key',
    what: 'The mask of key j + 1 is that of key j.',
    examples: ['causal', 'learned_sink', 'long_net', 'paged_cache'],
    plan: (plan) =>
      editDomains(plan, (domain) =>
        replace(domain, (e) => (e.kind === 'index' && e.axis === 'j' ? call('sub', [e, i32(1)]) : e)),
      ),
  },
  {
    name: 'less instead of at most',
    what: 'A query does not see the key at its own position.',
    examples: ['causal', 'streaming', 'retention'],
    plan: (plan) => editDomains(plan, (domain) => replace(domain, (e) => (isOp('le')(e) ? call('lt', e.args) : e))),
  },
  {
    name: 'at most instead of less',
    what: 'A bound that is exclusive is taken for an inclusive one.',
    examples: ['stick_breaking', 'learned_sink', 'prefix_lm', 'global_sliding_window'],
    plan: (plan) => editDomains(plan, (domain) => replace(domain, (e) => (isOp('lt')(e) ? call('le', e.args) : e))),
  },
  {
    name: 'or instead of and',
    what: 'A pair is admitted if one of two conditions holds.',
    examples: ['documents', 'sliding_window', 'share_question'],
    plan: (plan) => editDomains(plan, (domain) => replace(domain, (e) => (isOp('and')(e) ? call('or', e.args) : e))),
  },
  {
    name: 'mask aligned at the top',
    what: 'The first query stands at the first key instead of the last at the last.',
    examples: ['causal', 'sparse_fixed'],
    plan: (plan) => editDomains(plan, (domain) => replace(domain, (e) => (e.kind === 'size' ? i32(0) : e))),
  },
  {
    name: 'running sum exclusive',
    what: 'A running sum leaves the element itself out.',
    examples: ['stick_breaking', 'running', 'falling'],
    plan: (plan) =>
      editPasses(plan, (pass) => ({
        ...pass,
        running: pass.running.map((r) => ({ ...r, inclusive: !r.inclusive })),
      })),
  },
  {
    name: 'walk turned round',
    what: 'Keys pass by from the other end, and running sums with them.',
    examples: ['stick_breaking'],
    plan: (plan) => editPasses(plan, (pass) => ({ ...pass, direction: pass.direction === 'up' ? 'down' : 'up' })),
  },
]

const finishes: readonly Fault[] = [
  {
    name: 'empty rows not guarded',
    what: 'A row that admits no key is divided as any other.',
    examples: ['causal', 'documents', 'z_score'],
    plan: (plan) =>
      editFinish(plan, (e) => (isOp('select')(e) && e.args[0]?.kind === 'bound' ? (e.args[1] as Expr) : e)),
  },
  {
    name: 'no keys not guarded',
    what: 'An axis of no keys is divided as any other.',
    examples: ['softmax'],
    plan: (plan) =>
      editFinish(plan, (e) => (isOp('select')(e) && isOp('lt')(e.args[0] as Expr) ? (e.args[1] as Expr) : e)),
  },
  {
    name: 'divided by another sum',
    what: 'The finish divides by the sum of another exponential.',
    examples: ['temperature_mixture', 'entropy'],
    plan: (plan) => {
      const [first, second] = idsOf(plan, isTotal)
      return editFinish(plan, (e) => rename(e, first, second))
    },
  },
  {
    name: 'the vector of another sum',
    what: 'The finish takes one accumulated vector for another.',
    examples: ['temperature_mixture', 'z_score'],
    plan: (plan) => {
      const [first, second] = idsOf(plan, ({ body }) => body.axes.some((axis) => axis === 'e' || axis === 'd'))
      return editFinish(plan, (e) => rename(e, first, second))
    },
  },
  {
    name: 'small constant lost',
    what: 'What is added so that a divisor cannot be 0 is left out.',
    examples: ['z_score', 'differential'],
    plan: (plan) =>
      editFinish(plan, (e) =>
        e.kind === 'const' && typeof e.value === 'number' && e.value > 0 && e.value < 0.01 ? f32(0) : e,
      ),
  },
  {
    name: 'sink not relative to the reference',
    what: 'The constant of the denominator is added as it is, though the sum is relative to the reference.',
    examples: ['off_by_one', 'learned_sink'],
    plan: (plan) =>
      editFinish(plan, (e) => {
        const [sum, constant] = isOp('add')(e) ? e.args : []
        const isSink = constant && isOp('exp')(constant) && sum && isOp('mul')(sum)
        return isSink ? call('add', [sum, f32(1)]) : e
      }),
  },
  {
    name: 'reference left out of a logarithm',
    what: 'log-sum-exp is the logarithm of the sum alone.',
    examples: ['entropy'],
    plan: (plan) => {
      const isReference = (e: Expr): boolean => e.kind === 'bound' && e.id.startsWith('r')
      return editFinish(plan, (e) => {
        const [left, right] = isOp('add')(e) ? e.args : []
        if (left && right && isReference(right)) return left
        return left && right && isReference(left) ? right : e
      })
    },
  },
]

const rounds: readonly Fault[] = [
  {
    name: 'one round less',
    what: 'A repetition ends one round early.',
    examples: ['sinkformer'],
    plan: (plan) => editRounds(plan, (part) => ({ ...part, count: call('sub', [part.count, i32(1)]) })),
  },
  {
    name: 'one round more',
    what: 'A repetition goes on for another round.',
    examples: ['sinkformer'],
    plan: (plan) => editRounds(plan, (part) => ({ ...part, count: call('add', [part.count, i32(1)]) })),
  },
  {
    name: 'state of a round not kept',
    what: 'What a round computes last is not there in the next.',
    examples: ['sinkformer'],
    plan: (plan) => editRounds(plan, (part) => ({ ...part, become: part.become.slice(0, -1) })),
  },
]

export const planFaults: readonly Fault[] = [...rescaling, ...domains, ...finishes, ...rounds]
