/** A program's part of a module: its kernels in WGSL, and in JavaScript what a launch of them takes. */
import type { StorageType } from '../../compiler/attention.ts'
import { invariant } from '../../compiler/invariant.ts'
import type { Buffer, Kernel, Program, Rounds, Step } from '../../compiler/kernel.ts'
import { definitions, printUniform, propertyName } from '../javascript-lengths.ts'
import { Names, safeName } from '../names.ts'
import { fill } from '../template.ts'
import { type Binding, blocksOf, type Pools, type PrintedKernel, printKernel } from './kernel.ts'
import type { Offer, Use } from './offer.ts'
import { reserved } from './reserved.ts'
import type { GivenNames } from './sheet.ts'

export interface ProgramText {
  readonly shader: readonly string[]
  readonly copies: boolean // whether a launch copies buffers
  readonly host: string
  readonly uses: readonly Use[] // of its kernels
}

export const entryOf = ({ name }: Pick<Program, 'name'>): string => safeName(name, reserved)

const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }
/** Truths of workspace have words of their own. */
const bytesIn = ({ storage, role }: Buffer): number =>
  role === 'workspace' && storage === 'bool' ? 4 : bytesOf[storage]

export function printProgram(program: Program, given: GivenNames, file: Names, host: Names, offer: Offer): ProgramText {
  const entry = entryOf(program)
  const named = kernelsOf(program.steps).map((kernel) => ({ kernel, entry: file.fresh(`${entry}_${kernel.name}`) }))
  const print = (pools?: Pools): readonly Named[] =>
    named.map((one) => ({ ...one, ...printKernel(one.kernel, program, one.entry, given, offer, pools) }))
  const alone = print()
  const crowded = alone.filter(({ bindings }) => bindings.length > offer.buffers)
  const pools = findPools(program, crowded)
  const kernels = crowded.length > 0 ? print(pools) : alone
  return {
    shader: kernels.flatMap(({ lines }) => [...lines, '']),
    copies: program.steps.some(({ kind }) => kind === 'rounds') || kernels.some(isPacking),
    host: hostText(program, given, kernels, pools, host),
    uses: kernels.map(({ use }) => use),
  }
}

/** Of each kernel that has too many buffers, the workspace that it writes; what is copied after a round stays apart. */
function findPools(program: Program, crowded: readonly Named[]): Pools {
  const apart = becoming(program.steps)
  const isOpen = (name: string): boolean => bufferOf(name, program).role === 'workspace' && !apart.has(name)
  const pools: string[][] = []
  for (const { bindings } of crowded) {
    const names = bindings.flatMap((b) => (b.kind === 'buffer' && b.writes && isOpen(b.buffer) ? [b.buffer] : []))
    const home = pools.find((pool) => names.some((name) => pool.includes(name)))
    if (home) home.push(...names.filter((name) => !home.includes(name)))
    else pools.push(names)
  }
  return pools.filter((pool) => pool.length > 1)
}

const becoming = (steps: readonly Step[]): ReadonlySet<string> =>
  new Set(
    steps.flatMap((step): readonly string[] =>
      step.kind === 'kernel' ? [] : [...step.become.flatMap(({ to, from }) => [to, from]), ...becoming(step.steps)],
    ),
  )

interface Named extends PrintedKernel {
  readonly kernel: Kernel
  readonly entry: string
}

const isPacking = ({ bindings }: Named): boolean => bindings.some(({ kind }) => kind === 'pack')

export const kernelsOf = (steps: readonly Step[]): readonly Kernel[] =>
  steps.flatMap((step) => (step.kind === 'rounds' ? kernelsOf(step.steps) : [step]))

const bufferOf = (name: string, { buffers }: Program): Buffer => {
  const buffer = buffers.find((b) => b.name === name)
  invariant(buffer, `there is no buffer ${name}`)
  return buffer
}

const elementsOf = ({ axes }: Buffer, size: (axis: string) => string): string => axes.map(size).join(' * ') || '1'

/** The lengths that launches differ in, and parameters, as words of a uniform buffer. */
const runTime = ({ axes, sizes }: Program): readonly string[] =>
  axes.flatMap(({ name }) => (sizes[name] === undefined ? [name] : []))

/** The members of what all kernels of a file are given: each length and each parameter once. */
export function nameGiven(programs: readonly Program[]): {
  readonly of: ReadonlyMap<Program, GivenNames>
  readonly members: readonly { readonly name: string; readonly type: 'i32' | 'f32' }[]
} {
  const names = new Names(reserved, ['infinity'])
  const members = new Map<string, 'i32' | 'f32'>()
  const member = (wish: string, thing: string, type: 'i32' | 'f32'): string => {
    const name = names.reuse(wish, thing)
    members.set(name, type)
    return name
  }
  const of = new Map(
    programs.map((program): [Program, GivenNames] => {
      const sizes = runTime(program).map((axis) => [axis, member(`${axis}Size`, `size ${axis}`, 'i32')] as const)
      const params = program.params.map(({ name, type }) => {
        const kept = type === 'f32' ? 'f32' : 'i32'
        return [name, member(name, `param ${name} ${kept}`, kept)] as const
      })
      return [program, { sizes: new Map(sizes), params: new Map(params) }]
    }),
  )
  return { of, members: [...members].map(([name, type]) => ({ name, type })) }
}

