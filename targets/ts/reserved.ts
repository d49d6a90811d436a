import { helperNames } from './helpers.ts'

const words = `
  arguments async await break case catch class const continue debugger default delete do else enum eval export extends false
  finally for function if implements import in instanceof interface let new null package private protected public return static
  super switch this throw true try typeof undefined var void while with yield
  Array ArrayBuffer ArrayLike Atomics BigInt Blob Boolean Date Error Float16Array Float32Array Float64Array Function Infinity
  Int32Array Iterable Map Math NaN Number Object Partial Promise RangeError Readonly Record Reflect RegExp Required Set
  SharedArrayBuffer String Symbol TypeError URL Uint16Array Uint32Array Uint8Array WeakMap Worker globalThis process exports
  inputs options results given lengths own threads round
`

/** What no function, variable or type made from a source's name may be called in generated TypeScript; see `safeName`. */
export const reserved: ReadonlySet<string> = new Set([
  ...words.split(/\s+/).filter((word) => word !== ''),
  ...helperNames,
])
