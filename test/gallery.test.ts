import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildGallery, makeExample } from '../scripts/gallery/build.ts'
import { type Entry, type Example, readEntries, readExample } from '../scripts/gallery/example.ts'
import { type Formula, parseFormula } from '../scripts/gallery/formula.ts'
import { measure } from '../scripts/gallery/measure.ts'
import { writePage } from '../scripts/gallery/page.ts'

// The gallery is made from the sources whenever the site is built. Here: that every example has its page, with all that belongs to
// one; that formulas are read as they are meant; and that the same sources give the same pages.

const root = resolve(import.meta.dirname, '..')
const entries = readEntries()
const entryOf = (name: string): Entry => entries.find((entry) => entry.name === name)!

test('every example has an entry', () => {
  expect(entries.map(({ path }) => path).sort()).toEqual(globSync('examples/*.attn', { cwd: root }).sort())
})

/** What is not as HTML wants it: tags that do not close. */
function faultsOf(html: string): readonly string[] {
  const open: string[] = []
  const faults: string[] = []
  for (const [whole, close, name = '', empty] of html.matchAll(/<(\/?)([a-z]+)(?: [^<>]*?)?(\/?)>/gi)) {
    if (close && open.pop() !== name) faults.push(whole)
    if (!close && !empty) open.push(name)
  }
  return [...faults, ...open]
}

const unescaped = (html: string): string =>
  html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
const plain = (html: string): string => unescaped(html.replaceAll(/<[^>]*>/g, ''))

