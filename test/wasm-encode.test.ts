/** The encoder of WebAssembly: what wabt reads in its bytes is what was written, and the engine takes them. */
import { describe, expect, test } from 'vitest'
import wabt from 'wabt'
import { Block, Locals, sumIn } from '../targets/ts/wasm/block.ts'
import * as codes from '../targets/ts/wasm/code.ts'
import { add, type Code, call, code, multiply, setLocal } from '../targets/ts/wasm/code.ts'
import { type Instruction, instructionNames, resultOf, signed, unsigned } from '../targets/ts/wasm/instructions.ts'
import { Module } from '../targets/ts/wasm/module.ts'
import { bytesOfSource } from '../templates/ts/wasm.ts'
import { type Exports, engine, instantiate } from './web-assembly.ts'

const tools = await wabt()
const features = { simd: true, bulk_memory: true, threads: true, relaxed_simd: true }
const textOf = (bytes: Uint8Array): string => {
  const read = tools.readWasm(bytes, features)
  ;(read.validate as (given: object) => void).call(read, features) // its types do not know that it takes them
  return read.toText({ foldExprs: true, inlineExport: false })
}
const run = (module: Module, functions: object = {}): Exports => instantiate(module.encode().bytes, functions)

test('integers are those of LEB128', () => {
  expect([0, 1, 127, 128, 624485, 2 ** 32 - 1].map(unsigned)).toEqual([
    [0],
    [1],
    [127],
    [0x80, 1],
    [0xe5, 0x8e, 0x26],
    [0xff, 0xff, 0xff, 0xff, 0x0f],
  ])
  expect([0, 63, 64, -1, -64, -65, -123456, 2 ** 31 - 1, -(2 ** 31)].map(signed)).toEqual([
    [0],
    [63],
    [0xc0, 0],
    [0x7f],
    [0x40],
    [0xbf, 0x7f],
    [0xc0, 0xbb, 0x78],
    [0xff, 0xff, 0xff, 0xff, 7],
    [0x80, 0x80, 0x80, 0x80, 0x78],
  ])
})

/** Operands of an instruction by its name, as the specification has them. */
function operandsOf(name: Instruction): readonly Code[] {
  const [i, f, d, v] = [codes.integer(16), codes.float(1.5), code('f64.promote_f32', [codes.float(2)]), codes.words(7)]
  if (/store.*_lane|^v128\.store|load32_lane/.test(name)) return [i, v]
  if (/load/.test(name)) return [i]
  if (/^i32\.store/.test(name)) return [i, i]
  if (name === 'f32.store') return [i, f]
  if (/replace_lane/.test(name)) return [v, name.startsWith('f32') ? f : i]
  if (/splat/.test(name)) return [name.startsWith('f32') ? f : i]
  if (/x4\.sh[lr]/.test(name)) return [v, i]
  if (name === 'v128.bitselect') return [v, v, v]
  if (name === 'select') return [f, f, i]
  if (/convert_i32_s/.test(name)) return [i]
  if (/demote/.test(name)) return [d]
  if (/promote|trunc_sat_f32_s/.test(name)) return [f]
  const one = name === 'i32.eqz' ? i : name.startsWith('f32.') ? f : name.startsWith('i32.') ? i : v
  const isUnary = /eqz|abs|neg|ceil|floor|nearest|sqrt|\.not$|true|extract|convert|trunc/.test(name)
  return isUnary ? [one] : [one, one]
}

describe('instructions', () => {
  const names = instructionNames.filter((name) => !/^local\.|^call$|\.const$|relaxed/.test(name))
  test.each(names)('%s is what wabt reads', (name) => {
    const module = new Module()
    module.define('f', [], name === 'select' ? 'f32' : resultOf(name), () => {
      const hasLane = /_lane/.test(name)
      const isMemory = /load|store/.test(name)
      return code(name, operandsOf(name), [...(isMemory ? [300] : []), ...(hasLane ? [1] : [])])
    })
    const { bytes } = module.encode()
    expect(engine.validate(bytes), name).toBe(true)
    expect(textOf(bytes)).toContain(`(${name}${/load|store/.test(name) ? ' offset=300' : ''}`)
  })
  test('there are as many as the encoder knows', () => {
    expect(names.length).toBeGreaterThan(95)
    expect(() => code('f32.tan' as Instruction, [codes.float(1)])).not.toThrow()
    const module = new Module()
    module.define('f', [], undefined, () => code('f32.tan' as Instruction, [codes.float(1)]))
    expect(() => module.encode()).toThrow('no opcode for f32.tan')
  })
})

test('a memory can come from outside, shared or not, as one byte says', () => {
  const module = new Module()
  const twice = module.importFunction('twice', ['f64'], 'f64')
  const take = (body: Block, param: (n: number) => Code): Code =>
    body.variable(code('i32.atomic.rmw.add', [param(0), codes.integer(5)], [4]))
  module.define('take', ['i32'], 'i32', take, true)
  module.define('two', [], 'f64', () => call(twice, code('f64.promote_f32', [codes.float(1)])), true)
  const { bytes, flagAt } = module.encode('shareable')
  expect(textOf(bytes)).toContain('(import "js" "memory" (memory (;0;) 1 65536 shared))')
  const { Memory } = engine as unknown as { Memory: new (limits: object) => { readonly buffer: ArrayBuffer } }
  for (const shared of [true, false]) {
    const own = bytes.slice()
    own[flagAt!] = shared ? 3 : 1
    expect(engine.validate(own)).toBe(true)
    expect(textOf(own)).toContain(`1 65536${shared ? ' shared' : ''}))`)
    const memory = new Memory({ initial: 1, maximum: 65536, shared })
    const both = [0, 1].map(() => instantiate(own, { memory, twice: (x: number) => 2 * x }))
    expect([both[0]!.take!(16), both[1]!.take!(16), both[0]!.take!(16)]).toEqual([0, 5, 10])
    expect(new Int32Array(memory.buffer)[5]).toBe(15)
    expect(both[0]!.two!()).toBe(2)
    expect(() => instantiate(own, { memory: new Memory({ initial: 1, maximum: 65536, shared: !shared }) })).toThrow()
  }
})

