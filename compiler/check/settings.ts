/** The settings of an attention: `check`, `tile`, `precision`. */
import type * as ast from '../../grammar/ast.ts'
import type { Attention, Axis, Check } from '../attention.ts'
import * as errors from '../errors.ts'
import { featureAxes } from './axes.ts'
import { type Env, report } from './context.ts'
import { axisNames } from './expression.ts'

/** The widest feature axis. */
export const maxWidth = 512
const maxTile = 4_096

/** A file's check lines, then the attention's own; of the file's, the axes that this attention has. */
export function readChecks(
  env: Env,
  a: ast.Attention,
  ofFile: readonly ast.Check[],
  axes: readonly Axis[],
): readonly Check[] {
  const own = a.clauses.filter((clause) => clause.kind === 'check')
  for (const check of own) checkAxes(env, check.sizes)
  const all = [...ofFile, ...own]
  return all.map((check) => {
    checkWidths(env, check.sizes)
    const sizes = toRecord(check.sizes.filter(({ name }) => axes.some((axis) => axis.name === name.text)))
    checkGroups(env, check, sizes, axes)
    return { sizes, span: check.span }
  })
}

const toRecord = (settings: readonly ast.Setting[]): Readonly<Record<string, number>> =>
  Object.fromEntries(settings.map(({ name, value }) => [name.text, value.value]))

function checkAxes(env: Env, settings: readonly ast.Setting[]): void {
  for (const [k, { name }] of settings.entries()) {
    if (!env.context.axes.entries.has(name.text)) report(env, errors.unknownAxis(name.span, name.text, axisNames(env)))
    const before = settings.findIndex((other) => other.name.text === name.text)
    if (before < k) report(env, errors.settingTwice(name.span, name.text, settings[before]!.name.span))
  }
}

function checkWidths(env: Env, settings: readonly ast.Setting[]): void {
  for (const { name, value } of settings) {
    if (!featureAxes.includes(name.text)) continue
    if (value.value < 1 || value.value > maxWidth)
      report(env, errors.widthOutOfRange(value.span, name.text, value.value, maxWidth))
  }
}

function checkGroups(env: Env, check: ast.Check, sizes: Readonly<Record<string, number>>, axes: readonly Axis[]): void {
  for (const { name, length } of axes) {
    if (length.kind !== 'divides') continue
    const [part, whole] = [sizes[name], sizes[length.of]]
    if (part === undefined || whole === undefined) continue
    const setting = check.sizes.find((s) => s.name.text === name)
    if (part === 0 ? whole !== 0 : whole % part !== 0) {
      report(env, errors.notDivided(setting?.span ?? check.span, name, part, length.of, whole))
    }
  }
}

/** A labelled tile belongs to a program that is not built yet: it is checked and left out. */
export function readTile(env: Env, a: ast.Attention, axes: readonly Axis[]): Attention['tile'] {
  const tiles = a.clauses.filter((clause) => clause.kind === 'tile')
  for (const tile of tiles) {
    checkAxes(env, tile.sizes)
    for (const { value } of tile.sizes) {
      if (value.value < 1 || value.value > maxTile) report(env, errors.tileOutOfRange(value.span, value.value, maxTile))
    }
  }
  const [first, ...others] = tiles.filter((tile) => !tile.label)
  for (const other of others) report(env, errors.clauseTwice(other.span, 'tile', first!.span))
  const present = first?.sizes.filter(({ name }) => axes.some((axis) => axis.name === name.text)) ?? []
  return toRecord(present)
}

export function readPrecision(env: Env, a: ast.Attention): Attention['precision'] {
  const [first, ...others] = a.clauses.filter((clause) => clause.kind === 'precision')
  for (const other of others) report(env, errors.clauseTwice(other.span, 'precision', first!.span))
  const level = first?.level.text
  if (level === undefined || level === 'accurate' || level === 'fast') return level
  report(env, errors.unknownPrecision(first!.level.span, level))
  return undefined
}
