/** `attnc tune --simulate FILE`: strategies on a recorded space. */
import { done, type Outcome, problem } from '../runtime/problem.ts'
import { readLog } from '../tune/log.ts'
import { fifth, recordedSpaces, score } from '../tune/simulate.ts'
import { type StrategyName, strategyNames } from '../tune/strategies/index.ts'
import { type Answer, refuse } from './answer.ts'
import { optional } from './compile-options.ts'
import { all, parseChoice, parseInteger } from './options.ts'
import type { Options } from './program.ts'
import { table } from './table.ts'

const seeds = 5

export async function tuneSimulate(path: string, options: Options): Promise<Answer> {
  const parsed = all<[StrategyName | undefined, number | undefined, number | undefined]>(
    optional(options.strategy, (value) => parseChoice('--strategy', value, strategyNames)),
    optional(options.maxEvals, (value) => parseInteger('--max-evals', value, 1, 1_000_000)),
    optional(options.seed, (value) => parseInteger('--seed', value, 0, 2 ** 32 - 1)),
  )
  if (!parsed.ok) return refuse(parsed.findings)
  const [strategy, most, seed = 0] = parsed.value
  const spaces = readSpaces(path)
  if (!spaces.ok) return refuse(spaces.findings)
  const names = strategy ? [strategy] : strategyNames.filter((name) => name !== 'exhaustive')
  const results = spaces.value.flatMap((recorded) => {
    const evaluations = most ?? fifth(recorded)
    const scores = names.map((name) =>
      score(
        recorded,
        name,
        Array.from({ length: seeds }, (_, n) => seed + n),
        evaluations,
      ),
    )
    return [{ ...recorded.subject, points: recorded.space.points.length, evaluations, scores }]
  })
  const rows = results.map(({ attention, shape, points, evaluations, scores }) => [
    ...[attention, shape, `${evaluations} of ${points}`],
    ...scores.map(({ share }) => `${(100 * share).toFixed(1)} %`),
  ])
  return {
    exit: 0,
    findings: [],
    out: table([['attention', 'shape', 'tried', ...names], ...rows], [2, ...names.map((_, n) => n + 3)]),
    note: `share of the best of the whole space: the median of ${seeds} seeds`,
    json: { results },
  }
}

function readSpaces(path: string): Outcome<ReturnType<typeof recordedSpaces>> {
  const log = readLog(path)
  if (!log.ok) return log
  const spaces = recordedSpaces(log.value.entries)
  if (spaces.length > 0) return done(spaces)
  return {
    ok: false,
    findings: [
      problem(
        'ATTN0372',
        `${path} holds no recorded space`,
        'record one: attnc tune FILE --effort full --numerics any',
      ),
    ],
  }
}