const hostSize =
  (program: Program, given: GivenNames) =>
  (axis: string): string =>
    String(program.sizes[axis] ?? `given.${given.sizes.get(axis)}`)

/** Kernels by their numbers; rounds with how many there are, and what becomes what after each. */
function stepText(steps: readonly Step[], program: Program, given: GivenNames, kernels: readonly Kernel[]): string {
  const inGiven = (names: ReadonlyMap<string, string>) =>
    new Map([...names].map(([name, own]) => [name, `given.${own}`] as const))
  const texts = steps.map((step) => {
    if (step.kind === 'kernel') return String(kernels.indexOf(step))
    const launch = { sizes: inGiven(given.sizes), params: inGiven(given.params) }
    const inner = stepText(step.steps, program, given, kernels)
    const become = becomeSteps(step).map(([to, from]) => `[${hostName(to)}, ${hostName(from)}]`)
    return `{ count: (given) => ${printUniform(step.count, program, launch)}, steps: ${inner}, become: [${become.join(', ')}] }`
  })
  return `[${texts.join(', ')}]`
}

/** Copies of the new contents, in order; what is both read and overwritten is copied aside first. */
function becomeSteps({ become }: Rounds): readonly (readonly [to: string, from: string])[] {
  const isAside = (name: string): boolean => become.some(({ to }) => to === name)
  return [
    ...become.flatMap(({ from }) => (isAside(from) ? [[asideOf(from), from] as const] : [])),
    ...become.map(({ to, from }) => [to, isAside(from) ? asideOf(from) : from] as const),
  ]
}

/** A buffer by the name that callers use. */
const hostName = (name: string): string => `'${propertyName(name)}'`
/** A name that no buffer has. */
const asideOf = (name: string): string => `${name} aside`

/** What a round both reads as a new content and overwrites. */
const overwritten = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    if (step.kind === 'kernel') return []
    const own = step.become.flatMap(({ from }) => (step.become.some(({ to }) => to === from) ? [from] : []))
    return [...own, ...overwritten(step.steps)]
  })

function hostText(program: Program, given: GivenNames, kernels: readonly Named[], pools: Pools, host: Names): string {
  const size = hostSize(program, given)
  const asides = [...new Set(overwritten(program.steps))].map((name) => {
    return { ...bufferOf(name, program), name: asideOf(name), role: 'workspace' as const }
  })
  const known = [...runTime(program).map((axis) => given.sizes.get(axis)!), ...given.params.values()]
  return fill('wgsl/program', {
    name: host.fresh(`${entryOf(program)}Program`),
    fixed: Object.entries(program.sizes).map(([axis, length]) => ({ axis, length })),
    inputs: program.buffers
      .filter(({ role }) => role === 'input')
      .map(({ name, axes }) => ({ name: propertyName(name), axes: axes.map((axis) => `'${axis}'`).join(', ') })),
    buffers: [...program.buffers, ...asides].map((buffer) => {
      return {
        name: propertyName(buffer.name),
        role: buffer.role,
        bytes: bytesIn(buffer),
        size: elementsOf(buffer, size),
      }
    }),
    lines: definitions(program, given),
    known: known.join(', '),
    pools: pools.map((pool) => `[${pool.map(hostName).join(', ')}]`).join(', '),
    shapes: program.buffers
      .filter(({ role }) => role === 'result')
      .map(({ name, axes }) => ({ name: propertyName(name), shape: axes.map(size).join(', ') })),
    kernels: kernels.map(({ kernel, entry, bindings }) => ({
      entry,
      groups: blocksOf(kernel.grid, size, (length, by) => `Math.ceil(${length} / ${by})`),
      bindings: bindings.map(bindingText).join(', '),
    })),
    steps: stepText(
      program.steps,
      program,
      given,
      kernels.map(({ kernel }) => kernel),
    ),
  })
}

function bindingText(binding: Binding): string {
  const { writes } = binding
  switch (binding.kind) {
    case 'buffer':
      return `{ buffer: ${hostName(binding.buffer)}, writes: ${writes} }`
    case 'pack':
      return `{ pack: [${binding.buffers.map(hostName).join(', ')}], writes: ${writes} }`
    case 'pool':
      return `{ pool: ${binding.pool}, writes: ${writes} }`
    case 'spill':
      return `{ spill: ${binding.words}, writes: ${writes} }`
  }
}
