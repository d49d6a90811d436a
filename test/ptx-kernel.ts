/** Kernels of PTX written by hand, run by the interpreter. No nvcc is needed. */
import { DeviceMemory, Piece } from '../runtime/cuda/ptx/device-memory.ts'
import { compileEntry } from '../runtime/cuda/ptx/kernel.ts'
import { parse } from '../runtime/cuda/ptx/parse.ts'
import { tensorsFrom } from '../runtime/cuda/ptx/registers.ts'
import { runKernel } from '../runtime/cuda/ptx/run.ts'
import { layOut } from '../runtime/cuda/ptx/variable.ts'

export interface Given {
  readonly input?: ArrayBuffer // what %rd1 is the address of
  readonly bytes?: number // of the result, which %rd2 is the address of
  readonly threads?: number
  readonly blocks?: number
  readonly shared?: number
  readonly variables?: string // of the module
}

const text = (body: string, variables: string): string => `
.version 9.0
.target sm_80
.address_size 64
${variables}
.extern .shared .align 16 .b8 shared[];
.visible .entry kernel(
  .param .u64 .ptr .global .align 4 input,
  .param .u64 result
)
{
  .reg .pred %p<10>;
  .reg .b16 %h<40>;
  .reg .b32 %r<40>;
  .reg .f32 %f<40>;
  .reg .b64 %rd<40>;
  .reg .f64 %fd<20>;
  ld.param.u64 %rd1, [input];
  ld.param.u64 %rd2, [result];
  mov.u32 %r1, %tid.x;
${body}
  ret;
}
.file 1 "/somewhere/made.cu"
`

/** The bytes that a kernel writes. */
export function runPtx(body: string, given: Given = {}): ArrayBuffer {
  const { input = new ArrayBuffer(0), bytes = 1024, threads = 32, blocks = 1, shared = 0, variables = '' } = given
  const module = parse(text(body, variables))
  const [entry] = module.entries.values()
  if (!entry) throw new Error('there is no kernel')
  const device = new DeviceMemory()
  module.variables.forEach(({ name, bytes: size, content }, n) => {
    device.put(
      n,
      new Piece(
        name,
        size,
        Uint8Array.from({ length: size }, (_, k) => content[k] ?? 0),
      ),
    )
  })
  const result = new Piece('result', bytes)
  device.put(tensorsFrom, new Piece('input', input.byteLength, new Uint8Array(input)))
  device.put(tensorsFrom + 1, result)
  const params = new Uint8Array(layOut(entry.params).bytes)
  new Uint32Array(params.buffer).set([0x40000000, 0x70000000 + tensorsFrom, 0x40000000, 0x70000000 + tensorsFrom + 1])
  runKernel(compileEntry(entry, module), device, {
    grid: [blocks, 1, 1],
    threads: [threads, 1, 1],
    sharedBytes: shared,
    params,
  })
  return result.memory.slice(0, bytes)
}

/** A type of an operand: registers hold numbers of 16 bits as their bits. */
export type Type = 'f32' | 'f64' | 's32' | 'u32' | 's64' | 'u64' | 'b16' | 's16' | 'pred'
export type Value = number | bigint

const registers: Readonly<Record<Type, string>> = {
  f32: '%f',
  f64: '%fd',
  s32: '%r',
  u32: '%r',
  s64: '%rd',
  u64: '%rd',
  b16: '%h',
  s16: '%h',
  pred: '%p',
}
const stored = (type: Type): string => (type === 'pred' ? 'u32' : type === 'b16' || type === 's16' ? 'u16' : type)

function put(view: DataView, at: number, type: Type, value: Value): void {
  if (type === 'f32') view.setFloat32(at, Number(value), true)
  else if (type === 'f64') view.setFloat64(at, Number(value), true)
  else if (type === 's64' || type === 'u64') view.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true)
  else if (type === 'b16' || type === 's16') view.setUint16(at, Number(value) & 0xffff, true)
  else view.setInt32(at, Number(BigInt.asIntN(32, BigInt(value))), true)
}
function take(view: DataView, at: number, type: Type): Value {
  if (type === 'f32') return view.getFloat32(at, true)
  if (type === 'f64') return view.getFloat64(at, true)
  if (type === 's64') return view.getBigInt64(at, true)
  if (type === 'u64') return view.getBigUint64(at, true)
  if (type === 'b16') return view.getUint16(at, true)
  if (type === 's16') return view.getInt16(at, true)
  return type === 's32' ? view.getInt32(at, true) : view.getUint32(at, true)
}

/**
 * What an instruction gives for rows of operands, each row in a thread of its own. The instruction is written with d, a, b, c and e for
 * its operands: `fma.rn.f32 d, a, b, c`.
 */
export function evaluate(
  instruction: string,
  types: readonly [Type, ...Type[]],
  rows: readonly (readonly Value[])[],
): Value[] {
  const [to, ...from] = types
  const slot = 8 * from.length
  const input = new ArrayBuffer(Math.max(8, slot * rows.length))
  const view = new DataView(input)
  for (const [n, row] of rows.entries())
    for (const [k, value] of row.entries()) put(view, slot * n + 8 * k, from[k]!, value)
  const names = from.map((type, k) => `${registers[type]}${20 - 2 * k - (type === 'f64' ? 2 : 0)}`)
  const own = ['d', 'a', 'b', 'c', 'e']
  const target = `${registers[to]}${to === 'pred' ? 9 : to === 'f64' ? 1 : 30}`
  const filled = instruction.replace(
    /(?<![\w%.])[dabce](?!\w)/g,
    (name) => [target, ...names][own.indexOf(name)] ?? name,
  )
  const body = `
  setp.ge.u32 %p8, %r1, ${rows.length};
  @%p8 ret;
  mul.wide.u32 %rd3, %r1, ${slot};
  add.s64 %rd3, %rd1, %rd3;
  mul.wide.u32 %rd4, %r1, 8;
  add.s64 %rd4, %rd2, %rd4;
  ${from.map((type, k) => load(type, names[k]!, 8 * k)).join('\n  ')}
  ${filled};
  ${to === 'pred' ? `selp.u32 %r31, 1, 0, ${target};\n  st.global.u32 [%rd4], %r31;` : `st.global.${stored(to)} [%rd4], ${target};`}`
  const bytes = runPtx(body, { input, bytes: 8 * rows.length, threads: Math.ceil(rows.length / 32) * 32 })
  const result = new DataView(bytes)
  return rows.map((_, n) => take(result, 8 * n, to))
}

function load(type: Type, register: string, at: number): string {
  if (type !== 'pred') return `ld.global.${stored(type)} ${register}, [%rd3+${at}];`
  const predicate = register.replace(/\d+$/, (n) => String(Number(n) / 4)) // there are few of them
  throw new Error(`a predicate as an operand is made by setp, not loaded to ${predicate}`)
}
