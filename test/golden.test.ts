import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { renderHuman } from '../grammar/diagnostic.ts'
import { compile, emitStage, explain, type Result, type StageOptions } from '../index.ts'
import { helpersFor } from '../targets/ts/helpers.ts'

// What the compiler makes of twelve programs, one for each kind of plan and of mask, so that the effect of a change can be
// read as a difference of text. `npm run golden` rewrites them; a missing one fails (vitest.config.ts), and so does one that
// nothing makes any more.

const root = resolve(import.meta.dirname, '..')
const folder = resolve(import.meta.dirname, 'golden')
const own = 'test/golden/sources'

interface Golden {
  readonly path: string // of its source, from the repository's root
  readonly shows: string
  readonly options?: StageOptions
}
const goldens: readonly Golden[] = [
  { path: 'examples/softmax.attn', shows: 'one pass, exponentials, no mask' },
  { path: 'examples/causal.attn', shows: 'a mask with one bound per row' },
  { path: 'examples/learned_sink.attn', shows: 'a mask with two bounds; a constant in the finish' },
  { path: 'examples/documents.attn', shows: 'a mask that reads tensors' },
  { path: 'examples/grouped_query.attn', shows: 'an input read at a computed index' },
  { path: 'examples/sigmoid.attn', shows: 'bounded weights, no reference' },
  { path: 'examples/z_score.attn', shows: 'moments about a reference, and the two vectors that follow from them' },
  {
    path: 'examples/entropy.attn',
    shows: 'exponentials times a moment; row results; merged parts',
    options: { splits: 2 },
  },
  { path: `${own}/power.attn`, shows: 'powers relative to the largest' },
  { path: `${own}/clipped_softmax.attn`, shows: 'two passes' },
  { path: `${own}/sparse.attn`, shows: 'materialised, with a root' },
  { path: `${own}/key_weights.attn`, shows: 'results over keys, reduced over queries' },
]
const stages = ['ir', 'plan', 'kernel'] as const
/** Of which there is the page that `attnc explain` prints as well. */
const explained = ['learned_sink', 'z_score', 'clipped_softmax', 'sparse']
const pageFile = 'page.txt'
const moduleFile = 'module.ts.txt' // not .ts: without its helpers it does not type-check
const preludeFile = 'prelude.ts'
const preludeOf = 'causal'
const nameOf = ({ path }: Golden): string => path.replace(/^.*\/|\.attn$/g, '')
const expected = [
  preludeFile,
  ...goldens.flatMap((golden) =>
    [...stages.map((stage) => `${stage}.txt`), moduleFile].map((file) => `${nameOf(golden)}/${file}`),
  ),
  ...explained.map((name) => `${name}/${pageFile}`),
].sort()

const sourceOf = ({ path }: Golden): string => readFileSync(resolve(root, path), 'utf8')
function unwrap<Value>(result: Result<Value>): Value {
  if (!result.ok) throw new Error(result.diagnostics.map((d) => renderHuman(d)).join('\n'))
  return result.value
}

interface Parts {
  readonly header: string
  readonly own: string
  readonly prelude: string
}

/** The generated module in three: the comment at its top, the attention's own declarations, and the helpers after them. */
async function partsOf(golden: Golden, path: string): Promise<Parts> {
  const made = unwrap(
    await compile({ path, text: sourceOf(golden) }, { target: 'ts', simd: 'none', ...golden.options }),
  )
  const text = made.files[0]!.text
  const places = helpersFor(text).map((helper) => {
    const [comment, ...rest] = helper.text.split('\n')
    const at = text.indexOf(`\n${comment === '/**' ? `${comment}\n${rest[0]}` : comment}`)
    if (at < 0) throw new Error(`${helper.name} does not stand in the module`)
    return at
  })
  const [first, last] = [text.indexOf('\n\n') + 1, Math.min(...places)]
  return { header: text.slice(0, first), own: text.slice(first, last).trim(), prelude: text.slice(last).trim() }
}

const parts = new Map<Golden, Parts>()
beforeAll(async () => {
  for (const golden of goldens) parts.set(golden, await partsOf(golden, golden.path))
}, 60_000)

describe.each(goldens.map((golden) => [nameOf(golden), golden] as const))('%s', (name, golden) => {
  test.each(stages)('%s', async (stage) => {
    const text = unwrap(emitStage(stage, { path: golden.path, text: sourceOf(golden) }, golden.options))
    await expect(text).toMatchFileSnapshot(resolve(folder, name, `${stage}.txt`))
  })
  if (explained.includes(name)) {
    test('page', async () => {
      const { text } = unwrap(explain({ path: golden.path, text: sourceOf(golden) }, golden.options))
      await expect(text).toMatchFileSnapshot(resolve(folder, name, pageFile))
    })
  }
  test('module', async () => {
    await expect(`${parts.get(golden)!.own}\n`).toMatchFileSnapshot(resolve(folder, name, moduleFile))
  })
})

test('the helpers that a module carries', async () => {
  const [, { prelude } = { prelude: '' }] = [...parts].find(([golden]) => nameOf(golden) === preludeOf) ?? []
  await expect(`${prelude}\n`).toMatchFileSnapshot(resolve(folder, preludeFile))
})

test('only the name of a file shows in what is made of it, not its folder', async () => {
  const golden = goldens.find(({ path }) => path.startsWith(own))!
  const here = parts.get(golden)!
  for (const moved of [`/some/where/${nameOf(golden)}.attn`, `..\\other\\${nameOf(golden)}.attn`]) {
    expect(await partsOf(golden, moved)).toEqual(here)
    for (const stage of stages) {
      const emit = (path: string): string => unwrap(emitStage(stage, { path, text: sourceOf(golden) }))
      expect(emit(moved)).toBe(emit(golden.path))
    }
  }
})

describe('the folder of goldens', () => {
  const there = globSync('**/*.{ts,txt}', { cwd: folder }).map((path) => path.replaceAll('\\', '/'))
  const updating = process.env.UPDATE_GOLDEN === '1'
  test('has no file that nothing makes', () => {
    expect(there.filter((path) => !expected.includes(path))).toEqual([])
    const sources = globSync('sources/*', { cwd: folder }).map((path) => path.replaceAll('\\', '/'))
    const used = goldens.map(({ path }) => path).filter((path) => path.startsWith(own))
    expect(sources.map((path) => `test/golden/${path}`).sort()).toEqual(used.toSorted())
  })
  // Snapshots are written after the last test.
  test.skipIf(updating)('is complete, and small enough to be read', () => {
    expect(there.toSorted()).toEqual(expected)
    const texts = there.map((path) => [path, readFileSync(resolve(folder, path), 'utf8')] as const)
    expect(texts.filter(([, text]) => text.trimEnd().split('\n').length > 400).map(([path]) => path)).toEqual([])
    expect(texts.reduce((bytes, [, text]) => bytes + Buffer.byteLength(text), 0)).toBeLessThan(1e6)
  })
})
