/** Which tiles a device has room for. */
import type { Machine, Program } from '../../compiler/kernel.ts'
import type { Device } from '../target.ts'
import { layOut } from './layout.ts'
import { offerOf } from './offer.ts'
import { entryOf, kernelsOf } from './program.ts'

const machineOf = (i: number, j: number): Machine => ({
  tile: { i, j },
  accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -126 },
})

/** What is made for every device. */
export const usualMachine = machineOf(32, 32)
const usualPairs = 32 * 32

/** Where limits are known: the most wanted first. */
export const machinesFor = ({ limits }: Device): readonly Machine[] =>
  Object.keys(limits).length > 0 ? [machineOf(64, 64), machineOf(64, 32), usualMachine] : [usualMachine]

/** Words that an invocation has of its own, before the registers of a device are full; and as many as WGSL lets a function have. */
const mostOwn = 128
const mostWords = 8192 / 4

export const fits = (program: Program, device: Device): boolean =>
  roomsOf(program, device).every(({ spilled, own }) => spilled === 0 && own <= mostOwn)

interface Rooms {
  readonly name: string
  readonly pairs: number
  readonly invocations: number
  readonly own: number // words of an invocation
  readonly shared: number // words that all values would share if there were room for them
  readonly spilled: number // words for which there is none
}

function roomsOf(program: Program, device: Device): readonly Rooms[] {
  const offer = offerOf(device)
  return kernelsOf(program.steps).map((kernel) => {
    const { homes, pairs, group } = layOut(kernel, program, offer)
    const own = [...homes.of.values()].reduce((sum, home) => sum + (home.kind === 'own' ? home.size : 0), 0)
    const spilled = homes.sizes.spill + homes.sizes.spillMark
    const name = `${entryOf(program)}_${kernel.name}`
    return { name, pairs, invocations: group.size, own, shared: homes.wanted, spilled }
  })
}

/** Values as long as an axis may be in a buffer where there is no room for them; larger tiles than the usual one are not. */
export function refuses(program: Program, device: Device): string | undefined {
  const { sharedWords: offered, invocations: most } = offerOf(device)
  for (const { name, pairs, invocations, own, shared, spilled } of roomsOf(program, device)) {
    if (invocations > most)
      return `${name} has workgroups of ${invocations} invocations, and a device has ${most}: ask for a group of ${most}, or say what the device has, as --limits maxComputeInvocationsPerWorkgroup=${invocations},maxComputeWorkgroupSizeX=${invocations}`
    if (own > mostWords)
      return `the tiles of ${name} take ${own * 4} bytes of an invocation, and WGSL lets a function have ${mostWords * 4}: ${knob}`
    if (spilled > 0 && pairs > usualPairs)
      return `the tiles of ${name} take ${shared * 4} bytes of shared memory, and a workgroup has ${offered * 4}: ${knob}, or say what the device has, as --limits maxComputeWorkgroupStorageSize=${2 ** Math.ceil(Math.log2(shared * 4))}`
  }
  return undefined
}
/** Of the kernel whose tile is the largest. */
export const groupOf = (program: Program, device: Device): number | undefined =>
  roomsOf(program, device).toSorted((a, b) => b.pairs - a.pairs)[0]?.invocations

const knob = 'ask for smaller tiles, as --tile i=32,j=32'
