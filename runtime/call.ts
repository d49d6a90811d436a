/** A call of a loaded attention: arrays and numbers that a program gives, checked and made a launch. */
import type { Attention, InputDecl, ParamDecl, StorageType } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { storageOf } from './draw.ts'
import { type Extent, inferShapes } from './infer-shapes.ts'
import { type Launch, prepareLaunch } from './launch.ts'
import { type Finding, failed, type Outcome, type Problem, problem } from './problem.ts'
import type { Inputs, Scalars } from './runners.ts'
import { arrayNameOf, arrayNames, fromStored, type StoredData, type StoredTensor } from './stored.ts'
import { elementCount, recordOf } from './tensor.ts'
import { unknownNames } from './unknown-names.ts'

/** A tensor, or its elements alone where lengths say what its shape is. */
export type Argument<Data extends StoredData = StoredData> = StoredTensor<Data> | Data

export interface Call {
  readonly inputs: Readonly<Record<string, Argument>>
  readonly params: Scalars
  readonly sizes: Sizes
}
type Dtype = Launch['dtype']

/** @param dtype  of float inputs whose type the source leaves open; undefined: as the arrays have it */
export function prepareCall(attention: Attention, call: Call, dtype: Dtype | undefined): Outcome<Launch> {
  const names = checkNames(attention, call)
  if (names.length > 0) return failed(...names)
  const chosen = dtype ?? dtypeOf(attention, call.inputs)
  const shapes = inferShapes(attention.inputs, extentsOf(attention, call.inputs), call.sizes)
  const tensors: [string, Inputs[string]][] = []
  const findings: Finding[] = []
  for (const input of attention.inputs) {
    const storage = storageOf(input, chosen)
    const fault = checkArgument(input, call.inputs[input.name], storage, shapes.get(input.name))
    if (fault) findings.push(fault)
    else {
      const data = dataOf(call.inputs[input.name]!)
      tensors.push([input.name, fromStored({ data, shape: shapes.get(input.name) ?? [] }, storage)])
    }
  }
  if (findings.length > 0) return failed(...findings)
  const given = { inputs: recordOf(tensors), params: recordOf(Object.entries(call.params)), sizes: {}, dtype: chosen }
  return prepareLaunch(attention, given, call.sizes, undefined)
}

const isArray = (value: Argument): value is StoredData => ArrayBuffer.isView(value)
const isMissing = (value: Argument | null | undefined): value is null | undefined =>
  value === undefined || value === null
const dataOf = (value: Argument): StoredData => (isArray(value) ? value : value.data)

function checkNames(attention: Attention, { inputs, params, sizes }: Call): readonly Finding[] {
  const { name } = attention
  const known = (declared: readonly { readonly name: string }[]): readonly string[] => declared.map((one) => one.name)
  return [
    ...unknownNames('ATTN0304', `input of ${name}`, Object.keys(inputs), known(attention.inputs)),
    ...unknownNames('ATTN0306', `param of ${name}`, Object.keys(params), known(attention.params)),
    ...checkSizes(attention, sizes),
    ...attention.params.flatMap((param) => checkParam(param, params) ?? []),
  ]
}

/** Lengths by names of axes. */
export const checkSizes = ({ axes }: Attention, sizes: Sizes): readonly Finding[] => [
  ...unknownNames(
    'ATTN0303',
    'axis',
    Object.keys(sizes),
    axes.map(({ name }) => name),
  ),
  ...Object.entries(sizes).flatMap(([axis, length]) => checkLength(`size(${axis})`, length) ?? []),
]

const mostLength = 2 ** 31 - 1

const checkLength = (what: string, length: number): Problem | undefined =>
  Number.isInteger(length) && length >= 0 && length <= mostLength
    ? undefined
    : problem('ATTN0324', `${what} cannot be ${String(length)}`)

/** What `resolveParams` takes for granted. */
function checkParam({ name, type, time }: ParamDecl, params: Scalars): Problem | undefined {
  const value: unknown = Object.hasOwn(params, name) ? params[name] : undefined
  if (value === undefined) return undefined
  if (time === 'compile') return problem('ATTN0307', `'${name}' is a const: its value is fixed in the source`)
  const fits = type === 'bool' ? typeof value === 'boolean' : typeof value === 'number' && !Number.isNaN(value)
  return fits ? undefined : problem('ATTN0307', `param ${name} is ${type}, and ${String(value)} is none`)
}

/** One type of arrays for all floats that declare none chooses it. */
function dtypeOf({ inputs }: Attention, given: Call['inputs']): Dtype {
  const open = inputs.filter(({ storage, type }) => storage === undefined && type === 'f32')
  const arrays = new Set(open.flatMap(({ name }) => (isMissing(given[name]) ? [] : [arrayNameOf(dataOf(given[name]))])))
  const [only, ...others] = arrays
  if (others.length > 0) return 'f32'
  return only === arrayNames.f16 ? 'f16' : only === arrayNames.bf16 ? 'bf16' : 'f32'
}

function checkArgument(
  { name, axes }: InputDecl,
  given: Argument | undefined,
  storage: StorageType,
  shape: readonly number[] | undefined,
): Problem | undefined {
  const list = `${name}[${axes.join(', ')}]`
  if (isMissing(given)) return problem('ATTN0308', `${list} is missing`)
  const array = arrayNameOf(dataOf(given))
  if (array !== arrayNames[storage])
    return problem(
      'ATTN0322',
      `${list} is ${storage}: its elements are given in a ${arrayNames[storage]}, not in ${article(array)}`,
    )
  const { length } = dataOf(given)
  if (!isArray(given) && !Array.isArray(given.shape))
    return problem('ATTN0324', `the shape of ${list} is a list of lengths`)
  if (!shape) {
    const text = `${list} has ${length} elements, and no lengths that say what its shape is`
    return problem('ATTN0324', text, `give it as { data, shape }, or give the lengths of its axes`)
  }
  if (shape.length !== axes.length)
    return problem('ATTN0324', `${list} has ${axes.length} axes, but the tensor given has ${shape.length}`)
  const bad = shape.map((n, k) => checkLength(`the length of ${axes[k]} in ${name}`, n)).find((fault) => fault)
  if (bad) return bad
  return elementCount(shape) === length
    ? undefined
    : problem(
        'ATTN0324',
        `${name} has ${length} elements, not the ${elementCount(shape)} of its shape [${shape.join(', ')}]`,
      )
}

const article = (word: string): string => (/^[AEIOU]/.test(word) ? `an ${word}` : `a ${word}`)

/** A shape that is no list is found to be wrong by `checkArgument`. */
const extentsOf = ({ inputs }: Attention, given: Call['inputs']): ReadonlyMap<string, Extent> =>
  new Map(
    inputs.flatMap(({ name }) => {
      const value = given[name]
      if (isMissing(value)) return []
      return [[name, isArray(value) ? value.length : value.shape] as const]
    }),
  )
