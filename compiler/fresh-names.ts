/** Names that differ from each other and from `taken`. */
export function createNames(taken: Iterable<string> = []): (base: string) => string {
  const used = new Set(taken)
  return (base) => {
    let name = base
    for (let n = 2; used.has(name); n++) name = `${base}${n}`
    used.add(name)
    return name
  }
}
