import { annealing } from './annealing.ts'
import { evolution } from './evolution.ts'
import { local } from './local.ts'
import { exhaustive, random } from './simple.ts'
import type { Strategy } from './strategy.ts'
import { surrogate } from './surrogate.ts'

export const strategies = { exhaustive, random, local, annealing, evolution, surrogate } as const satisfies Readonly<
  Record<string, Strategy>
>
export type StrategyName = keyof typeof strategies
export const strategyNames = Object.keys(strategies) as StrategyName[]

/** The default where a space is too large to be tried whole: docs/tuner.md has the comparison. */
export const usualStrategy: StrategyName = 'evolution'
