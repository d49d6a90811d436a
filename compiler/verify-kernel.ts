/** Faults that no pass may leave in a program: names, axes, types and places of `kernel.ts`. */
import type { ElementType } from './ir.ts'
import type { Kernel, KernelCall, KernelExpr, Load, Loop, Program, Statement, Step, Store, Value } from './kernel.ts'
import { isComparison, isLogic, ops, resultType } from './ops.ts'

/** Each fault in one line; none if the program is well formed. */
export function verifyProgram(program: Program): readonly string[] {
  const faults: string[] = []
  const names = [...program.buffers, ...program.params].map(({ name }) => name)
  for (const name of duplicates(names)) faults.push(`${program.name}: two buffers or params are named ${name}`)
  for (const { name, axes } of program.buffers) {
    for (const axis of axes) if (!isAxis(axis, program)) faults.push(`buffer ${name}: no axis ${axis}`)
    for (const axis of duplicates(axes)) faults.push(`buffer ${name}: axis ${axis} twice`)
  }
  for (const step of program.steps) verifyStep(step, program, faults)
  return faults
}

const duplicates = (names: readonly string[]): readonly string[] => names.filter((name, n) => names.indexOf(name) !== n)
const isAxis = (axis: string, program: Program): boolean => program.axes.some(({ name }) => name === axis)

function verifyStep(step: Step, program: Program, faults: string[]): void {
  if (step.kind === 'kernel') return new Verifier(step, program, faults).run()
  for (const { to, from } of step.become) {
    const [a, b] = [to, from].map((name) => program.buffers.find((buffer) => buffer.name === name))
    if (!a || !b || a.storage !== b.storage || a.axes.join() !== b.axes.join()) {
      faults.push(`${to} cannot become ${from}: they differ in axes or type`)
    }
    if (a?.role === 'input') faults.push(`input ${to} is overwritten`)
  }
  for (const inner of step.steps) verifyStep(inner, program, faults)
}

type Extent = 'single' | 'tile' | 'whole'

/** Walks one kernel with the values and axes in scope. */
class Verifier {
  readonly #kernel: Kernel
  readonly #program: Program
  readonly #faults: string[]
  readonly #defined = new Set<string>()

  constructor(kernel: Kernel, program: Program, faults: string[]) {
    this.#kernel = kernel
    this.#program = program
    this.#faults = faults
  }

  run(): void {
    const axes = new Map<string, Extent>()
    for (const { axis, tile } of this.#kernel.grid) {
      if (!isAxis(axis, this.#program)) this.#fault(`no axis ${axis} for the grid`)
      if (axes.has(axis)) this.#fault(`axis ${axis} is twice in the grid`)
      if (tile !== undefined && !(Number.isInteger(tile) && tile > 0)) this.#fault(`a tile of ${tile} along ${axis}`)
      axes.set(axis, tile === undefined ? 'single' : 'tile')
    }
    this.#list(this.#kernel.body, { values: new Map(), axes })
  }

  #fault(text: string): void {
    this.#faults.push(`${this.#program.name}.${this.#kernel.name}: ${text}`)
  }

  #list(body: readonly Statement[], scope: Scope): void {
    for (const statement of body) {
      this.#statement(statement, scope)
      if ('to' in statement) this.#define(statement.to, scope)
    }
  }

  #define(value: Value, scope: Scope): void {
    if (this.#defined.has(value.name)) this.#fault(`${value.name} is defined twice`)
    this.#defined.add(value.name)
    scope.values.set(value.name, value)
    for (const axis of duplicates(value.axes.map((a) => a.axis))) this.#fault(`${value.name} has axis ${axis} twice`)
    for (const { axis, extent } of value.axes) {
      const open = scope.axes.get(axis)
      if (extent === 'tile' && open !== 'tile')
        this.#fault(`${value.name} varies over a tile of ${axis}, which is not open`)
      if (extent === 'whole' && open) this.#fault(`${value.name} has all of ${axis}, which is walked here`)
      if (extent === 'whole' && this.#program.sizes[axis] === undefined)
        this.#fault(`${value.name} has all of ${axis}, whose length is not fixed`)
    }
  }

  #statement(s: Statement, scope: Scope): void {
    const over = 'to' in s ? s.to.axes.map((a) => a.axis) : []
    const [name, type] = 'to' in s ? [s.to.name, s.to.type] : ['', undefined]
    if (s.kind === 'load') return this.#load(s, over, scope)
    if (s.kind === 'map') return this.#typed(name, s.expr, type, over, scope)
    if (s.kind === 'mask') {
      if (s.full !== undefined) this.#uniform(s.full, 'bool', `${name}'s full`, scope)
      return this.#typed(name, s.expr, 'bool', over, scope)
    }
    if (s.kind === 'contract') return this.#contract(s, over, scope)
    if (s.kind === 'reduce') {
      if (over.includes(s.over)) this.#fault(`${name} keeps the axis ${s.over} that it folds`)
      this.#where(name, s.where, [...over, s.over], scope)
      const operand = s.op === 'any' || s.op === 'all' || s.op === 'count' ? 'bool' : type
      return this.#typed(name, s.of, operand, [...over, s.over], scope)
    }
    if (s.kind === 'prefix') return this.#prefix(s, over, scope)
    if (s.kind === 'store') return this.#store(s, scope)
    this.#loop(s, scope)
  }

