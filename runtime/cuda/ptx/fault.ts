/** What a kernel does that the hardware leaves undefined, or that has no result: where, and by which thread. */
import type { Place } from './module.ts'

/** Thrown where it happens, with what is known there; the block that runs adds the place and the thread. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly what: string
  readonly lane: number | undefined

  constructor(what: string, lane?: number) {
    super(what)
    this.what = what
    this.lane = lane
  }
}

/** A fault with all that is known of it. The message is for who reads it; the rest is for programs. */
export class KernelFault extends Error {
  override readonly name = 'KernelFault'
  readonly kernel: string
  readonly what: string
  readonly place: Place | undefined

  constructor(kernel: string, what: string, where: string, instruction: string, place: Place | undefined) {
    super(`the kernel ${kernel} ${what} (${where}), in ${instruction}${place ? `\n${placeText(place)}` : ''}`)
    this.kernel = kernel
    this.what = what
    this.place = place
  }
}

/** The line itself, and each line that it was inlined at, the kernel's own last. */
export function placeText({ file, line, inlinedAt }: Place): string {
  const own = `  --> ${file}:${line}`
  return inlinedAt ? `${own}\n${placeText(inlinedAt).replace('  -->', '  called from')}` : own
}

/** The last name of a mangled one: `_ZN..._GLOBAL__N__...21softmax_attention_outE...` is softmax_attention_out. */
export function plainName(mangled: string): string {
  if (!mangled.startsWith('_Z')) return mangled
  let at = mangled.startsWith('_ZN') ? 3 : 2
  let last = mangled
  for (let digits = /^\d+/.exec(mangled.slice(at)); digits; digits = /^\d+/.exec(mangled.slice(at))) {
    at += digits[0].length
    last = mangled.slice(at, at + Number(digits[0]))
    at += Number(digits[0])
  }
  return last
}
