import type { Attention } from '../compiler/attention.ts'
import { done, type Finding, failed, type Outcome, problem } from '../runtime/problem.ts'
import type { Scalars } from '../runtime/runners.ts'
import { recordOf } from '../runtime/tensor.ts'
import { unknownNames } from '../runtime/unknown-names.ts'
import { parseScalar } from './options.ts'

/** The values of `--param`, as the attention declares them. */
export function paramsOf(attention: Attention, given: ReadonlyMap<string, string>): Outcome<Scalars> {
  const findings: Finding[] = [
    ...unknownNames(
      'ATTN0306',
      `param of ${attention.name}`,
      given.keys(),
      attention.params.map(({ name }) => name),
    ),
  ]
  const params: [string, number | boolean][] = []
  for (const { name, type, time } of attention.params) {
    const text = given.get(name)
    if (text === undefined) continue
    const value = parseScalar(text, type)
    if (time === 'compile') findings.push(problem('ATTN0307', `'${name}' is a const: its value is fixed in the source`))
    else if (value === undefined)
      findings.push(problem('ATTN0307', `param ${name} is ${type}, and '${text}' is none`, paramHints[type]))
    else params.push([name, value])
  }
  return findings.length > 0 ? failed(...findings) : done(recordOf(params))
}

const paramHints = {
  bool: 'true or false',
  i32: 'an integer from -2147483648 to 2147483647',
  f32: 'a decimal number: 0.125, 1e-6, inf',
} as const
