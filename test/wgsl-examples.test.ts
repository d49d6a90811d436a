import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { builder } from '../cli/verify-build.ts'
import { analyze } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { completeSizes, inOnePart } from '../runtime/verify/shapes.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { withAdapter } from './wgsl-build.ts'

// Every example on the adapter that there is, at the smallest lengths that it names itself, and at lengths that fill no tile: random
// inputs, tiles of 8.
// `attnc verify examples --target wgsl` has the hostile ones.

const missing = await withAdapter()
const root = resolve(import.meta.dirname, '..')
const examples = globSync('examples/*.attn', { cwd: root })

describe.skipIf(missing !== undefined)('launched', { timeout: 60_000 }, () => {
  test.each(examples.sort())('%s', async (path) => {
    const file = { path, text: readFileSync(resolve(root, path), 'utf8') }
    const source = { file, folder: '', readImport: importReader(file, root) }
    const module = analyze(file, source.readImport)
    if (!module.ok) throw new Error(`${path} has errors`)
    const attention = module.value.attentions[0]!
    const pairs = (sizes: Readonly<Record<string, number>>): number => (sizes.i ?? 1) * (sizes.j ?? 1)
    const [least] = attention.checks.toSorted((a, b) => pairs(a.sizes) - pairs(b.sizes))
    const sizes = completeSizes(attention, least?.sizes ?? {}, 0)
    if (!sizes.ok) throw new Error(`${path} has no lengths to be checked at`)
    const widths = attention.axes.flatMap(({ name, time }) => (time === 'compile' ? [[name, sizes.value[name]!]] : []))
    const ragged = completeSizes(attention, { b: 1, h: 2, i: 11, j: 19, ...Object.fromEntries(widths) }, 1)
    if (!ragged.ok) throw new Error(`${path} has no lengths beside tiles`)
    const schedules = [inOnePart({ i: 8, j: 8 })]
    const shapes = [sizes.value, ragged.value].map((lengths) => ({ sizes: lengths, dtype: 'f32' as const, schedules }))
    const integers = attention.params.filter(({ type }) => type === 'i32').map(({ name }) => [name, 5])
    const build = builder(source, attention, 'wgsl')
    const params = Object.fromEntries(integers)
    const report = await verifyAttention(attention, { shapes, seed: 1, probes: false, params, build })
    if (!report.ok) throw new Error(report.findings.map(({ message }) => message).join('\n'))
    const { failures, verdict, cases } = report.value
    expect({ failures, verdict, cases }).toEqual({ failures: [], verdict: 'right', cases: 2 })
  })
})
