/** Generated JavaScript, run in this process: imported from memory, no file is written. */
import type { StorageType } from '../compiler/attention.ts'
import type { Program } from '../compiler/kernel.ts'
import { safeName } from '../targets/names.ts'
import type { OutFile } from '../targets/target.ts'
import { propertyName, reserved } from '../targets/ts/reserved.ts'
import { done, failed, type Outcome, problem } from './problem.ts'
import type { Inputs, Loaded, Scalars } from './runners.ts'
import { bf16Bits, emptyTensor, fromBf16Bits, recordOf, type Tensor } from './tensor.ts'

interface PlainTensor {
  readonly data: ArrayLike<number>
  readonly shape: readonly number[]
}
type Plain = Readonly<Record<string, PlainTensor>>
export type Kernel = (inputs: Plain, options?: { readonly params?: Scalars }) => Plain

/** The functions that a generated module exports, by name. */
export async function importJavaScript(text: string): Promise<Readonly<Record<string, Kernel>>> {
  const url = `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
  const module: Readonly<Record<string, unknown>> = await import(url)
  const functions = Object.entries(module).filter((entry): entry is [string, Kernel] => typeof entry[1] === 'function')
  return recordOf(functions)
}

export async function loadTypeScript(files: readonly OutFile[]): Promise<Outcome<Loaded>> {
  const main = files.find(({ path }) => path.endsWith('.js'))
  if (!main)
    return failed(problem('ATTN0330', 'target ts cannot run here: there is no JavaScript in what was generated'))
  const functions = await importJavaScript(main.text)
  const call = (program: Program, inputs: Inputs, params: Scalars): Inputs => {
    const kernel = functions[safeName(program.name, reserved)]
    if (!kernel) throw new Error(`the generated module has no function ${program.name}`)
    const given = recordOf(Object.entries(inputs).map(([name, tensor]) => [propertyName(name), plainOf(tensor)]))
    const asked = recordOf(Object.entries(params).map(([name, value]) => [propertyName(name), value]))
    const results = kernel(given, { params: asked })
    const { buffers } = program
    return recordOf(
      buffers.flatMap(({ name, role, storage }) => {
        const plain = role === 'result' ? results[propertyName(name)] : undefined
        return plain ? [[name, tensorOf(plain, storage)] as const] : []
      }),
    )
  }
  return done({ call })
}

/** The arrays that generated modules take: f16 as it is, bf16 as its bits. */
function plainOf({ storage, shape, data }: Tensor): PlainTensor {
  if (storage === 'f16') return { shape, data: new Float16Array(data) }
  return { shape, data: storage === 'bf16' ? Uint16Array.from(data, bf16Bits) : data }
}

function tensorOf({ data, shape }: PlainTensor, storage: StorageType): Tensor {
  const tensor = emptyTensor(storage, shape)
  for (let n = 0; n < tensor.data.length; n++)
    tensor.data[n] = storage === 'bf16' ? fromBf16Bits(data[n] ?? 0) : (data[n] ?? 0)
  return tensor
}