test('a multiplication and an addition are one instruction where an engine has it', () => {
  const module = new Module()
  const give = (_: Block, param: (n: number) => Code): Code => {
    const [a, b, c] = [0, 1, 2].map((n) => codes.splat(param(n), 'f32')) as [Code, Code, Code]
    const inner = code('f32x4.relaxed_madd', [a, b, c])
    return code('f32x4.extract_lane', [code('f32x4.relaxed_madd', [inner, b, code('f32x4.add', [a, c])])], [2])
  }
  module.define('give', ['f32', 'f32', 'f32'], 'f32', give, true)
  const { bytes, fusable } = module.encode()
  expect(fusable.length).toBe(4)
  const named = (own: Uint8Array): readonly string[] =>
    (textOf(own).match(/(?<=f32x4\.)(add|mul|relaxed_madd)/g) ?? []).sort()
  expect(named(bytes)).toEqual(['add', 'add', 'add', 'mul', 'mul'])
  const fused = bytesOfSource({ base64: btoa(String.fromCharCode(...bytes)), fusable })
  expect(fused.length).toBe(bytes.length)
  expect(named(fused)).toEqual(['add', 'relaxed_madd', 'relaxed_madd'])
  for (const all of [instantiate(bytes), instantiate(fused)]) expect(all.give!(2, 3, 5)).toBe((2 * 3 + 5) * 3 + (2 + 5))
  const rounded = instantiate(bytes).give!(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11)
  expect(rounded).toBe(-(2 ** -12))
  const once = instantiate(fused).give!(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11)
  expect([rounded, Math.fround(2 ** -24 * (1 + 2 ** -12) - 2 ** -12)]).toContain(once)
})

test('constants keep their bits', () => {
  const module = new Module()
  const floats = [0, -0, 1, -1.5, 3.4028234663852886e38, 2 ** -149, Infinity, -Infinity, Number.NaN]
  floats.forEach((x, n) => void module.define(`f${n}`, [], 'f32', () => codes.float(x), true))
  const integers = [0, 1, -1, 63, 64, -65, 2 ** 31 - 1, -(2 ** 31)]
  integers.forEach((x, n) => void module.define(`i${n}`, [], 'i32', () => codes.integer(x), true))
  module.define('lane', [], 'i32', () => code('i32x4.extract_lane', [codes.words(5, -6, 7, -8)], [3]), true)
  const all = run(module)
  floats.forEach((x, n) => void expect(all[`f${n}`]!()).toBe(x))
  integers.forEach((x, n) => void expect(all[`i${n}`]!()).toBe(x))
  expect(all.lane!()).toBe(-8)
})

describe('blocks', () => {
  test('loops, branches and calls', () => {
    const module = new Module()
    const twice = module.importFunction('twice', ['f64'], 'f64')
    module.define(
      'f',
      ['i32'],
      'f32',
      (body, param) => {
        const sum = body.variable(codes.float(0))
        body.count('rounds', codes.zero, param(0), 1, (n, inner) => {
          inner.either(
            code('i32.and', [n, codes.one]),
            (odd) => odd.line(setLocal(sum, code('f32.add', [sum, codes.float(0.5)]))),
            (even) => even.line(setLocal(sum, code('f32.add', [sum, code('f32.convert_i32_s', [n])]))),
          )
        })
        const wide = call(twice, code('f64.promote_f32', [sum]))
        return code('f32.demote_f64', [wide])
      },
      true,
    )
    const { f } = run(module, { twice: (x: number) => 2 * x })
    expect([0, 1, 2, 5, 6].map((n) => f!(n))).toEqual([0, 0, 1, 14, 15])
    expect(f!(-3)).toBe(0)
  })

  test('what does not change in a loop is worked out before it, once', () => {
    const locals = new Locals(['i32', 'i32'])
    const body = new Block(locals)
    const [a, b] = [locals.param(0), locals.param(1)]
    body.count('elements', codes.zero, b, 1, (n, inner) => {
      for (let k = 0; k < 2; k++) inner.keep(sumIn(inner, [multiply(add(n, codes.integer(k)), codes.integer(8)), a, b]))
    })
    const before = body.lines.flatMap((line) => ('kind' in line ? [] : [codes.keyOf(line)]))
    expect(before.filter((line) => line.includes('i32.add'))).toHaveLength(1)
  })

  test('a load of what may be stored to is no other load', () => {
    const block = new Block(new Locals(['i32']))
    const at = { ...codes.zero, level: 0 }
    const load = (moment: number): Code => ({ ...code('i32.load', [at], [0]), moment })
    expect(codes.keyOf(block.keep(load(1)))).not.toBe(codes.keyOf(block.keep(load(2))))
    expect(block.keep(load(1))).toBe(block.keep(load(1)))
  })
})
