/** Lines between braces. */
export class Block {
  readonly lines: string[] = []

  line(...text: readonly string[]): void {
    this.lines.push(...text)
  }

  /** `head { ... }`, in one line where that is short. */
  braces(head: string, fill: (inner: Block) => void): void {
    const inner = new Block()
    fill(inner)
    const [only] = inner.lines
    if (only === undefined) return
    const isShort = inner.lines.length === 1 && head.length + only.length < 100 && !/^(const|if|for|\/\/)/.test(only)
    if (isShort) this.line(`${head} ${only}`)
    else this.line(`${head} {`, ...inner.lines.map(indented), '}')
  }

  /** `if (condition) { ... } else { ... }` */
  either(condition: string, yes: (inner: Block) => void, no: (inner: Block) => void): void {
    const [first, second] = [yes, no].map((fill) => {
      const inner = new Block()
      fill(inner)
      return inner.lines.map(indented)
    })
    this.line(`if (${condition}) {`, ...first!, '} else {', ...second!, '}')
  }
}

export const indented = (line: string): string => (line === '' ? line : `  ${line}`)
