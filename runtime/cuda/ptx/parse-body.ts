/** Instructions of a kernel. Blocks in braces have registers of their own, as inline assembly brings them. */
import type { Entry, Instruction, Operand, Place, Variable } from './module.ts'
import type { Tokens } from './tokens.ts'
import { parseVariable } from './variable.ts'

type Body = Pick<Entry, 'variables' | 'registers' | 'body' | 'labels' | 'tables'>

export function parseBody(tokens: Tokens, files: ReadonlyMap<string, string>): Body {
  const parser = new BodyParser(tokens, files)
  parser.block()
  return parser
}

class BodyParser implements Body {
  readonly variables: Variable[] = []
  readonly registers = new Map<string, string>()
  readonly body: Instruction[] = []
  readonly labels = new Map<string, number>()
  readonly tables = new Map<string, readonly string[]>()
  readonly #tokens: Tokens
  readonly #places: Places
  #scopes: Map<string, string>[] = [] // of each block in braces, its registers' own names by their names there
  #blocks = 0

  constructor(tokens: Tokens, files: ReadonlyMap<string, string>) {
    this.#tokens = tokens
    this.#places = new Places(files)
  }

  block(): void {
    this.#tokens.expect('{')
    this.#scopes.push(new Map())
    const depth = this.#blocks++
    while (!this.#tokens.skip('}')) this.#statement(depth)
    this.#scopes.pop()
  }

  #statement(block: number): void {
    const tokens = this.#tokens
    const word = tokens.peek()
    if (word === '{') return this.block()
    if (word === ';') return void tokens.next()
    if (word === '.loc') return this.#places.read(tokens)
    if (word === '.reg') return this.#declare(block)
    if (word === '.shared' || word === '.local') {
      tokens.next()
      return void this.variables.push(...parseVariable(tokens, word))
    }
    if (word === '.pragma') {
      while (tokens.next() !== ';') {}
      return
    }
    if (tokens.peek(1) === ':') return this.#label()
    if (word.startsWith('.')) throw new Error(`PTX has ${word}, which the interpreter does not know`)
    this.#instruction()
  }

  #label(): void {
    const tokens = this.#tokens
    const name = tokens.next()
    tokens.expect(':')
    if (!tokens.skip('.branchtargets')) return void this.labels.set(name, this.body.length)
    const targets: string[] = []
    while (!tokens.skip(';')) if (!tokens.skip(',')) targets.push(tokens.next())
    this.tables.set(name, targets)
  }

  /** `.reg .f32 %f<1094>;` or `.reg .b16 low, high;` */
  #declare(block: number): void {
    const tokens = this.#tokens
    tokens.expect('.reg')
    const type = tokens.next().slice(1)
    do {
      const name = tokens.next()
      if (tokens.skip('<')) {
        const count = Number(tokens.next())
        tokens.expect('>')
        for (let n = 0; n < count; n++) this.#addRegister(`${name}${n}`, type, block)
      } else this.#addRegister(name, type, block)
    } while (tokens.skip(','))
    tokens.expect(';')
  }

  #addRegister(name: string, type: string, block: number): void {
    const own = block === 0 ? name : `${name}@${block}`
    this.#scopes.at(-1)?.set(name, own)
    this.registers.set(own, type)
  }

  #registerOf(name: string): string | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name)
  }

  #instruction(): void {
    const tokens = this.#tokens
    let guard: (Operand & { kind: 'register' }) | undefined
    if (tokens.skip('@')) {
      const negated = tokens.skip('!')
      const name = this.#registerOf(tokens.next())
      if (name === undefined) throw new Error(`PTX has a guard that is no register, near ${tokens.near()}`)
      guard = negated ? { kind: 'register', name, negated } : { kind: 'register', name }
    }
    const opcode = tokens.next()
    const operands: Operand[] = []
    while (!tokens.skip(';')) if (!tokens.skip(',')) operands.push(this.#operand())
    const place = this.#places.current
    this.body.push({ opcode, operands, ...(guard ? { guard } : {}), ...(place ? { place } : {}) })
  }

  #operand(): Operand {
    const first = this.#simple()
    return this.#tokens.skip('|') ? { kind: 'pair', first, second: this.#simple() } : first
  }

  #simple(): Operand {
    const tokens = this.#tokens
    if (tokens.skip('{')) {
      const items: Operand[] = []
      while (!tokens.skip('}')) if (!tokens.skip(',')) items.push(this.#operand())
      return { kind: 'list', items }
    }
    if (tokens.skip('[')) return this.#address()
    if (tokens.skip('!')) return { ...this.#simple(), negated: true } as Operand
    if (tokens.skip('-')) return negate(this.#simple())
    return this.#word(tokens.next())
  }

  #address(): Operand {
    const tokens = this.#tokens
    const first = this.#simple()
    let [base, offset]: [Operand | undefined, number] =
      first.kind === 'integer' ? [undefined, Number(first.value)] : [first, 0]
    while (!tokens.skip(']')) {
      tokens.skip('+')
      const more = this.#simple()
      if (more.kind === 'integer') offset += Number(more.value)
      else base = more
    }
    return { kind: 'address', base, offset }
  }

  #word(word: string): Operand {
    if (/^0[fF]/.test(word)) return { kind: 'float', value: floatOf(word.slice(2)) }
    if (/^0[dD]/.test(word)) return { kind: 'float', value: doubleOf(word.slice(2)) }
    if (/^\d/.test(word)) return { kind: 'integer', value: BigInt(word.replace(/U$/, '')) }
    const name = this.#registerOf(word)
    return name === undefined ? { kind: 'symbol', name: word } : { kind: 'register', name }
  }
}

const negate = (operand: Operand): Operand => {
  if (operand.kind !== 'integer') throw new Error('PTX has a minus before what is no integer')
  return { kind: 'integer', value: -operand.value }
}

const bits = new DataView(new ArrayBuffer(8))
function floatOf(hex: string): number {
  bits.setUint32(0, Number.parseInt(hex, 16))
  return bits.getFloat32(0)
}
function doubleOf(hex: string): number {
  bits.setBigUint64(0, BigInt(`0x${hex}`))
  return bits.getFloat64(0)
}

/** `.loc 1 768 5, function_name $L__info_string0, inlined_at 1 775 7`: the last one holds for what follows. */
class Places {
  readonly #files: ReadonlyMap<string, string>
  readonly #known = new Map<string, Place>()
  current: Place | undefined

  constructor(files: ReadonlyMap<string, string>) {
    this.#files = files
  }

  read(tokens: Tokens): void {
    tokens.expect('.loc')
    const [file, line, column] = [tokens.next(), tokens.next(), tokens.next()]
    let at: Place | undefined
    if (tokens.peek() === ',' && tokens.peek(1) === 'function_name') {
      while (tokens.next() !== 'inlined_at') {}
      at = this.#placeOf(tokens.next(), tokens.next(), tokens.next())
    }
    if (line === '0') return // nvcc knows no line: that of the instruction before is nearest
    const place = at ? { ...this.#named(file, line), inlinedAt: at } : this.#named(file, line)
    if (at) this.#known.set([file, line, column].join(), place)
    this.current = place
  }

  #named(file: string, line: string): Place {
    return { file: this.#files.get(file) ?? `file ${file}`, line: Number(line) }
  }
  #placeOf(file: string, line: string, column: string): Place {
    return this.#known.get([file, line, column].join()) ?? this.#named(file, line)
  }
}
