import { describe, expect, test } from 'vitest'
import type { ExplainedPass, ExplainedWalk, Finish } from '../compiler/explain/parts.ts'
import { explain } from '../index.ts'
import { evaluate, type Scope, type Tile } from './explain-formulas.ts'
import { createNormal, define, fileOf, tensor } from './run-source.ts'

// What a page says of a state is computed, formula by formula, and compared with the definition: one row of keys, walked in
// tiles, in three parts that are merged.

const normalizers: Readonly<Record<string, string>> = {
  softmax: 'normalize = softmax[j](score)  output lse = logsumexp[j](score)',
  entropy:
    'normalize = softmax[j](score)  output entropy = -sum[j](if weight > 0 then weight * log(weight) else 0)  output spread = sum[j](weight * v * v)',
  sink: 'param z = 0.75  normalize = exp(score) / (sum[j](exp(score)) + exp(z))',
  'weights that are bounded': 'normalize = sigmoid(score)',
  'power of the largest': 'normalize = score ^ 15 / (sum[j](score ^ 16) + 0.001)',
  moments: 'normalize = z_score[j](score, 1e-3)',
  maximum: 'normalize = if score == max[j](score) then 1 else 0  output ties = count[j where score == max[j](score)]()',
  clipped: 'normalize = clipped[j](score, -0.03, 1)',
  'two temperatures': 'normalize = 0.75 * softmax[j](score) + 0.25 * softmax[j](score / 4)',
  'stick-breaking': 'normalize = sigmoid(score) * exp(-cumsum_back[j](softplus(score)))',
  'running from the start': 'normalize = exp(-cumsum[j](softplus(score)))',
}
const source = (body: string): string =>
  `attention a { input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]  score = dot(q, k)  ${body} }`

const keys = 40
const sizes = { d: 1, e: 1 }

function pageOf(body: string): ExplainedWalk {
  const found = explain(fileOf(source(body)), { sizes })
  const part = found.ok ? found.value.explanations[0]!.parts[0] : undefined
  if (part?.kind !== 'stream') throw new Error('no walk')
  return part
}

