import type { Buffer, Program } from '../../compiler/kernel.ts'
import { sources } from '../../generated/sources.ts'
import { escapeDoc } from '../doc.ts'
import { propertyName } from '../javascript-lengths.ts'
import { Names } from '../names.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import { helpersFor } from './helpers.ts'
import { hostHelpersFor, hostReserved } from './host.ts'
import { leastGroup } from './mapping.ts'
import { everywhere, limitsToAsk, offerOf, type Use } from './offer.ts'
import { entryOf, nameGiven, printProgram } from './program.ts'
import { reserved } from './reserved.ts'
import { fits, groupOf, machinesFor, refuses, usualMachine } from './resources.ts'

/** WebGPU kernels: NAME.wgsl, and NAME.js with NAME.d.ts, a module that launches them. They fit what every device has, unless more is asked for. */
export const wgsl: Target = {
  name: 'wgsl',
  machine: usualMachine,
  choices: {
    tiles: [8, 16, 32, 64],
    splits: [1, 2, 4],
    threads: false,
    groups: [64, 128, 256],
    features: ['subgroups'],
    near: { bytes: 2 ** 16, what: 'the registers and the shared memory of a workgroup' },
  },
  device: everywhere,
  machinesFor: (_, __, device) => machinesFor(device),
  fits,
  refuses,
  groupOf,
  weighs: () => true,
  emit: async (source) => emit(source),
}

function emit(source: EmitSource): readonly OutFile[] {
  const { name, programs, version, device = { features: [], limits: {} } } = source
  const entries = programs.map(entryOf)
  const file = new Names(reserved, entries)
  const host = new Names(hostReserved, entries)
  const view = {
    version,
    source: escapeDoc(`${name}.attn`),
    summary: programs.map((program) => program.name).join(', '),
  }
  const given = nameGiven(programs)
  const printed = programs.map((program) => ({
    program,
    ...printProgram(program, given.of.get(program)!, file, host, offerOf(device)),
  }))
  const texts = printed.map(({ shader }) => shader.join('\n').trimEnd())
  const copies = printed.some((one) => one.copies)
  const used = usesOf(texts)
  const uses = printed.flatMap((one) => one.uses)
  const most = (take: (use: Use) => number): number => Math.max(0, ...uses.map(take))
  const limits = limitsToAsk(
    {
      sharedBytes: most((use) => use.sharedBytes),
      invocations: most((use) => use.invocations),
      buffers: most((use) => use.buffers),
    },
    device,
  )
  const shader = fill('wgsl/shader', {
    ...view,
    members: given.members,
    programs: texts,
    enables: used.map(({ enable }) => enable),
    copies: copies ? [{ groupSize: leastGroup }] : [],
    helpers: helpersFor(texts.join('\n')),
  }).trimEnd()
  const hosts = printed.map(({ program, host: text }) => ({
    entry: entryOf(program),
    program: /const (\w+)/.exec(text)![1],
    text: text.trimEnd(),
    doc: escapeDoc(program.doc.join(' ')) || program.name,
  }))
  const own = sources['templates/wgsl/op.js']
    .trim()
    .replace(/^export /m, '')
    .replace('GROUP_SIZE', String(leastGroup))
  const runtime = [...hostHelpersFor([...hosts.map(({ text }) => text), own].join('\n')), own].join('\n\n')
  return [
    { path: `${name}.wgsl`, text: `${shader}\n` },
    {
      path: `${name}.js`,
      text: fill('wgsl/module', {
        ...view,
        shader: quoted(shader),
        features: used.map(({ feature }) => `'${feature}'`).join(', '),
        limits:
          Object.entries(limits)
            .map(([limit, value]) => ` ${limit}: ${value}`)
            .join(',') + (Object.keys(limits).length > 0 ? ' ' : ''),
        words: words(given.members),
        programs: hosts,
        runtime,
      }),
    },
    { path: `${name}.d.ts`, text: fill('wgsl/types', { ...view, programs: programs.map(typesOf) }) },
  ]
}

const optional = [
  { feature: 'shader-f16', enable: 'f16', sign: /\bf16\b/ },
  { feature: 'subgroups', enable: 'subgroups', sign: /\bquadBroadcast\b/ },
] as const

/** The features that kernels make use of. */
const usesOf = (texts: readonly string[]): readonly (typeof optional)[number][] =>
  optional.filter(({ sign }) => texts.some((text) => sign.test(text.replaceAll(/\/\/.*/g, ''))))

const words = (members: readonly { readonly name: string; readonly type: 'i32' | 'f32' }[]): string =>
  members.map(({ name, type }) => `['${name}', '${type === 'i32' ? 'setInt32' : 'setFloat32'}']`).join(', ')

/** As the inside of a template literal. */
const quoted = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')

function typesOf(program: Program): object {
  const entry = entryOf(program)
  const of = (role: Buffer['role']): readonly object[] =>
    program.buffers
      .filter((buffer) => buffer.role === role)
      .map(({ name, axes, storage }) => ({ name: propertyName(name), about: `${storage} [${axes.join(', ')}]` }))
  return {
    entry,
    type: entry.charAt(0).toUpperCase() + entry.slice(1),
    doc: escapeDoc(program.doc.join(' ')) || program.name,
    inputs: of('input'),
    results: of('result'),
    params: program.params
      .filter(({ time }) => time === 'run')
      .map(({ name, type, default: other }) => ({
        name: propertyName(name),
        optional: other ? '?' : '',
        type: type === 'bool' ? 'boolean' : 'number',
      })),
  }
}
