/** An extension of PyTorch around generated CUDA: its C++, its module of Python, and how both are built. */
import type { StorageType } from '../../compiler/attention.ts'
import type { Buffer, Program } from '../../compiler/kernel.ts'
import { sources } from '../../generated/sources.ts'
import { escapeDoc } from '../doc.ts'
import { Names, type Reserved } from '../names.ts'
import { escapeString, reservedInPython } from '../python.ts'
import type { EmitSource, OutFile } from '../target.ts'
import { fill } from '../template.ts'
import { nameProgram, namesOfFile, type ProgramNames } from './program.ts'
import { reserved as reservedInCuda } from './reserved.ts'
import { fakeLines } from './torch-lengths.ts'
import { torchTypes } from './torch-types.ts'

const scalarTypes: Readonly<Record<StorageType, string>> = {
  f32: 'Float',
  f16: 'Half',
  bf16: 'BFloat16',
  i32: 'Int',
  bool: 'Bool',
}
const paramTypes = {
  f32: { schema: 'float', given: 'double', taken: 'float' },
  i32: { schema: 'int', given: 'int64_t', taken: 'int32_t' },
  bool: { schema: 'bool', given: 'bool', taken: 'uint8_t' },
} as const

/** What names may not be that are the same in C++, in Python and in the schema of an operator. */
const own = new Set(['torch', 'tensors', 'Tensor', 'ScalarType', 'device', 'guard', 'bytes', 'workspace', 'math'])
const reserved: Reserved = {
  has: (name) => own.has(name) || reservedInCuda.has(name) || reservedInPython.has(name),
}

/** Nothing of a source that has functions alone. */
export function emitTorch({ name, programs, version }: EmitSource): readonly OutFile[] {
  if (programs.length === 0) return []
  const file = namesOfFile(programs)
  const inModule = new Names(reserved)
  const library = `attnc_${name}`
  const ops = programs.map((program) => {
    const names = nameProgram(program, file)
    return opOf(program, names, inModule.fresh(program.name), file.fresh(`${names.entry}_op`))
  })
  const summary = programs.map((program) => program.name).join(', ')
  const view = { version, source: escapeDoc(`${name}.attn`), summary, library, module: `${name}_torch`, ops }
  const math = ops.some(({ lines }) => lines.some((line) => line.includes('math.')))
  return [
    { path: `${name}_torch.cpp`, text: fill('torch/extension', { ...view, ...prelude(), header: `${name}.h` }) },
    { path: `${name}_torch.py`, text: fill('torch/module', { ...view, math }) },
    { path: 'setup.py', text: fill('torch/setup', { version }) },
  ]
}

/** The project's header, its own includes first. */
function prelude(): { readonly includes: string; readonly prelude: string } {
  const text = sources['templates/torch/tensors.h'].replaceAll(/^#pragma once\n|^#include ".*"\n/gm, '')
  const include = /^#include <.*>\n/gm
  const all = text.match(include) ?? []
  const isOfTorch = (line: string): boolean => line.includes('<torch/')
  const groups = [all.filter((line) => !isOfTorch(line)), all.filter(isOfTorch)]
  return {
    includes: groups
      .map((lines) => lines.join(''))
      .join('\n')
      .trimEnd(),
    prelude: text
      .replaceAll(include, '')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim(),
  }
}

function opOf(program: Program, { entry, given }: ProgramNames, op: string, cFunction: string) {
  const names = new Names(reserved)
  const tensor = ({ name, axes, storage }: Buffer) => {
    const called = names.fresh(name)
    return {
      name: called,
      title: name,
      given: names.fresh(`${called}_given`),
      shape: names.fresh(`${called}_shape`),
      member: given.buffers.get(name),
      rank: axes.length,
      axes: `[${axes.join(', ')}]`,
      axisNames: axes,
      storage,
      type: scalarTypes[storage],
    }
  }
  const inputs = program.buffers.filter(({ role }) => role === 'input').map(tensor)
  const results = program.buffers.filter(({ role }) => role === 'result').map(tensor)
  const params = program.params
    .filter(({ time }) => time === 'run')
    .map(({ name, type, default: other }) => {
      const called = names.fresh(name)
      const { schema, given: by, taken } = paramTypes[type]
      return {
        name: called,
        title: name,
        given: names.fresh(`${called}_given`),
        member: given.params.get(name),
        type: taken,
        value: other ? called : `std::optional<${by}>(${called})`,
        inSchema: other ? `${schema}? ${called}=None` : `${schema} ${called}`,
        inCpp: other ? `std::optional<${by}> ${called}` : `${by} ${called}`,
        inPython: other ? `${called}=None` : called,
        about: `${called}: ${schema}${other ? ', or None for its default' : ''}`,
      }
    })
  const one = results.length === 1
  const tensors = results.map(() => 'Tensor').join(', ')
  const star = params.length > 0 ? ['*'] : []
  const taken = [...inputs.map(({ name }) => `Tensor ${name}`), ...star, ...params.map(({ inSchema }) => inSchema)]
  const about = ({ name, storage, axes }: (typeof inputs)[number]): string => `${name}: ${torchTypes[storage]} ${axes}`
  const { lines, lengths } = fakeLines(program, {
    op,
    names,
    tensors: new Map(inputs.map(({ title, name }) => [title, name])),
    params: new Map(params.map(({ title, name }) => [title, name])),
  })
  const first = inputs[0]!
  const empty = results.map(({ axisNames, storage }) => {
    const shape = axisNames.map((axis) => lengths.get(axis)).join(', ')
    return `${first.name}.new_empty([${shape}], dtype=torch.${torchTypes[storage]})`
  })
  return {
    ...{ op, entry, function: cFunction, inputs, results, params, first, lines },
    doc: program.doc.map(escapeDoc),
    help: program.doc.map((line) => escapeString(line).trim()),
    schema: `${op}(${taken.join(', ')}) -> ${one ? 'Tensor' : `(${tensors})`}`,
    returns: one ? 'Tensor' : `std::tuple<${tensors}>`,
    result: one ? results[0]!.name : `{${results.map(({ name }) => name).join(', ')}}`,
    takes: [...inputs.map(({ name }) => `const Tensor &${name}`), ...params.map(({ inCpp }) => inCpp)].join(', '),
    parameters: [...inputs.map(({ name }) => name), ...star, ...params.map(({ inPython }) => inPython)].join(', '),
    arguments: [...inputs.map(({ name }) => name), ...params.map(({ name }) => `${name}=${name}`)].join(', '),
    about: [...inputs.map(about), ...params.map((param) => param.about)],
    gives: results.map(about).join('; '),
    empty: one ? empty[0]! : `(${empty.join(', ')})`,
  }
}
