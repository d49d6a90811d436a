/** The words that a target's names must not be. */
export type Reserved = Pick<ReadonlySet<string>, 'has'>

/**
 * A name of a source as a name of a target: injective, and the identity for all but reserved words. A reserved word, and
 * whatever looks like one with underscores added, gets one underscore more: `class` -> `class_`, `class_` -> `class__`.
 */
export function safeName(name: string, reserved: Reserved): string {
  return reserved.has(name.replace(/_+$/, '')) ? `${name}_` : name
}

/** Names of one scope of generated text: the name wished for, or with a number where it is taken. */
export class Names {
  readonly #taken: Set<string>
  readonly #reserved: Reserved
  readonly #kept = new Map<string, string>()

  constructor(reserved: Reserved, taken: Iterable<string> = []) {
    this.#reserved = reserved
    this.#taken = new Set(taken)
  }

  /** A name that nothing else in this scope has. */
  fresh(wish: string): string {
    const base = safeName(wish, this.#reserved)
    let name = base
    for (let n = 2; this.#taken.has(name); n++) name = `${base}${n}`
    this.#taken.add(name)
    return name
  }

  /** The same name each time, for what is never nested in itself: `thing`, which is called `wish` if possible. */
  reuse(wish: string, thing = wish): string {
    const name = this.#kept.get(thing) ?? this.fresh(wish)
    this.#kept.set(thing, name)
    return name
  }
}
