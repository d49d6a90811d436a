/** The helpers of templates/ts that a text uses, with those that they use themselves. */
import { sources } from '../../generated/sources.ts'

interface Helper {
  readonly name: string
  readonly text: string
  readonly inThreads: 'as a function' | 'as a constant' | undefined // how threads get what kernels need
}

const calledByKernels: readonly string[] = ['numbers', 'exp', 'products', 'bf16'].map(
  (name) => `templates/ts/${name}.ts`,
)

/** Every exported declaration with its comment, in the order of the files. */
const helpers: readonly Helper[] = Object.entries(sources)
  .filter(([path]) => path.startsWith('templates/ts/'))
  .flatMap(([path, text]) => declarationsIn(text, calledByKernels.includes(path)))

/** A declaration begins with its comment or with `export`; an empty line stands before it. */
function declarationsIn(text: string, calls: boolean): readonly Helper[] {
  return text.split(/\n\n(?=\/\*\*|export )/).flatMap((part) => {
    const [, kind, name] = /^export (?:async )?(function|interface|type|const) (\w+)/m.exec(part) ?? []
    if (!name) return []
    const inThreads = { function: 'as a function', const: 'as a constant' } as const
    const text = part.trim().replace(/^export /m, '')
    return [{ name, text, inThreads: calls ? inThreads[kind as keyof typeof inThreads] : undefined }]
  })
}

/** The names of all helpers: no other name of a generated module may be one of them. */
export const helperNames: readonly string[] = helpers.map(({ name }) => name)

const mentions = (code: string, name: string): boolean => new RegExp(`(?<![\\w$.])${name}(?![\\w$])`).test(code)

/** Documentation may mention whatever it likes. */
const withoutDocs = (text: string): string => text.replaceAll(/\/\*\*[\s\S]*?\*\//g, '')

export function helpersFor(text: string): readonly Helper[] {
  const used = new Set<Helper>()
  const need = (text: string): void => {
    const from = withoutDocs(text)
    for (const helper of helpers) {
      if (used.has(helper) || !mentions(from, helper.name)) continue
      used.add(helper)
      need(helper.text)
    }
  }
  need(text)
  return helpers.filter((helper) => used.has(helper))
}
