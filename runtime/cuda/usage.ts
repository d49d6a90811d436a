/** What kernels take of a device, as ptxas says it. */

/** Of a thread but for `shared`, which is fixed memory of a block; all but registers in bytes. */
export interface Usage {
  readonly kernel: string
  readonly registers: number
  readonly stores: number // of registers that had to be spilled
  readonly loads: number
  readonly shared: number
}

/** Reads what `ptxas -v` prints, a few lines for each kernel. */
export function readUsage(printed: string): readonly Usage[] {
  const parts = printed.split(/^ptxas info\s*: Function properties for /m).slice(1)
  return parts.map((part) => {
    const number = (pattern: RegExp): number => Number(pattern.exec(part)?.[1] ?? 0)
    return {
      kernel: nameOf(/^\S+/.exec(part)?.[0] ?? ''),
      registers: number(/Used (\d+) registers/),
      stores: number(/(\d+) bytes spill stores/),
      loads: number(/(\d+) bytes spill loads/),
      shared: number(/(\d+) bytes smem/),
    }
  })
}

/** The last name of those that a mangled one is nested in: `_ZN`, then names, each behind its length. */
export function nameOf(mangled: string): string {
  const names: string[] = []
  let rest = mangled.replace(/^_ZN?/, '')
  for (let found = /^(\d+)/.exec(rest); found; found = /^(\d+)/.exec(rest)) {
    const [, length] = found
    const start = length!.length
    names.push(rest.slice(start, start + Number(length)))
    rest = rest.slice(start + Number(length))
  }
  return names.at(-1) ?? mangled
}
