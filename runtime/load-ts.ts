/** Generated JavaScript, run in this process: imported from memory, no file is written. */
import { propertyName } from '../targets/javascript-lengths.ts'
import { safeName } from '../targets/names.ts'
import type { OutFile } from '../targets/target.ts'
import { nameFunctions } from '../targets/ts/program.ts'
import { reserved } from '../targets/ts/reserved.ts'
import type { Made, Staging } from './cache/staging.ts'
import { done, failed, type Outcome, problem } from './problem.ts'
import type { Inputs, Loaded, Manner, Scalars } from './runners.ts'
import type { Signature } from './signature.ts'
import { fromStored, type PlainTensor, toStored } from './stored.ts'
import { recordOf } from './tensor.ts'

type Plain = Readonly<Record<string, PlainTensor>>
export type Kernel = (inputs: Plain, options?: { readonly params?: Scalars; readonly simd?: boolean }) => Plain

type ParallelKernel = (inputs: Plain, options: { readonly params: Scalars; readonly threads: number }) => Promise<Plain>

/** All that a generated module exports. */
export async function importModule(text: string): Promise<Readonly<Record<string, unknown>>> {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)
}

/** What the function for an attention is called there. */
export const exportedName = (attention: string): string => safeName(attention, reserved)

/** The functions that a generated module exports, by name. */
export async function importJavaScript(text: string): Promise<Readonly<Record<string, Kernel>>> {
  const module = await importModule(text)
  const functions = Object.entries(module).filter((entry): entry is [string, Kernel] => typeof entry[1] === 'function')
  return recordOf(functions)
}

const moduleName = 'module.js'

export async function keepJavaScript(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  const main = files.find(({ path }) => path.endsWith('.js'))
  if (!main)
    return failed(problem('ATTN0330', 'target ts cannot run here: there is no JavaScript in what was generated'))
  staging.write(moduleName, main.text)
  return done(undefined)
}

export async function loadJavaScript(made: Made, programs: readonly Signature[]): Promise<Outcome<Loaded>> {
  const functions = await importJavaScript(new TextDecoder().decode(made.read(moduleName)))
  const twins = nameFunctions(programs.map(({ name }) => name)).functions
  const alone = callerOf(functions)
  const call = (program: Signature, inputs: Inputs, params: Scalars, manner?: Manner): Inputs | Promise<Inputs> => {
    const twin = functions[twins.get(program.name)?.parallel ?? ''] as ParallelKernel | undefined
    if (!manner || manner.threads === 1 || !twin) return alone(program, inputs, params)
    return callTwin(twin, program, inputs, params, manner)
  }
  return done({ call })
}

/** On several threads, of which this is one. */
async function callTwin(
  twin: ParallelKernel,
  program: Signature,
  inputs: Inputs,
  params: Scalars,
  { threads, signal }: Manner,
): Promise<Inputs> {
  const results = await twin(plainOf(inputs), { params: askedOf(params), threads })
  signal?.throwIfAborted()
  return resultsOf(program, results)
}

/** Calls a program's function. `simd` false: in plain code, where there is WebAssembly beside it. */
export const callerOf =
  (functions: Readonly<Record<string, Kernel>>, simd = true) =>
  (program: Signature, inputs: Inputs, params: Scalars): Inputs => {
    const kernel = functions[exportedName(program.name)]
    if (!kernel) throw new Error(`the generated module has no function ${program.name}`)
    return resultsOf(program, kernel(plainOf(inputs), { params: askedOf(params), simd }))
  }

const plainOf = (inputs: Inputs): Plain =>
  recordOf(Object.entries(inputs).map(([name, tensor]) => [propertyName(name), toStored(tensor)]))
const askedOf = (params: Scalars): Scalars =>
  recordOf(Object.entries(params).map(([name, value]) => [propertyName(name), value]))

const resultsOf = ({ buffers }: Signature, results: Plain): Inputs =>
  recordOf(
    buffers.flatMap(({ name, role, storage }) => {
      const result = role === 'result' ? results[propertyName(name)] : undefined
      return result ? [[name, fromStored(result, storage)] as const] : []
    }),
  )
