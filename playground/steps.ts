/** What the page makes of a source, step by step: what is quick and most wanted comes first. */
import type { Explanation } from '../compiler/explain/explain.ts'
import { type CompileOptions, OptionError, type OutFile, type Study, study, targets } from '../index.ts'
import { drawn } from '../runtime/drawn.ts'
import { type Remark, remarkOf } from './remarks.ts'

export type Lengths = Readonly<Record<string, number>>
export type Dtype = NonNullable<CompileOptions['dtype']>

/** A source, and what is asked of it beside its mathematics and plan. */
export interface Wish {
  readonly source: string
  readonly dtype: Dtype
  readonly shape: Lengths // lengths to draw for; others are chosen
  readonly target: string // whose code is wanted
}

export type Step =
  | { readonly step: 'checked'; readonly remarks: readonly Remark[]; readonly isRight: boolean }
  | { readonly step: 'explained'; readonly explanations: readonly Explanation[] }
  | { readonly step: 'generated'; readonly target: string; readonly files: readonly OutFile[] }
  | { readonly step: 'refused'; readonly of: 'explained' | 'generated'; readonly why: string } // options that do not fit the source
  | { readonly step: 'failed'; readonly why: string } // a fault of the compiler

export const fileName = 'playground.attn'

/** Never throws: a fault of the compiler is a step, too. */
export async function* steps({ source, dtype, shape, target }: Wish): AsyncGenerator<Step> {
  try {
    const studied = study({ path: fileName, text: source })
    const found = studied.ok ? studied.warnings : studied.diagnostics
    yield { step: 'checked', remarks: found.map(remarkOf), isRight: studied.ok }
    if (!studied.ok) return
    yield orRefused('explained', () => explained(studied.value, dtype, shape))
    yield await generated(studied.value, target, dtype)
  } catch (error) {
    yield { step: 'failed', why: error instanceof Error ? error.message : String(error) }
  }
}

const explained = (studied: Study, dtype: Dtype, shape: Lengths): Step => ({
  step: 'explained',
  explanations: studied.explain({ dtype, shape, draw: drawn }).explanations,
})

async function generated(studied: Study, name: string, dtype: Dtype): Promise<Step> {
  const target = await targets[name]!()
  const prepared = orRefused('generated', () => studied.prepare(target, { target: name, dtype }))
  return 'step' in prepared ? prepared : { step: 'generated', target: name, files: await prepared.emit() }
}

function orRefused<T>(of: 'explained' | 'generated', make: () => T): T | Step {
  try {
    return make()
  } catch (error) {
    if (error instanceof OptionError) return { step: 'refused', of, why: error.message }
    throw error
  }
}