  #load(s: Load, over: readonly string[], scope: Scope): void {
    const buffer = this.#program.buffers.find(({ name }) => name === s.buffer)
    if (!buffer) return this.#fault(`${s.to.name} reads ${s.buffer}, which is no buffer`)
    const { storage } = buffer
    const type = storage === 'bool' || storage === 'i32' ? storage : 'f32'
    if (s.to.type !== type) this.#fault(`${s.to.name} is ${s.to.type}, but ${s.buffer} holds ${type}`)
    this.#index(s, buffer.axes, over, scope)
  }

  #store(s: Store, scope: Scope): void {
    const buffer = this.#program.buffers.find(({ name }) => name === s.buffer)
    if (!buffer) return this.#fault(`${s.buffer} is stored to, which is no buffer`)
    if (buffer.role === 'input') this.#fault(`input ${s.buffer} is stored to`)
    const over = s.axes.map((a) => a.axis)
    const type = buffer.storage === 'bool' || buffer.storage === 'i32' ? buffer.storage : 'f32'
    this.#typed(`store ${s.buffer}`, s.value, type, over, scope)
    this.#index(s, buffer.axes, over, scope)
  }

  #index(s: Load | Store, axes: readonly string[], over: readonly string[], scope: Scope): void {
    if (Object.keys(s.index).toSorted().join() !== axes.toSorted().join())
      this.#fault(`${s.buffer} needs an index for each of ${axes}`)
    for (const e of Object.values(s.index)) this.#typed(`an index of ${s.buffer}`, e, 'i32', over, scope)
  }

  #contract(s: Extract<Statement, { kind: 'contract' }>, over: readonly string[], scope: Scope): void {
    const operands = [s.left, s.right].map((name) => this.#value(name, s.to.name, scope))
    const axes = operands.flatMap((value) => value?.axes.map((a) => a.axis) ?? [])
    for (const value of operands) {
      if (value && value.type !== 'f32') this.#fault(`${s.to.name} multiplies ${value.name}, which is ${value.type}`)
      if (value && !value.axes.some((a) => a.axis === s.over))
        this.#fault(`${value.name} has no axis ${s.over} to be contracted`)
    }
    for (const axis of axes) if (axis !== s.over && !over.includes(axis)) this.#fault(`${s.to.name} loses axis ${axis}`)
    const masked = scope.values.get(s.where ?? '')?.axes.map((a) => a.axis) ?? []
    for (const axis of over)
      if (![...axes, ...masked].includes(axis) || axis === s.over)
        this.#fault(`${s.to.name} has axis ${axis} from nowhere`)
    this.#where(s.to.name, s.where, [...over, s.over], scope)
  }

  #prefix(s: Extract<Statement, { kind: 'prefix' }>, over: readonly string[], scope: Scope): void {
    const of = this.#value(s.of, s.to.name, scope)
    if (!over.includes(s.along)) this.#fault(`${s.to.name} does not keep the axis ${s.along} that it runs along`)
    if (of && of.type !== s.to.type) this.#fault(`${s.to.name} is ${s.to.type}, but runs over ${of.type}`)
    for (const { axis } of of?.axes ?? []) if (!over.includes(axis)) this.#fault(`${s.to.name} loses axis ${axis}`)
    this.#where(s.to.name, s.where, over, scope)
  }

  #where(name: string, mask: string | undefined, over: readonly string[], scope: Scope): void {
    const value = mask === undefined ? undefined : this.#value(mask, name, scope)
    if (value && value.type !== 'bool') this.#fault(`${name} is masked by ${mask}, which is ${value.type}`)
    for (const { axis } of value?.axes ?? [])
      if (!over.includes(axis)) this.#fault(`${name} is masked over ${axis}, which it does not walk`)
  }

  #loop(s: Loop, scope: Scope): void {
    for (const { value, initial } of s.carried) {
      this.#typed(
        `${value.name} before the loop`,
        initial,
        value.type,
        value.axes.map((a) => a.axis),
        scope,
      )
    }
    const inner: Scope = { values: new Map(scope.values), axes: new Map(scope.axes) }
    const { over } = s
    if (over.kind !== 'rounds') {
      if (scope.axes.has(over.axis)) this.#fault(`a loop over ${over.axis} inside of another`)
      inner.axes.set(over.axis, over.kind === 'tiles' ? 'tile' : 'single')
    }
    const bounds = over.kind === 'rounds' ? [over.count] : over.kind === 'tiles' ? [over.from, over.to] : []
    for (const bound of bounds) if (bound) this.#typed('the bounds of a loop', bound, 'i32', [], scope)
    for (const { value } of s.carried) {
      this.#define(value, scope)
      inner.values.set(value.name, value)
    }
    if (over.kind === 'tiles') this.#list(over.head, inner)
    if (over.kind === 'tiles' && over.skip !== undefined) this.#uniform(over.skip, 'bool', 'skip', inner)
    this.#list(s.body, inner)
    for (const { value, next } of s.carried) {
      const found = inner.values.get(next)
      if (!found) this.#fault(`${value.name} is carried on as ${next}, which the loop does not define`)
      else if (found.type !== value.type || axesOf(found) !== axesOf(value))
        this.#fault(`${value.name} and ${next}, as which it is carried on, differ in axes or type`)
    }
  }

  #uniform(name: string, type: ElementType, what: string, scope: Scope): void {
    const value = this.#value(name, what, scope)
    if (value && (value.type !== type || value.axes.length > 0))
      this.#fault(`${what} is ${name}, which is not a uniform ${type}`)
  }

  #value(name: string, by: string, scope: Scope): Value | undefined {
    const value = scope.values.get(name)
    if (!value) this.#fault(`${by} reads ${name}, which is not defined here`)
    return value
  }

  #typed(by: string, e: KernelExpr, type: ElementType | undefined, over: readonly string[], scope: Scope): void {
    if (type && e.type !== type) this.#fault(`${by} is ${type}, but its expression ${e.type}`)
    this.#expr(by, e, over, scope)
  }

  #expr(by: string, e: KernelExpr, over: readonly string[], scope: Scope): void {
    if (e.kind === 'value') {
      const value = this.#value(e.name, by, scope)
      if (value && value.type !== e.type) this.#fault(`${by} reads ${e.name} as ${e.type}, but it is ${value.type}`)
      for (const { axis } of value?.axes ?? [])
        if (!over.includes(axis)) this.#fault(`${by} reads ${e.name}, which varies over ${axis}`)
    } else if (e.kind === 'index') {
      const open = scope.axes.get(e.axis)
      if (e.of !== 'element' && !open) this.#fault(`${by} asks for the tile of ${e.axis}, which is not open`)
      if (e.of === 'element' && open !== 'single' && !over.includes(e.axis))
        this.#fault(`${by} asks for an index of ${e.axis}, which it does not walk`)
    } else if (e.kind === 'size') {
      if (!isAxis(e.axis, this.#program)) this.#fault(`${by} asks for the length of ${e.axis}, which is no axis`)
    } else if (e.kind === 'param') {
      const param = this.#program.params.find(({ name }) => name === e.name)
      if (param?.type !== e.type) this.#fault(`${by} reads ${e.name}, which is no ${e.type} param`)
    } else if (e.kind === 'call') {
      for (const fault of callFaults(e)) this.#fault(`${by}: ${fault}`)
      for (const arg of e.args) this.#expr(by, arg, over, scope)
    }
  }
}

interface Scope {
  readonly values: Map<string, Value>
  readonly axes: Map<string, Extent>
}

const axesOf = ({ axes }: Value): string =>
  axes
    .map(({ axis, extent }) => `${axis} ${extent}`)
    .toSorted()
    .join()

function callFaults({ op, args, type }: KernelCall): readonly string[] {
  const types = args.map((arg) => arg.type)
  if (args.length !== ops[op]) return [`${op} has ${args.length} operands`]
  if (type !== resultType(op, types)) return [`${op} of ${types} is not ${type}`]
  const [a, b, c] = types
  if (isLogic(op) && types.some((t) => t !== 'bool')) return [`${op} of ${types}`]
  if (isComparison(op) && a !== b) return [`${op} of ${types}`]
  if (op === 'select' && (a !== 'bool' || b !== c)) return [`select of ${types}`]
  return []
}
