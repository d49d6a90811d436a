/** The sources that `attnc init` writes: one frame, with comments, and what is different between variants. */
import { projects } from '../generated/projects.ts'
import type { templateNames } from './program-helpers.ts'

export type Template = (typeof templateNames)[number]

interface Variant {
  readonly doc: readonly string[]
  readonly params?: readonly string[] // beside the scale
  readonly lets?: readonly { readonly note: string; readonly text: string }[]
  readonly score?: string // more than scale * dot(q, k)
  readonly mask?: string
  readonly weights?: string // what is to be said of them
  readonly normalize?: string
  readonly output?: string
  readonly function?: string
}

const position = {
  note: 'Where a query stands: the last one at the last key.',
  text: 'position = i + size(j) - size(i)',
}

const variants: Readonly<Record<Template, Variant>> = {
  causal: {
    doc: ['Softmax attention in which a query sees the keys up to its own position.'],
    lets: [position],
    mask: 'j <= position',
  },
  softmax: { doc: ['Softmax attention over all keys.'] },
  sliding_window: {
    doc: ['Softmax attention in which a query sees its own key and the window - 1 keys before it.'],
    params: ['window = 16 in [1, 65536]'],
    lets: [position],
    mask: 'j <= position and j > position - window',
  },
  alibi: {
    doc: [
      'Attention with linear biases: each head takes its own slope times the distance of query and key off the score.',
      'Press, Smith, Lewis, "Train Short, Test Long", 2021.',
    ],
    lets: [
      position,
      { note: 'One for each head: from 2^(-8/H) down to 2^-8.', text: 'slope = 2 ^ (-8 * (h + 1) / size(h))' },
    ],
    score: ' - slope * (position - j)',
    mask: 'j <= position',
  },
  sigmoid: {
    doc: [
      'Sigmoid attention: every weight is a sigmoid of its own score, and nothing is divided by a sum.',
      'Ramapuram et al., "Theory, Analysis, and Best Practices for Sigmoid Self-Attention", 2024.',
    ],
    params: ['bias = -log(size(j))'],
    score: ' + bias',
    weights: 'Each comes from its score alone: no [j], so nothing is folded over the keys.',
    normalize: 'sigmoid(score)',
    output: 'total = sum[j](weight)',
  },
  normalizer: {
    doc: ['Attention with a normalizer of its own, defined below.'],
    weights: 'The function below gets all scores of a row; [j] says along which axis it folds them.',
    normalize: 'softmax_and_one[j](score)',
    function: `/// A softmax with one more term, exp(0), below the line: a row may give next to no weight to all of its keys.
/// Miller, "Attention Is Off By One", 2023.
fn softmax_and_one[x](s) = {
  // Exponents are taken relative to the greatest, so that none overflows.
  let m = max(max[x](s), 0)
  let e = exp(s - m)
  e / (sum[x](e) + exp(-m))
}`,
  },
}

/**
 * A source, as `attnc fmt` would have it.
 *
 * @param further  whether it has a second result, or only says how to write one
 */
export function sourceOf(template: Template, { name, further }: { readonly name: string; readonly further: boolean }) {
  const variant = variants[template]
  return projects['any/source.attn']({
    name,
    further,
    doc: variant.doc,
    params: ['scale = 1 / sqrt(size(d))', ...(variant.params ?? [])],
    lets: variant.lets ?? [],
    score: `scale * dot(q, k)${variant.score ?? ''}`,
    mask: variant.mask ?? '',
    weights: variant.weights ?? 'softmax is a function of the library; one of your own is: fn name[x](s) = ...',
    normalize: variant.normalize ?? 'softmax[j](score)',
    output: variant.output ?? 'lse = logsumexp[j](score)',
    function: variant.function ?? '',
  })
}
