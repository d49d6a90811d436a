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

/** What is known of a fault. */
export interface Facts {
  readonly kernel: string
  readonly what: string
  readonly where: string // which block and thread
  readonly instruction: string
  readonly place: Place | undefined
  readonly comment?: string // what the kernel computes there
}

/** The first line of the message has all but the lines that the kernel's own one leads to. */
export class KernelFault extends Error {
  override readonly name = 'KernelFault'
  readonly facts: Facts

  constructor(facts: Facts) {
    super(messageOf(facts))
    this.facts = facts
  }
}

function messageOf({ kernel, what, where, instruction, place, comment }: Facts): string {
  const own = place ? outermost(place) : undefined
  const line = own ? `, ${own.file}:${own.line}` : ''
  const first = `the kernel ${kernel} ${what} (${where}${line}, in ${instruction})`
  return [first, ...(place ? [placeText(place)] : []), ...(comment ? [`  which is for ${comment}`] : [])].join('\n')
}

/** The line of the kernel itself, where what fails was inlined. */
export const outermost = (place: Place): Place => (place.inlinedAt ? outermost(place.inlinedAt) : place)

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
