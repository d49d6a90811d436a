/** Lines between braces, which WGSL wants around every branch and loop. */
export class Block {
  readonly lines: string[] = []

  line(...text: readonly string[]): void {
    this.lines.push(...text)
  }

  /** Lines that define names stand between braces of their own. */
  scope(fill: (inner: Block) => void): void {
    const inner = new Block()
    fill(inner)
    if (inner.lines.some((line) => /^(let|var) /.test(line))) this.line('{', ...inner.lines.map(indented), '}')
    else this.line(...inner.lines)
  }

  /** `head { ... }`, in one line where that is short; nothing where nothing is inside. */
  braces(head: string, fill: (inner: Block) => void): void {
    const inner = new Block()
    fill(inner)
    const [only] = inner.lines
    if (only === undefined) return
    const isShort = inner.lines.length === 1 && head.length + only.length < 100 && !/[{}]|^\/\//.test(only)
    if (isShort) this.line(`${head} { ${only} }`.trimStart())
    else this.line(`${head} {`.trimStart(), ...inner.lines.map(indented), '}')
  }
}

export const indented = (line: string): string => (line === '' ? line : `  ${line}`)
