/** The JavaScript around kernels: what it takes of the helpers of templates/ts, without their types. */
import { sources } from '../../generated/sources.ts'

/** Types of parameters and results; the bodies of these helpers name none. */
const types = /(?<=[\w)]): (?:string|number|boolean|void|Lengths)(?: \| undefined)?(?=[,)\s])/g

const helpers = ['numbers', 'tensors'].flatMap((file) =>
  sources[`templates/ts/${file}.ts` as 'templates/ts/numbers.ts'].split(/\n\n(?=\/\*\*|export )/).flatMap((part) => {
    const [, name] = /^export function (\w+)\(/m.exec(part) ?? []
    return name
      ? [
          {
            name,
            text: part
              .trim()
              .replace(/^export /m, '')
              .replaceAll(types, ''),
          },
        ]
      : []
  }),
)

const words = `
  arguments async await break case catch class const continue debugger default delete do else enum eval export extends false
  finally for function if implements import in instanceof interface let new null package private protected public return static
  super switch this throw true try typeof undefined var void while with yield
  Array ArrayBuffer DataView Infinity Map Math NaN Number Object Promise RangeError TypeError Uint8Array
  shader requiredFeatures requiredLimits createOp check measureBinding measure bytesOf bind program
`
export const hostReserved: ReadonlySet<string> = new Set([
  ...words.split(/\s+/).filter((word) => word !== ''),
  ...helpers.map(({ name }) => name),
])

export function hostHelpersFor(text: string): readonly string[] {
  const used = new Set<(typeof helpers)[number]>()
  const need = (from: string): void => {
    for (const helper of helpers) {
      if (used.has(helper) || !new RegExp(`(?<![\\w$.])${helper.name}\\(`).test(from)) continue
      used.add(helper)
      need(helper.text)
    }
  }
  need(text.replaceAll(/^(?:async )?function (?:check|measureBinding|measure|bind|createOp)\(/gm, ''))
  return helpers.filter((helper) => used.has(helper)).map((helper) => helper.text)
}