describe.each(entries)('the page of $name', (entry) => {
  let example: Example
  let page: string
  beforeAll(() => {
    example = readExample(entry)
    page = writePage(example, { errors: [], code: [] })
  })

  test('names its papers in full and shows its source', () => {
    const file = readFileSync(resolve(root, entry.path), 'utf8')
    const head = file.replaceAll('\n/// ', ' ').split('\n')[0]!
    for (const paper of example.papers) {
      expect(head).toContain(paper)
      expect(plain(page)).toContain(paper.replaceAll('"', ''))
    }
    expect(file.replace(/^(\/\/\/.*\n)+/, '').trim()).toBe(/^```attn\n([\s\S]*?)\n```$/m.exec(page)?.[1])
  })

  test('sets every formula, with every name in it', () => {
    const equations = [...page.matchAll(/<div class="equation">.*<\/div>/g)].map(([text]) => text)
    const lines = example.explanations.flatMap(({ mathematics }) =>
      mathematics.definitions.flatMap((d) => d.rounds?.lines ?? [d]),
    )
    expect(equations.length).toBe(lines.length)
    for (const [n, { name, axes, formula }] of lines.entries()) {
      const shown = plain(equations[n]!)
      for (const word of [name, ...axes, ...wordsOf(formula)])
        if (!notShown.includes(word)) expect(shown).toContain(word)
    }
  })

  test('has pictures of its mask and of its plan, and what its plan costs', () => {
    for (const { attention } of example.explanations) {
      expect(page.split(`aria-label="Tiles of the mask of ${attention}.`)).toHaveLength(3) // one is for narrow windows
      expect(page.split(`aria-label="Plan of ${attention}.`)).toHaveLength(3)
    }
    expect(page.match(/^\| operations \| \S+ [kMG]?flops \|$/gm)).toHaveLength(example.explanations.length)
  })

  test('is made of whole elements, which no blank line ends', () => {
    for (const [block] of page.matchAll(/^<div class="\w+" v-pre>[\s\S]*?\n<\/div>$/gm)) {
      expect(faultsOf(block)).toEqual([])
      expect(block).not.toContain('\n\n')
    }
    expect(page).not.toMatch(/undefined|NaN|\[object/)
  })
})

/** Without the heads of folds: `max_{j: mask}`, `Σ_d`. */
const wordsOf = (formula: string): readonly string[] =>
  formula.replaceAll(/(?:Σ|\b(?:max|min|mean|any|all|count|logsumexp))_(?=\{|\w\b)/g, ' ').match(/\b[A-Za-z]\w*/g) ?? []

/** What is written otherwise in MathML: `if c then x else y` as cases, `exp2(x)` as a power, `%` as mod, a solution as a maximum. */
const notShown = ['then', 'else', 'exp2', 'the', 'largest', 'in', 'with']

describe('formulas', () => {
  const lisp = (f: Formula): string => {
    switch (f.kind) {
      case 'name':
      case 'number':
      case 'words':
        return f.text
      case 'prefix':
        return `(${f.op} ${lisp(f.of)})`
      case 'infix':
        return `(${f.op} ${lisp(f.left)} ${lisp(f.right)})`
      case 'root':
      case 'size':
        return `(${f.kind} ${lisp(f.of)})`
      case 'call':
        return `(${[f.name, ...f.args.map(lisp)].join(' ')})`
      case 'at':
        return `(at ${lisp(f.of)} ${f.places.map((p) => `${p.axis}=${lisp(p.index)}${p.elseZero ? '/0' : ''}`).join(' ')})`
      case 'fold':
        return `(${[f.sign, `{${f.over.map(lisp).join()}}`, ...[f.where, f.of].flatMap((x) => (x ? [lisp(x)] : []))].join(' ')})`
      case 'choice':
        return `(if ${lisp(f.condition)} ${lisp(f.yes)} ${lisp(f.no)})`
      case 'solve':
        return `(solve ${f.variable} ${lisp(f.low)} ${lisp(f.high)} ${lisp(f.of)})`
    }
  }

  test.each([
    ['a - b - c', '(- (- a b) c)'],
    ['a / b / c · d', '(· (/ (/ a b) c) d)'],
    ['-a · b', '(· (- a) b)'],
    ['2^-x^2', '(^ 2 (- (^ x 2)))'],
    ['(Σ_d q · k) / √size(d) + 1', '(+ (/ (Σ {d} (· q k)) (root (size d))) 1)'],
    ['Σ_{j: mask and own} a · b + c', '(+ (Σ {j} (and mask own) (· a b)) c)'],
    ['max_{j: m} s - 1', '(- (max {j} m s) 1)'],
    ["Σ_{j' ≥ j: mask} log(1 + x)", "(Σ {(≥ j' j)} mask (log (+ 1 x)))"],
    ['x / (count_{j: c} - 1)', '(/ x (- (count {j} c) 1))'],
    ['|a - b| ≤ 1 or not c and a == 0', '(or (≤ (size (- a b)) 1) (and (not c) (== a 0)))'],
    ['k[g = the group of h] · x[a = i - 1 else 0, c = 2]', '(· (at k g=the group of h) (at x a=(- i 1)/0 c=2))'],
    ['if a then b else if c then 1 else -∞', '(if a b (if c 1 (- ∞)))'],
    ['the largest t in [a - 1, a] with Σ_j max(s - t, 0) - 1 ≥ 0', '(solve t (- a 1) a (- (Σ {j} (max (- s t) 0)) 1))'],
    ['d % (size(d) div 2)', '(% d (div (size d) 2))'],
  ])('%s', (text, tree) => expect(lisp(parseFormula(text))).toBe(tree))

  test.each(['a +', 'a b', '(a', 'Σ_{j: a', 'if a then b', '? a'])('%s is refused', (text) =>
    expect(() => parseFormula(text)).toThrow('is not understood in'),
  )
})

// What is measured is compiled for every target: a few examples stand for all.

describe('measures', { timeout: 120_000 }, () => {
  test.each(['softmax', 'alpha_entmax', 'big_bird'])(
    'of %s are those of right code, and the same again',
    async (name) => {
      const { file } = readExample(entryOf(name))
      const measured = await measure(file)
      expect(measured.errors.map(({ dtype, verdict }) => [dtype, verdict])).toEqual([
        ['f32', 'right'],
        ['f16', 'right'],
      ])
      for (const { elements, worst } of measured.errors) {
        expect(elements).toBeGreaterThan(100)
        expect(worst!.error).toBeLessThanOrEqual(worst!.hard)
      }
      expect(measured.code.map(({ target }) => target)).toEqual(['ts', 'native', 'cuda', 'wgsl'])
      for (const { bytes, lines } of measured.code) expect(bytes).toBeGreaterThan(lines)
      expect(await measure(file)).toEqual(measured)
    },
  )

  test('stand on the page', async () => {
    const { page } = await makeExample(entryOf('softmax'))
    expect(page).toMatch(/^\| f16 \| \d+ \| \d\.\de-\d+ \| \d\.\de-\d+ \| \d\.\de-\d+ \| right \|$/m)
    expect(page).toMatch(/^\| wgsl \| `softmax\.wgsl` \| \d+ \| [\d.]+ kB \|$/m)
  })
})

test('threads give the same pages as one, in the order of the list', { timeout: 120_000 }, async () => {
  const some = ['sigmoid', 'causal', 'softmax'].map(entryOf)
  const pages = await buildGallery(some)
  expect([...pages.keys()]).toEqual(['index.md', 'sigmoid.md', 'causal.md', 'softmax.md'])
  for (const entry of some) {
    const { page, card } = await makeExample(entry)
    expect(pages.get(`${entry.name}.md`)).toBe(page)
    expect(pages.get('index.md')).toContain(card.thumbnail)
  }
})

test('an example that fails says which', { timeout: 120_000 }, async () => {
  const missing = { ...entryOf('softmax'), path: 'examples/nothing.attn' }
  await expect(buildGallery([missing])).rejects.toThrow('nothing.attn')
})
