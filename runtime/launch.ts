/** Everything one call of an attention needs, checked against what the attention declares. */
import type { Attention, InputDecl } from '../compiler/attention.ts'
import { resolveParams, resolveSizes } from '../compiler/interpret/sizes.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { boundsOf, type DrawOptions, drawInput, randomNumbers } from './draw.ts'
import { done, failed, type Outcome, type Problem, problem } from './problem.ts'
import type { Inputs, Scalars } from './runners.ts'
import { elementCount, recordOf, type Tensor } from './tensor.ts'

export interface Launch {
  readonly inputs: Inputs
  readonly sizes: Sizes
  readonly params: Scalars
  readonly dtype: DrawOptions['dtype']
}

/** What to do about a problem, in the words of who asks. */
export interface LaunchHints {
  readonly missing: (input: string) => string
  readonly param: string
}

export const emptyLaunch: Launch = { inputs: recordOf([]), sizes: recordOf([]), params: recordOf([]), dtype: 'f32' }

/**
 * Lengths and parameters of a call; with a seed, inputs that were not given are drawn.
 *
 * @param sizes  lengths that the caller asked for; the tensors must agree with them
 * @param hints  undefined: the messages say enough
 */
export function prepareLaunch(
  attention: Attention,
  given: Launch,
  sizes: Sizes,
  seed: number | undefined,
  hints?: LaunchHints,
): Outcome<Launch> {
  const missing = attention.inputs.filter(({ name }) => !Object.hasOwn(given.inputs, name))
  if (missing.length > 0 && seed === undefined) return failed(missingInputs(attention, missing, hints))
  const shapes = recordOf(Object.entries(given.inputs).map(([name, { shape }]) => [name, shape]))
  const fill = seed === undefined ? {} : { fill: (axis: string) => defaultLength(attention, axis, seed) }
  const resolved = resolveSizes(attention, { shapes, sizes, params: given.params, ...fill })
  if (!resolved.ok) return failed(...resolved.problems.map(({ message }) => problem('ATTN0324', message)))
  const params = resolveParams(attention, resolved.value, given.params)
  if (!params.ok) return failed(...params.problems.map(({ message }) => problem('ATTN0307', message, hints?.param)))
  const outside = [
    ...paramsOutside(attention, resolved.value, params.value),
    ...inputsOutside(attention, given.inputs, resolved.value, params.value),
  ]
  if (outside.length > 0) return failed(...outside)
  const drawn = drawMissing(missing, resolved.value, { seed: seed ?? 0, dtype: given.dtype, params: params.value })
  if (!drawn.ok) return drawn
  const inputs = recordOf([...Object.entries(given.inputs), ...drawn.value])
  return done({ ...given, sizes: resolved.value, params: params.value, inputs })
}

function drawMissing(
  missing: readonly InputDecl[],
  sizes: Sizes,
  options: DrawOptions,
): Outcome<readonly (readonly [string, Tensor])[]> {
  const tooLarge = missing.filter(({ axes }) => elementCount(axes.map((axis) => sizes[axis] ?? 1)) > mostElements)
  if (tooLarge.length === 0) return done(missing.map((input) => [input.name, drawInput(input, sizes, options)]))
  const shape = (axes: readonly string[]): string => axes.map((axis) => `${axis}=${sizes[axis]}`).join(', ')
  const text = tooLarge.map(({ name, axes }) => `a random ${name} of ${shape(axes)}`).join(', ')
  return failed(problem('ATTN0324', `${text} is too large`, `at most ${mostElements} elements are drawn`))
}

const mostElements = 2 ** 28

function missingInputs(attention: Attention, missing: readonly InputDecl[], hints: LaunchHints | undefined): Problem {
  const names = missing.map(({ name, axes }) => `${name}[${axes.join(', ')}]`).join(', ')
  return problem('ATTN0308', `${attention.name} needs ${names}`, hints?.missing(missing[0]?.name ?? ''))
}

/** Of an axis of random tensors: as the first check line has it, else 64 features, and 1 to 4 of anything else. */
function defaultLength(attention: Attention, axis: string, seed: number): number {
  const checked = attention.checks[0]?.sizes[axis]
  if (checked !== undefined && attention.axes.some(({ name, time }) => name === axis && time === 'compile'))
    return checked
  if (axis === 'd' || axis === 'e') return 64
  return 1 + Math.floor(randomNumbers(seed, `size of ${axis}`).uniform() * 4)
}

function paramsOutside(attention: Attention, sizes: Sizes, params: Scalars): readonly Problem[] {
  return attention.params.flatMap(({ name, range }) => {
    if (!range) return []
    const { lo, hi } = boundsOf(range, sizes, params)
    const value = Number(params[name])
    return value >= lo && value <= hi
      ? []
      : [problem('ATTN0307', `param ${name} is declared in [${lo}, ${hi}], and ${value} is not`)]
  })
}

function inputsOutside(attention: Attention, inputs: Inputs, sizes: Sizes, params: Scalars): readonly Problem[] {
  return attention.inputs.flatMap(({ name, range }) => {
    const tensor = Object.hasOwn(inputs, name) ? inputs[name] : undefined
    if (!range || !tensor) return []
    const { lo, hi } = boundsOf(range, sizes, params)
    const bad = tensor.data.findIndex((x) => !(x >= lo && x <= hi))
    if (bad < 0) return []
    return [problem('ATTN0325', `${name} is declared in [${lo}, ${hi}], and its element ${bad} is ${tensor.data[bad]}`)]
  })
}
