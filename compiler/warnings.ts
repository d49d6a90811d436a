/** Every warning of the checker, one function each. Codes are never reused; docs/errors.md has a section on each. */
import type { Diagnostic, Label } from '../grammar/diagnostic.ts'
import type { Span } from '../grammar/source.ts'

interface Extra {
  readonly label?: string
  readonly notes?: readonly Label[]
  readonly hint?: string
}

const warning = (code: string, title: string, span: Span, message: string, extra: Extra = {}): Diagnostic => ({
  code,
  severity: 'warning',
  title,
  message,
  at: extra.label === undefined ? { span } : { span, text: extra.label },
  notes: extra.notes ?? [],
  ...(extra.hint === undefined ? {} : { hint: extra.hint }),
})

const tokens: Readonly<Record<string, string>> = { i: 'queries', j: 'keys' }

/** `axis` as the source has it: i, j or a part of one. */
export const wholeAxis = (at: Span, op: string, axis: string): Diagnostic =>
  warning(
    'ATTN0201',
    'whole-axis',
    at,
    `this ${op} sees all ${tokens[axis] ?? 'tokens'}, also those the mask excludes`,
    {
      hint: `'${op}[${axis} where mask](...)' sees the admitted ones, 'where true' keeps it as it is`,
    },
  )

export const unmaskedMove = (at: Span, axis: string): Diagnostic =>
  warning(
    'ATTN0202',
    'unmasked-substitution',
    at,
    `the mask varies over '${axis}', and this is read at pairs that it may exclude there`,
    {
      hint: `(if mask then x else 0)[${axis} = ...] is 0 at those pairs`,
    },
  )

const origins = {
  library: 'the standard library',
  import: 'an import',
  file: 'this file',
  attention: 'this attention',
  builtin: 'the language',
}

export const hidesFunction = (
  at: Span,
  name: string,
  origin: keyof typeof origins,
  hidden: Span | undefined,
): Diagnostic =>
  warning('ATTN0203', 'hidden-function', at, `this hides the '${name}' of ${origins[origin]}`, {
    notes: hidden && origin !== 'library' ? [{ span: hidden, text: 'hidden' }] : [],
  })

export const unused = (at: Span, kind: string, name: string): Diagnostic =>
  warning(
    'ATTN0204',
    'unused',
    at,
    kind === 'clause' ? `no result depends on '${name}'` : `the ${kind} '${name}' is not used`,
  )

export const indexNotProved = (at: Span, axis: string): Diagnostic =>
  warning('ATTN0205', 'index-not-proved', at, `this index may lie outside '${axis}', and is clamped then`, {
    hint: `'else 0' gives 0 there; min, max or % say that it is meant`,
  })

export const integerOverflow = (at: Span): Diagnostic =>
  warning('ATTN0206', 'integer-overflow', at, 'this integer may leave 32 bits and wrap for long axes', {
    hint: 'a float does not wrap: 1.0 * x',
  })

export const bodyWithoutAxis = (at: Span, op: string, axes: readonly string[]): Diagnostic =>
  warning(
    'ATTN0207',
    'body-without-axis',
    at,
    `this does not vary over ${axes.join(', ')}, so '${op}' takes it once per place`,
    {
      hint: `if that is meant, multiply by size(${axes[0]}) or write the count`,
    },
  )

export const notMonotone = (at: Span, trend: 'rising' | 'unknown'): Diagnostic =>
  warning(
    'ATTN0208',
    'solve-not-falling',
    at,
    trend === 'rising'
      ? "this rises with the variable of 'solve', where it has to fall"
      : "it is not proved that this falls with the variable of 'solve'",
    { hint: trend === 'rising' ? 'write its negative' : 'declare ranges of the params and inputs in it' },
  )

export const outsideDomain = (at: Span, op: string, inputs: readonly string[]): Diagnostic =>
  warning('ATTN0209', 'outside-domain', at, `'${op}' may get a negative number here, which gives NaN`, {
    hint: `declare a range, as in '${inputs[0]}[...]: f32 in [0, 1]': inputs without one are drawn normal`,
  })
