/** The functions of templates/wgsl that a text uses, with those that they use themselves. */
import { sources } from '../../generated/sources.ts'

interface Helper {
  readonly name: string
  readonly text: string
  readonly words: ReadonlySet<string>
}

const wordsIn = (text: string): ReadonlySet<string> => new Set(text.replaceAll(/\/\/.*/g, '').match(/\w+/g))

const files = ['arithmetic', 'functions', 'quads', 'storage'] as const

/** Every declaration with its comment, in the order of the files; an empty line stands before each. */
const helpers: readonly Helper[] = files
  .flatMap((name) => sources[`templates/wgsl/${name}.wgsl`].split(/\n\n+/))
  .flatMap((part) => {
    const [, name] = /^(?:fn|const|var<private>) (\w+)/m.exec(part) ?? []
    return name ? [{ name, text: part.trim(), words: wordsIn(part) }] : []
  })

export const helperNames: readonly string[] = helpers.map(({ name }) => name)

export function helpersFor(text: string): readonly string[] {
  const used = new Set<Helper>()
  const need = (words: ReadonlySet<string>): void => {
    for (const helper of helpers) {
      if (used.has(helper) || !words.has(helper.name)) continue
      used.add(helper)
      need(helper.words)
    }
  }
  need(wordsIn(text))
  return helpers.filter((helper) => used.has(helper)).map((helper) => helper.text)
}
