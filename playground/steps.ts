/** What the page makes of a source, step by step: what is quick and most wanted comes first. Nothing here throws. */
import type { Explanation } from '../compiler/explain/explain.ts'
import { type CompileOptions, OptionError, type OutFile, type Study, study, targets } from '../index.ts'
import { drawn } from '../runtime/drawn.ts'
import type { MapManner } from '../runtime/map-manner.ts'
import { type Remark, remarkOf } from './remarks.ts'

export type Lengths = Readonly<Record<string, number>>
export type Dtype = NonNullable<CompileOptions['dtype']>

/** A source, and what is asked of it. */
export interface Wish {
  readonly source: string
  readonly dtype: Dtype
  readonly target: string // whose code is wanted
  readonly manner: MapManner // of the tensors for a map
}

export type Step = Checked | Explained | Generated | Refused | Failed
export interface Checked {
  readonly step: 'checked'
  readonly remarks: readonly Remark[]
  readonly isRight: boolean
}
export interface Explained {
  readonly step: 'explained'
  readonly explanations: readonly Explanation[]
}
export interface Generated {
  readonly step: 'generated'
  readonly target: string
  readonly files: readonly OutFile[]
}
/** What was asked for does not fit the source. */
export interface Refused {
  readonly step: 'refused'
  readonly why: string
}
/** A fault of attnc, or of the browser. */
export interface Failed {
  readonly step: 'failed'
  readonly why: string
}

const fileName = 'playground.attn'

/** Diagnostics, explanation and code, in the order of what they take. */
export async function* understand(wish: Wish): AsyncGenerator<Step> {
  yield* guarded(async function* () {
    const studied = study({ path: fileName, text: wish.source })
    const found = studied.ok ? studied.warnings : studied.diagnostics
    yield { step: 'checked', remarks: found.map(remarkOf), isRight: studied.ok }
    if (!studied.ok) return
    yield { step: 'explained', explanations: explain(studied.value, wish) }
    yield await generate(studied.value, wish)
  })
}

/** The same for nothing: engines compile what has run often, and a keystroke should find it compiled. */
export async function* rehearse(wish: Wish): AsyncGenerator<Failed> {
  for await (const step of understand(wish)) if (step.step === 'failed') yield step
}

/** Code alone, for a source that is right. */
export async function* generateFor(wish: Wish): AsyncGenerator<Step> {
  yield* withStudy(wish, async function* (studied) {
    yield await generate(studied, wish)
  })
}

const explain = (studied: Study, { dtype }: Wish): readonly Explanation[] =>
  studied.explain({ dtype, draw: drawn }).explanations

async function generate(studied: Study, { dtype, target: name }: Wish): Promise<Generated> {
  const target = await targets[name]!()
  return { step: 'generated', target: name, files: await studied.prepare(target, { target: name, dtype }).emit() }
}

/** Nothing at all for a source that is wrong: who checks it says so. */
export async function* withStudy<T>(
  { source }: Wish,
  work: (studied: Study) => AsyncGenerator<T>,
): AsyncGenerator<T | Refused | Failed> {
  yield* guarded(async function* () {
    const studied = study({ path: fileName, text: source })
    if (studied.ok) yield* work(studied.value)
  })
}

async function* guarded<T>(work: () => AsyncGenerator<T>): AsyncGenerator<T | Refused | Failed> {
  try {
    yield* work()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    yield { step: error instanceof OptionError ? 'refused' : 'failed', why }
  }
}
