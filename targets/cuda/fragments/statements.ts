/** A kernel's text as statements: those of its loops stand as those around them, a branch is one with all that it holds. */

export interface Statement {
  readonly lines: readonly string[] // as they stand in the text
  readonly text: string
}

/** The head of a loop over tiles; other loops are statements like any. */
export const tileLoop = /^(while \(\w+\.count > 0\)|for \(.* \+= \d+\)) \{/

export function statementsOf(lines: readonly string[]): readonly Statement[] {
  const found: string[][] = []
  let inLoop = false
  for (const line of lines) {
    if (tileLoop.test(line)) inLoop = true
    else if (line.startsWith('}')) inLoop = false
    const own = inLoop && line.startsWith('  ') ? line.slice(2) : line
    if (/^[ }]/.test(own) && !isEnd(own, inLoop) && found.length > 0) found.at(-1)!.push(line)
    else found.push([line])
  }
  return found.map((own) => ({ lines: own, text: own.join('\n') }))
}
/** The brace that closes a loop. */
const isEnd = (line: string, inLoop: boolean): boolean => line === '}' && !inLoop

/** The declaration of a value in registers: its kind, groups of rows, columns, name, and whether it is set. */
export const declaration = /^\s*tiles::(Fragment|Rows|Bits)<(\d+)(?:, (\d+))?[^>]*> (\w+)( = \{\})?;$/

/** The text without values that nothing reads. */
export function withoutUnread(lines: readonly string[]): readonly string[] {
  const all = statementsOf(lines)
  const unread = all.flatMap(({ text }) => {
    const name = declaration.exec(text)?.[4]
    const users = all.filter((one) => one.text !== text && new RegExp(`\\b${name}\\b`).test(one.text))
    return name !== undefined && users.length === 1 && onlySets(name, users[0]!.text) ? [text, users[0]!.text] : []
  })
  if (unread.length === 0) return lines
  return withoutUnread(all.filter(({ text }) => !unread.includes(text)).flatMap((one) => one.lines))
}

const onlySets = (name: string, text: string): boolean =>
  new RegExp(`^\\s*tiles::each\\w+<[^{]*\\{\\s*(const int32_t [^\\n]*\\n\\s*)*${name}\\.at(\\[[^\\]]*\\])+ = `).test(
    text,
  ) && text.split(new RegExp(`\\b${name}\\b`)).length === 2
