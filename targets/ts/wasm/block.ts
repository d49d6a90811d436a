/** The body of a function while it is written: statements, loops, branches, and names for what is worked out once. */
import { add, type Code, constantOf, getLocal, isLess, isSimple, keyOf, setLocal, zero } from './code.ts'
import type { ValueType } from './instructions.ts'
import { interleave } from './interleave.ts'

export type Line = Code | Structure
export interface Structure {
  readonly kind: 'loop' | 'if'
  readonly condition: Code | undefined // of `if`
  readonly body: Block
  readonly other: Block | undefined
}

/** The locals of one function; its parameters come first. */
export class Locals {
  readonly params: readonly ValueType[]
  readonly types: ValueType[] = [] // of what is no parameter

  constructor(params: readonly ValueType[]) {
    this.params = params
  }

  param(n: number): Code {
    return getLocal(n, this.params[n] ?? 'i32', 0)
  }

  fresh(type: ValueType, level: number): Code {
    return getLocal(this.params.length + this.types.push(type) - 1, type, level)
  }
}

export class Block {
  readonly level: number // how many loops are around it
  readonly base: number // how many of these may run no round at all
  readonly lines: Line[] = []
  readonly locals: Locals
  readonly #outer: Block | undefined
  readonly #isFork: boolean
  readonly #hoisted = new Map<string, Code>()

  constructor(locals: Locals, outer?: Block, loop?: 'elements' | 'rounds', isFork = false) {
    this.locals = locals
    this.level = (outer?.level ?? 0) + (loop ? 1 : 0)
    this.base = loop === 'rounds' ? this.level : (outer?.base ?? 0)
    this.#outer = outer
    this.#isFork = isFork
  }

  line(...codes: readonly Code[]): void {
    this.lines.push(...codes)
  }

  /** A local that changes. */
  variable(first: Code): Code {
    const local = this.locals.fresh(first.type ?? 'i32', this.level)
    this.line(setLocal(local, first))
    return local
  }

  /** A name for `value` in this block. */
  keep(value: Code): Code {
    if (isSimple(value)) return value
    const key = keyOf(value)
    const known = this.#find(key)
    if (known) return known
    const local = this.variable(value)
    this.#hoisted.set(key, local)
    return local
  }

  /** A name for `value`, made in the outermost block that has all it needs. Only for what gives the same whenever it is asked. */
  hoist(value: Code): Code {
    return isSimple(value) ? value : this.#at(value.level).keep(value)
  }

  /** A vector of constants, made before the loops over elements around. */
  constant(value: Code): Code {
    return this.#at(this.base).keep(value)
  }

  /** Rounds for n = from, from + step, ... while n < to. `elements`: there is at least one. */
  count(kind: 'elements' | 'rounds', from: Code, to: Code, step: number, fill: (n: Code, inner: Block) => void): void {
    const end = this.hoist(to)
    if (constantOf(from) !== undefined && constantOf(from) === constantOf(end)) return
    if (kind === 'elements') return this.#counting(kind, from, end, step, fill)
    this.when(isLess(from, end), (inner) => inner.#counting(kind, from, end, step, fill))
  }

  #counting(
    kind: 'elements' | 'rounds',
    from: Code,
    end: Code,
    step: number,
    fill: (n: Code, inner: Block) => void,
  ): void {
    const counter = this.variable(from)
    this.repeat(kind, (inner) => {
      const n = { ...counter, level: inner.level }
      fill(n, inner)
      inner.line(setLocal(n, add(n, { ...zero, immediates: [step] })))
      return isLess(n, end)
    })
  }

  /** A loop that goes on while what `fill` gives at its end is true. */
  repeat(kind: 'elements' | 'rounds', fill: (inner: Block) => Code): void {
    const body = new Block(this.locals, this, kind)
    const again = fill(body)
    this.lines.push({ kind: 'loop', condition: again, body, other: undefined })
  }

  /** What is written for several elements of a loop, side by side. */
  sideBySide(count: number, fill: (n: number, inner: Block) => void): void {
    const all = Array.from({ length: count }, (_, n) => {
      const inner = new Block(this.locals, this)
      fill(n, inner)
      return inner
    })
    this.lines.push(...interleave(all, this.locals))
  }

  /** `isFork`: what does not change inside gets its name before, whether the condition holds or not. */
  when(condition: Code, fill: (inner: Block) => void, isFork = false): void {
    const known = constantOf(condition)
    if (known !== undefined) {
      if (known !== 0) fill(this)
      return
    }
    const body = new Block(this.locals, this, undefined, isFork)
    fill(body)
    if (body.lines.length > 0) this.lines.push({ kind: 'if', condition, body, other: undefined })
  }

  /** `isFork`: two forms of the same; what both need gets its name before. */
  either(condition: Code, yes: (inner: Block) => void, no: (inner: Block) => void, isFork = false): void {
    const [body, other] = [yes, no].map((fill) => {
      const inner = new Block(this.locals, this, undefined, isFork)
      fill(inner)
      return inner
    })
    this.lines.push({ kind: 'if', condition, body: body!, other })
  }

  #at(level: number): Block {
    return !this.#outer || (this.level <= level && !this.#isFork) ? this : this.#outer.#at(level)
  }
  /** What a branch is in has names for it too. */
  #find(key: string): Code | undefined {
    return this.#hoisted.get(key) ?? (this.#outer?.level === this.level ? this.#outer.#find(key) : undefined)
  }
}

/** A sum of i32 terms: what changes in fewer of the loops around gets a name outside of the others. */
export function sumIn(block: Block, terms: readonly Code[]): Code {
  const { sum, constant } = sumApart(block, terms)
  return add(sum, { ...zero, immediates: [constant] })
}

/** The same with the constant among the terms apart. */
export function sumApart(block: Block, terms: readonly Code[]): { readonly sum: Code; readonly constant: number } {
  const flat = terms.flatMap(function leaves(term): readonly Code[] {
    return term.op === 'i32.add' ? term.args.flatMap(leaves) : [term]
  })
  const constant = flat.reduce((sum, term) => sum + (constantOf(term) ?? 0), 0)
  const rest = flat.filter((term) => constantOf(term) === undefined).toSorted((a, b) => a.level - b.level)
  const sum = rest.reduce<Code | undefined>(
    (all, term) => (all === undefined ? term : add(all.level < term.level ? block.hoist(all) : all, term)),
    undefined,
  )
  return { sum: sum ?? zero, constant: constant | 0 }
}
