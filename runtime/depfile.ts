/** Dependency files, as Make, Ninja and CMake read them: which files came of which. */

export interface Dependencies {
  readonly targets: readonly string[] // already as a rule has them
  readonly inputs: readonly string[] // absolute paths: tools look for them from folders of their own
  readonly phony: boolean // an empty rule for each input, so that one that was removed is no error in Make
}

/** One rule for all: its targets are made together. */
export function renderDepfile({ targets, inputs, phony }: Dependencies): string {
  const quoted = inputs.map((input) => quoteForMake(input))
  const rule = `${targets.join(' ')}:${quoted.map((input) => ` \\\n  ${input}`).join('')}\n`
  return phony ? `${rule}${quoted.map((input) => `\n${input}:\n`).join('')}` : rule
}

/** A path as one word of a rule. Backslashes count only before what they quote; those of Windows become `/`. */
export function quoteForMake(path: string, platform: NodeJS.Platform = process.platform): string {
  const windows = platform === 'win32'
  const drive = windows ? /^[A-Za-z]:(?=[\\/])/.exec(path)?.[0] : undefined
  const rest = (windows ? path.replaceAll('\\', '/') : path).slice(drive?.length ?? 0)
  const quoted = rest.replace(/(\\*)([ \t#:])/g, '$1$1\\$2').replaceAll('$', '$$$$')
  return `${drive ?? ''}${quoted}`
}

/** No rule can hold such a path: what follows its line end would be read as a rule of its own. */
export const hasLineEnd = (path: string): boolean => /[\n\r]/.test(path)
