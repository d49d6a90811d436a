/** Modules of WebAssembly as bytes (core specification 3.0, 5.5). */
import { invariant } from '../../../compiler/invariant.ts'
import { Block, type Line, Locals } from './block.ts'
import { type Callee, type Code, constantOf } from './code.ts'
import { encodeBetween, encodeInstruction, isFusable, unsigned, type ValueType } from './instructions.ts'

const typeBytes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

interface Definition extends Callee {
  readonly isExported: boolean
  readonly locals: Locals
  readonly body: Block
}

export const pageBytes = 2 ** 16
const mostPages = 2 ** 16

/** The bytes of a module. */
export interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly flagAt: number | undefined // of a memory from outside: the byte that is 3 for one that is shared, and 1 for one that is not
  readonly fusable: readonly number[] // places of multiplications and additions by turns, each relative to the one before
}

/** Functions, in the order in which they were asked for; one memory. */
export class Module {
  readonly #imports = new Map<string, Callee>()
  readonly #functions = new Map<string, Definition>()

  /** A function of the module's surroundings. */
  importFunction(name: string, params: readonly ValueType[], result: ValueType): Callee {
    const known = this.#imports.get(name) ?? { name, params, result }
    this.#imports.set(name, known)
    return known
  }

  get imported(): readonly string[] {
    return [...this.#imports.keys()]
  }

  /** A function by its name, written when it is first asked for. `write` gives what it returns, if it does. */
  define(
    name: string,
    params: readonly ValueType[],
    result: ValueType | undefined,
    write: (body: Block, param: (n: number) => Code) => Code | undefined,
    isExported = false,
  ): Callee {
    const known = this.#functions.get(name)
    if (known) return known
    const locals = new Locals(params)
    const definition = { name, params, result, isExported, locals, body: new Block(locals) }
    this.#functions.set(name, definition)
    const last = write(definition.body, (n) => locals.param(n))
    if (last) definition.body.line(last)
    return definition
  }

  /** Its memory is its own, and exported as `memory`, as are all functions that are; or it is given one, which instances may share. */
  encode(memory: 'own' | 'shareable' = 'own'): Encoded {
    const limits = memory === 'own' ? [] : [3, ...unsigned(1), ...unsigned(mostPages)]
    const sections = this.#sections(limits, false)
    const flagAt = sections.slice(0, 3).flat().length - limits.length // imports are the third part, and end with it
    const bytes = Uint8Array.from(sections.flat())
    const fusable = placesApart(bytes, this.#sections(limits, true).flat())
    return { bytes, flagAt: memory === 'own' ? undefined : flagAt, fusable }
  }

  /** @param limits  of a memory that is imported; empty: there is one of its own */
  #sections(limits: readonly number[], isFused: boolean): readonly (readonly number[])[] {
    const isOwn = limits.length === 0
    const memory = [...text('js'), ...text('memory'), 2, ...limits]
    const [imports, functions] = [[...this.#imports.values()], [...this.#functions.values()]]
    const numbers = new Map([...imports, ...functions].map((one, n) => [one.name, n]))
    const types = new Map<string, number>()
    const typeOf = ({ params, result }: Callee): number => {
      const key = JSON.stringify([params, result ?? null])
      types.set(key, types.get(key) ?? types.size)
      return types.get(key)!
    }
    const importEntries = imports.map((one) => [...text('js'), ...text(one.name), 0, ...unsigned(typeOf(one))])
    const functionEntries = functions.map((one) => unsigned(typeOf(one)))
    const typeEntries = [...types.keys()].map((key) => {
      const [params, result] = JSON.parse(key) as [ValueType[], ValueType | null]
      return [0x60, ...list(params.map((t) => [typeBytes[t]])), ...list(result ? [[typeBytes[result]]] : [])]
    })
    const exported = functions.filter(({ isExported }) => isExported)
    const exportEntries = [
      ...(isOwn ? [[...text('memory'), 2, 0]] : []),
      ...exported.map(({ name }) => [...text(name), 0, ...unsigned(numbers.get(name)!)]),
    ]
    return [
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, typeEntries),
      section(2, [...importEntries, ...(isOwn ? [] : [memory])]),
      section(3, functionEntries),
      section(5, isOwn ? [[0, 1]] : []),
      section(7, exportEntries),
      section(
        10,
        functions.map((one) => sized(encodeBody(one, { numbers, isFused }))),
      ),
    ]
  }
}

const sized = (bytes: readonly number[]): readonly number[] => [...unsigned(bytes.length), ...bytes]
const list = (entries: readonly (readonly number[])[]): readonly number[] => [
  ...unsigned(entries.length),
  ...entries.flat(),
]
const section = (id: number, entries: readonly (readonly number[])[]): readonly number[] =>
  entries.length === 0 ? [] : [id, ...sized(list(entries))]
const text = (value: string): readonly number[] => sized([...new TextEncoder().encode(value)])

const instructionBytes = 3 // of those that differ, which begin with 0xfd; their first byte stays in an addition

/** Where instructions differ that are fused in one of two encodings. */
function placesApart(bytes: Uint8Array, fused: readonly number[]): readonly number[] {
  const places: number[] = []
  for (let n = 0, last = 0; n < bytes.length; n++) {
    if (bytes[n] === fused[n]) continue
    const isFirst = fused[n] === encodeBetween(true)[0]
    invariant(isFirst === (places.length % 2 === 0), 'one fused instruction is the last operand of another')
    const at = isFirst ? n : n - 1
    places.push(at - last)
    last = at
    n = at + instructionBytes - 1
  }
  return places
}

interface How {
  readonly numbers: ReadonlyMap<string, number> // of functions
  readonly isFused: boolean
}

function encodeBody({ locals, body }: Definition, how: How): readonly number[] {
  const runs: { type: ValueType; count: number }[] = []
  for (const type of locals.types) {
    const last = runs.at(-1)
    if (last?.type === type) last.count += 1
    else runs.push({ type, count: 1 })
  }
  const bytes: number[] = [...list(runs.map(({ type, count }) => [...unsigned(count), typeBytes[type]]))]
  writeLines(body.lines, how, bytes)
  bytes.push(0x0b)
  return bytes
}

function writeLines(lines: readonly Line[], how: How, bytes: number[]): void {
  for (const line of lines) {
    if (!('kind' in line)) writeCode(line, how, bytes)
    else if (line.kind === 'loop') {
      bytes.push(0x03, 0x40)
      writeLines(line.body.lines, how, bytes)
      if (line.condition && constantOf(line.condition) !== 0) {
        writeCode(line.condition, how, bytes)
        bytes.push(0x0d, 0)
      }
      bytes.push(0x0b)
    } else {
      if (line.condition) writeCode(line.condition, how, bytes)
      bytes.push(0x04, 0x40)
      writeLines(line.body.lines, how, bytes)
      if (line.other && line.other.lines.length > 0) {
        bytes.push(0x05)
        writeLines(line.other.lines, how, bytes)
      }
      bytes.push(0x0b)
    }
  }
}

function writeCode({ op, args, immediates, callee }: Code, how: How, bytes: number[]): void {
  const isPair = isFusable(op)
  args.forEach((arg, n) => {
    if (isPair && n === args.length - 1) bytes.push(...encodeBetween(how.isFused))
    writeCode(arg, how, bytes)
  })
  const last = isPair && !how.isFused ? 'f32x4.add' : op
  bytes.push(...encodeInstruction(last, callee ? [how.numbers.get(callee.name)!] : immediates))
}
