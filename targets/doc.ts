/** Source text inside a comment: no line end, no end of the comment. */
export const escapeDoc = (line: string): string =>
  line
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll('*/', '*\u2215')
    .replaceAll('\\', '\\\\')

/** A doc comment. */
export function docLines(lines: readonly string[]): readonly string[] {
  const texts = lines.map(escapeDoc)
  const [only] = texts
  if (only === undefined || (texts.length === 1 && only === '')) return []
  return texts.length === 1 ? [`/** ${only} */`] : ['/**', ...texts.map((line) => ` * ${line}`.trimEnd()), ' */']
}
