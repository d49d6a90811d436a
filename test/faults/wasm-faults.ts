/** Faults of kernels in WebAssembly: their functions, lanes, tails and memory. `wasm` has a module in the text format, on one line. */
import { floatBits } from '../../targets/ts/wasm/code.ts'
import type { Fault } from './fault.ts'

/** The module's text with another piece in place of one, wherever it stands. */
const swap =
  (what: RegExp | string, by: string) =>
  (text: string): string =>
    text.replaceAll(typeof what === 'string' ? what : new RegExp(what.source, 'g'), by)

const word = (bits: number): string => `0x${(bits >>> 0).toString(16).padStart(8, '0')}`
const lanesOf = (bits: number): string => `(v128.const i32x4 ${Array(4).fill(word(bits)).join(' ')})`
/** Another constant in all lanes. */
const constant = (from: number, to: number) => swap(lanesOf(floatBits(from)), lanesOf(floatBits(to)))
const bits = (from: number, to: number) => swap(lanesOf(from), lanesOf(to))

export const wasmFaults: readonly Fault[] = [
  {
    name: 'a worse polynomial for exponentials',
    what: 'A coefficient of the exponential is wrong in its fourth digit.',
    examples: ['softmax', 'causal', 'sigmoid'],
    wasm: constant(0.3333422893, 0.33364),
  },
  {
    name: 'the low part of log 2 left out of exponentials',
    what: 'The argument of an exponential is reduced by a rounded log 2.',
    examples: ['causal', 'softmax'],
    wasm: constant(2.1219444e-4, 0),
  },
  {
    name: 'exponentials that end early',
    what: 'Exponentials are 0 no lower than e^-8.',
    examples: ['softmax', 'sliding_window'],
    wasm: constant(-87.33654, -8),
  },
  {
    name: 'a polynomial of tanh beyond its range',
    what: 'The polynomial for small arguments is used up to 2.5.',
    examples: ['soft_cap', 'centered_tanh'],
    wasm: constant(0.625, 2.5),
  },
  {
    name: 'a logarithm without the low part of log 2',
    what: 'The exponent adds a rounded log 2 alone.',
    examples: ['softplus_attention'],
    wasm: constant(9.0580006145e-6, 0),
  },
  {
    name: 'f16 cut off',
    what: 'Results of 16 bits are cut off rather than rounded.',
    examples: ['softmax', 'sigmoid'],
    dtype: 'f16',
    wasm: bits(0xfff - 0x38000000, -0x38000000),
  },
  {
    name: 'bf16 cut off',
    what: 'The same for bf16.',
    examples: ['causal', 'softmax'],
    dtype: 'bf16',
    wasm: bits(0x7fff, 0),
  },
  {
    name: 'the last lane of a vector stored in place of the third',
    what: 'Results of the third row of a vector are those of the fourth.',
    examples: ['softmax', 'causal'],
    wasm: swap(/v128\.store32_lane 2 /, 'v128.store32_lane 3 '),
  },
  {
    name: 'every value taken for finite',
    what: 'Values that no weight admits are multiplied by 0 though they may be NaN.',
    examples: ['causal', 'sliding_window'],
    wasm: swap(/\(i32\.or \(local\.get 6\) \(call (\d+) /, '(i32.or (i32.const 1) (call $1 '),
  },
  {
    name: 'a mask of the lanes that is off by one',
    what: 'A key next to those that are admitted is admitted too.',
    examples: ['causal'],
    wasm: swap('i32x4.le_s', 'i32x4.lt_s'),
  },
  {
    name: 'columns left over from a product',
    what: 'What is left of the columns of a product beyond a multiple of what is done at once is not done.',
    examples: ['softmax', 'sigmoid'],
    wasm: swap(/\(i32\.le_s \(i32\.add \(local\.get (\d+)\) \(i32\.const 1\)\) \(local\.get 4\)\)/, '(i32.const 0)'),
  },
  {
    name: 'the maximum of a row forgotten',
    what: 'The maximum over keys is that of the last.',
    examples: ['softmax'],
    wasm: swap(
      /\(f32x4\.pmax \(local\.get (\d+)\) \((v128\.load|local\.get)/,
      '(f32x4.pmax (v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000) ($2',
    ),
  },
  {
    name: 'the last block left out',
    what: 'A tile of queries that is not whole is no block.',
    examples: ['softmax', 'causal', 'sigmoid'],
    code: (text) => text.replaceAll(/Math\.ceil\((given\.\w+) \/ (\d+)\)/g, 'Math.floor($1 / $2)'),
  },
  {
    name: 'the first block left out',
    what: 'Kernels begin at their second block.',
    examples: ['softmax', 'z_score'],
    code: (text) => text.replaceAll(/(machine\.kernels\.\w+)\(0, 0, /g, '$1(0, 1, '),
  },
  {
    name: 'rooms that overlap',
    what: 'An array begins before the one in front of it ends.',
    examples: ['softmax', 'causal'],
    code: (text) => text.replace('bytes = lineUp(at + more)', 'bytes = lineUp(at + more / 2)'),
  },
  {
    name: 'tiles in the way of tensors',
    what: 'The memory for tiles ends before the tiles do.',
    examples: ['softmax', 'causal'],
    code: (text) => text.replace(/tileBytes: \d+/, 'tileBytes: 256'),
  },
]