/** Elements with the running values that the walk knows at them. */
function withRunning(walk: ExplainedWalk, pass: ExplainedPass, before: Scope, tile: Tile): Tile {
  const order = pass.direction === 'up' ? tile : tile.toReversed()
  return walk.elements.reduce<Tile>((elements, { name, formula }) => {
    const [, sign, body] = /^Σ_\{j' (\S) j\} (.*)$/.exec(formula) ?? []
    if (body === undefined) return elements.map((x) => ({ ...x, [name]: evaluate(formula, x) }))
    let sum = before[pass.state.find(({ name: id }) => id.startsWith('row_sum'))!.name]!
    return elements.map((x) => {
      const own = evaluate(body, x)
      sum += own
      return { ...x, [name]: sign === '≥' || sign === '≤' ? sum : sum - own }
    })
  }, order)
}

function step(walk: ExplainedWalk, pass: ExplainedPass, before: Scope, tile: Tile): Scope {
  const elements = withRunning(walk, pass, before, tile)
  const scope: Record<string, number> = { ...before }
  for (const { name, formula } of pass.step) {
    const isMean = formula.startsWith('mean_T')
    const mean = tile.reduce((sum, x) => sum + x.score!, 0) / tile.length
    scope[name] = isMean ? (before.count === 0 ? mean : before.row_center!) : evaluate(formula, scope, elements)
  }
  return { ...before, ...Object.fromEntries(pass.state.map(({ name }) => [name, scope[`${name}'`]!])) }
}

function merged(pass: ExplainedPass, a: Scope, b: Scope): Scope {
  const scope: Record<string, number> = {}
  for (const [which, part] of [
    ['A', a],
    ['B', b],
  ] as const)
    for (const [name, value] of Object.entries(part)) scope[`${which}.${name}`] = value
  for (const { name, formula } of pass.merge) {
    const [, factor] = /^(\w+)\(P\)$/.exec(name) ?? []
    if (factor === undefined) scope[name] = mergedValue(pass, formula, scope, a, b)
    else
      for (const which of ['A', 'B'])
        scope[`${factor}.${which}`] = evaluate(formula.replaceAll('P.', `${which}.`), scope)
  }
  return { ...a, ...Object.fromEntries(pass.state.map(({ name }) => [name, scope[name]!])) }
}
/** `f(A)` is the factor of part A. */
function mergedValue(pass: ExplainedPass, formula: string, scope: Scope, a: Scope, b: Scope): number {
  if (formula.includes(' where A is empty')) return a.count === 0 ? b.row_center! : a.row_center!
  const factors = pass.merge.flatMap(({ name }) => /^(\w+)\(P\)$/.exec(name)?.[1] ?? [])
  const plain = factors.reduce(
    (text, factor) => text.replaceAll(new RegExp(`\\b${factor}\\(([AB])\\)`, 'g'), `${factor}.$1`),
    formula,
  )
  return evaluate(plain, scope)
}

const started = (pass: ExplainedPass, known: Scope): Scope => ({
  ...known,
  ...Object.fromEntries(pass.state.map(({ name, empty }) => [name, evaluate(empty, {})])),
})
function tilesOver(walk: ExplainedWalk, pass: ExplainedPass, start: Scope, tiles: readonly Tile[]): Scope {
  let state = start
  for (const tile of pass.direction === 'up' ? tiles : tiles.toReversed()) state = step(walk, pass, state, tile)
  return state
}

/** The state of each pass, over the row in parts; a later pass knows that of those before. */
function walked(walk: ExplainedWalk, row: Tile, tile: number, parts: number, given: Scope): Scope {
  return walk.passes.reduce<Scope>((known, pass) => {
    const length = Math.ceil(row.length / parts)
    const states = Array.from({ length: pass.splits ? parts : 1 }, (_, p) => {
      const own = pass.splits ? row.slice(p * length, (p + 1) * length) : row
      const tiles = Array.from({ length: Math.ceil(own.length / tile) }, (_, n) => own.slice(n * tile, (n + 1) * tile))
      return tilesOver(walk, pass, started(pass, known), tiles)
    })
    return states.reduce((a, b) => merged(pass, a, b))
  }, given)
}

function finished({ where, cases }: Finish, state: Scope): number {
  const scope: Record<string, number> = { ...state }
  for (const { name, formula } of where) scope[name] = evaluate(formula, scope)
  const found = cases.find(({ condition }) => condition === null || evaluate(condition, scope) !== 0)
  return evaluate(found!.formula, scope)
}

describe.each(Object.entries(normalizers))('the page on %s', (_, body) => {
  const walk = pageOf(body)
  const normal = createNormal(5)
  const [scores, values] = [tensor([1, 1, keys, 1], () => 2 * normal()), tensor([1, 1, keys, 1], normal)]
  const inputs = { q: tensor([1, 1, 1, 1], () => 1), k: scores, v: values }
  const want = define(source(body), inputs)
  const row = Array.from(scores.data, (score, j) => ({ score, v: values.data[j]!, weight: 1 / (1 + Math.exp(-score)) }))
  const given = { z: 0.75, size: keys }

  test.each([
    [keys, 1],
    [7, 1],
    [4, 3],
    [1, 5],
  ])('says what is computed in tiles of %i, %i parts', (tile, parts) => {
    const state = walked(walk, row, tile, parts, given)
    for (const result of walk.finish) expect(finished(result, state)).toBeCloseTo(want[result.name]!.data[0]!, 9)
  })

  test('says what an empty row is', () => {
    const none = define(source(body), { ...inputs, k: tensor([1, 1, 0, 1], normal), v: tensor([1, 1, 0, 1], normal) })
    const state = walked(walk, [], 1, 1, { ...given, size: 0 })
    for (const result of walk.finish) {
      const value = none[result.name]!.data[0]! + 0 // no -0
      expect(evaluate(result.empty, { ...given, size: 0 })).toBe(value)
      expect(finished(result, state)).toBe(value)
    }
  })
})

test('a wrong formula would be noticed', () => {
  const walk = pageOf(normalizers.softmax!)
  const [pass] = walk.passes
  const wrong = { ...pass!, step: pass!.step.map((line) => ({ ...line, formula: line.formula.replace('f · ', '') })) }
  const row = Array.from({ length: keys }, (_, j) => ({ score: j / 3, v: 1 }))
  const of = (one: ExplainedPass): number => walked({ ...walk, passes: [one] }, row, 7, 1, { size: keys }).total!
  expect(Math.abs(of(wrong) - of(pass!))).toBeGreaterThan(0.1)
})
