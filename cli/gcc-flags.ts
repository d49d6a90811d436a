/**
 * The flags by which compilers are asked for dependency files, as build scripts write them: `-MD -MF out/x.d -MT x -MP`. The
 * parser of command lines takes `-MF` for `-M -F`, so they are rewritten before it sees them.
 */

const alone: Readonly<Record<string, string>> = { '-MD': '--depfile', '-MP': '--depfile-phony' }
const valued: Readonly<Record<string, string>> = { '-MF': '--depfile-path', '-MT': '--depfile-target' }

/** What `build` is given, with long options in their place. A value may stand apart (`-MF x.d`) or not (`-MFx.d`). */
export function longFlags(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'build') return argv
  const end = argv.indexOf('--')
  const options = end < 0 ? argv : argv.slice(0, end)
  return [...options.flatMap(longFlag), ...argv.slice(options.length)]
}

function longFlag(word: string): readonly string[] {
  const name = word.slice(0, 3)
  const long = alone[word] ?? valued[name]
  if (long === undefined) return [word]
  return word.length > 3 ? [`${long}=${word.slice(3)}`] : [long]
}
