import type { Code } from '../expression.ts'
import { atom } from '../expression.ts'
import type { Names } from '../names.ts'
import { isSimple } from './words.ts'

const width = 118
const indented = (line: string): string => (line ? `  ${line}` : line)

/** The lines of one pair of braces, and those that hold what is the same in every round of the loops inside. */
export class Block {
  readonly level: number
  readonly lines: string[] = []
  readonly #outer: Block | undefined
  readonly #names: Names
  readonly #hoisted = new Map<string, string>()

  constructor(names: Names, outer?: Block) {
    this.#names = names
    this.#outer = outer
    this.level = outer ? outer.level + 1 : 0
  }

  line(...text: readonly string[]): void {
    this.lines.push(...text)
  }

  /** `head { ... }`, in one line without braces where that is short. */
  open(head: string, fill: (inner: Block) => void, comment?: string): void {
    const inner = new Block(this.#names, this)
    fill(inner)
    const [only] = inner.lines
    if (comment !== undefined) this.line(`// ${comment}`)
    const indent = 2 * (this.level + 1)
    const short = only !== undefined && inner.lines.length === 1 && !/^(const|let|if|\/\/)/.test(only)
    if (short && indent + head.length + only.length < width) this.line(`${head} ${only}`)
    else this.line(`${head} {`, ...inner.lines.map(indented), '}')
  }

  /** `if (condition) { ... } else { ... }`, without the second branch where it has nothing to do. */
  either(condition: string, yes: (inner: Block) => void, no: (inner: Block) => void): void {
    const other = new Block(this.#names, this)
    no(other)
    if (other.lines.length === 0) return this.open(`if (${condition})`, yes)
    const inner = new Block(this.#names, this)
    yes(inner)
    this.line(`if (${condition}) {`, ...inner.lines.map(indented), '} else {', ...other.lines.map(indented), '}')
  }

  /** A name for what `code` says, made in the outermost block that has all it needs. */
  hoist(code: Code, wish: string): Code {
    if (isSimple(code)) return code
    const home = this.#at(code.level)
    const known = home.#hoisted.get(code.text)
    const name = known ?? this.#names.fresh(wish)
    if (!known) home.line(`const ${name} = ${code.text}`)
    home.#hoisted.set(code.text, name)
    return atom(name, code.level)
  }

  /** A name for `code` in this block. */
  keep(code: Code, wish: string): Code {
    return this.hoist({ ...code, level: this.level }, wish)
  }

  #at(level: number): Block {
    return this.level <= level || !this.#outer ? this : this.#outer.#at(level)
  }
}
