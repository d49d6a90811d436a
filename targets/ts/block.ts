import type { Code } from '../expression.ts'
import { atom } from '../expression.ts'
import type { Names } from '../names.ts'
import { isSimple } from './words.ts'

const width = 118
const indented = (line: string): string => (line ? `  ${line}` : line)

/** An element of a tensor by the name of the tensor, anything else by the axis along which it changes. */
const nameFor = ({ text }: Code, axis: string): string =>
  /^(\w+)\[[^\]]*\]!$/.exec(text)?.[1] ?? (axis ? `${axis}Part` : 'part')

/** The lines of one pair of braces, and those that hold what is the same in every round of the loops inside. */
export class Block {
  readonly level: number // how many loops are around it
  readonly axis: string // of the innermost of them
  readonly lines: string[] = []
  readonly #outer: Block | undefined
  readonly #isFork: boolean
  readonly #names: Names
  readonly #hoisted = new Map<string, string>()

  /** Without `axis`: a branch, which belongs to the loop that it is in. */
  constructor(names: Names, outer?: Block, axis?: string, isFork = false) {
    this.#names = names
    this.#outer = outer
    this.#isFork = isFork
    this.level = (outer?.level ?? 0) + (axis === undefined ? 0 : 1)
    this.axis = axis ?? outer?.axis ?? ''
  }

  line(...text: readonly string[]): void {
    this.lines.push(...text)
  }

  /** A loop over an axis. */
  loop(axis: string, head: string, fill: (inner: Block) => void, comment?: string): void {
    const inner = new Block(this.#names, this, axis)
    fill(inner)
    this.#enclose(head, inner, comment)
  }

  /** `if (condition) { ... }` */
  when(condition: string, fill: (inner: Block) => void): void {
    const inner = new Block(this.#names, this)
    fill(inner)
    this.#enclose(`if (${condition})`, inner)
  }

  /** `head { ... }`, in one line without braces where that is short. */
  #enclose(head: string, inner: Block, comment?: string): void {
    const [only] = inner.lines
    if (comment !== undefined) this.line(`// ${comment}`)
    const indent = 2 * (this.level + 2)
    const short = only !== undefined && inner.lines.length === 1 && !/^(const|let|if|\/\/)/.test(only)
    if (short && indent + head.length + only.length < width) this.line(`${head} ${only}`)
    else this.line(`${head} {`, ...inner.lines.map(indented), '}')
  }

  /** `if (condition) { ... } else { ... }`, without the second branch where it has nothing to do. */
  either(condition: string, yes: (inner: Block) => void, no: (inner: Block) => void): void {
    const other = new Block(this.#names, this)
    no(other)
    if (other.lines.length === 0) return this.when(condition, yes)
    const inner = new Block(this.#names, this)
    yes(inner)
    this.line(`if (${condition}) {`, ...inner.lines.map(indented), '} else {', ...other.lines.map(indented), '}')
  }

  /** `if (condition) { ... } else { ... }` for two forms of the same: what both need gets its name before. */
  fork(condition: string, yes: (inner: Block) => void, no: (inner: Block) => void): void {
    const branches = [yes, no].map((fill) => {
      const inner = new Block(this.#names, this, undefined, true)
      fill(inner)
      return inner.lines.map(indented)
    })
    this.line(`if (${condition}) {`, ...branches[0]!, '} else {', ...branches[1]!, '}')
  }

  /** A name for what `code` says, made in the outermost block that has all it needs. */
  hoist(code: Code, wish?: string): Code {
    if (isSimple(code)) return code
    const home = this.#at(code.level)
    const known = home.#find(code.text)
    if (known !== undefined) return atom(known, code.level)
    const name = wish ? this.#names.reuse(wish, `= ${code.text}`) : this.#names.fresh(nameFor(code, home.axis))
    home.line(`const ${name} = ${code.text}`)
    home.#hoisted.set(code.text, name)
    return atom(name, code.level)
  }

  /** The name that `code` was given here or further out, if it has one. */
  known(code: Code): Code | undefined {
    const name = this.#at(code.level).#find(code.text)
    return name === undefined ? undefined : atom(name, code.level)
  }

  /** A name for `code` in this block. */
  keep(code: Code, wish: string): Code {
    return this.hoist({ ...code, level: this.level }, wish)
  }

  #at(level: number): Block {
    return !this.#outer || (this.level <= level && !this.#isFork) ? this : this.#outer.#at(level)
  }
  /** What a branch is in has names for it too. */
  #find(text: string): string | undefined {
    return this.#hoisted.get(text) ?? (this.#outer?.level === this.level ? this.#outer.#find(text) : undefined)
  }
}
