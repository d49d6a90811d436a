/** Phases as lines. */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelExpr, Store } from '../../compiler/kernel.ts'
import { atom, type Code, inside, join, tightness } from '../expression.ts'
import { type Define, defined, type Fold, type Item, type Running, refs } from '../nests/item.ts'
import type { Barriers } from './barriers.ts'
import type { Block } from './block.ts'
import { allOf, eachElement, eachPlace } from './elements.ts'
import { printLoop } from './loop.ts'
import { perQuad } from './mapping.ts'
import type { Phase, Step } from './phases.ts'
import { printProduct } from './product.ts'
import { ofQuad } from './quads.ts'
import {
  addressOf,
  atElement,
  bufferOf,
  countOf,
  indicesOf,
  keep,
  print,
  type Spot,
  sourceAt,
  storeAt,
  valueAt,
} from './sheet.ts'
import { wgslTypes } from './words.ts'

export function printSteps(steps: readonly Step[], spot: Spot, barriers: Barriers): void {
  for (const step of steps) {
    const waits = barriers.before.get(step)
    if (waits?.has('stored')) spot.block.line('storageBarrier();')
    if (waits?.has('shared')) spot.block.line('workgroupBarrier();')
    if (step.kind === 'loop') printLoop(step, spot, barriers)
    else printPhase(step, spot)
  }
}

function printPhase({ axes, items }: Phase, spot: Spot): void {
  const [only] = items
  if (only?.kind === 'product') return printProduct(only, axes, spot)
  if (axes.length === 0) for (const item of items) printForAll(item, spot)
  else if (spot.sheet.group.quads.has(axes.join())) printByQuads(axes, items, spot)
  else
    spot.block.scope((block) =>
      eachElement(axes, items.every(isPure), { ...spot, block }, (inner) => {
        const at = { ...inner, locals: new Map(inner.locals) }
        const seen = new Set<string>()
        for (const item of items) {
          readFirst(item, seen, at)
          printItem(item, at)
        }
      }),
    )
}

/** Folds are shared out among a quad, all else is done by the first of its invocations. */
function printByQuads(axes: readonly string[], items: readonly Item[], spot: Spot): void {
  const { joint, names } = spot.sheet
  spot.block.scope((block) =>
    eachPlace(axes, { ...spot, block }, (inner, tests) => {
      const at = { ...inner, locals: new Map(inner.locals) }
      const folded = new Map<Item, Code>()
      for (const item of items) {
        if (item.kind !== 'fold' || !joint.has(item)) continue
        const own = names.reuse(`${item.to.name}Own`, `own ${item.to.name}`)
        at.block.line(`var ${own}: ${wgslTypes[item.to.type]} = ${identity(item.op, item.to.type)};`)
        const share = (part: Block): void =>
          foldElements(own, item, { ...at, block: part }, { first: 'lane', step: perQuad })
        if (tests.length === 0) share(at.block)
        else at.block.braces(`if (${allOf(tests)})`, share)
        const name = names.reuse(item.to.name, `value ${item.to.name}`)
        at.block.line(`let ${name} = ${ofQuad(item, own).text};`)
        folded.set(item, atom(name))
      }
      at.block.braces(`if (${allOf(['lane == 0', ...tests])})`, (first) => {
        const here = { ...at, block: first }
        const seen = new Set<string>()
        for (const item of items) {
          const result = folded.get(item)
          if (result && item.kind === 'fold') settle(item.to.name, result, here)
          else {
            readFirst(item, seen, here)
            printItem(item, here)
          }
        }
      })
    }),
  )
}

/** Whether an item only makes a value of its element; folds are not, which take long. */
const isPure = ({ kind }: Item): boolean => kind === 'define' || kind === 'update' || kind === 'scale'

/**
 * Reads into names what an item takes of this element from where others see it, so that it is read once, and not in a loop of the
 * item's own. `seen`: what has been read or made before.
 */
function readFirst(item: Item, seen: Set<string>, spot: Spot): void {
  const { facts, homes, names } = spot.sheet
  const see = (one: Item): void => {
    for (const name of refs(one)) {
      const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
      if (source) see(source)
      else if (isKept(name)) read(name)
    }
  }
  const isKept = (name: string): boolean => ['tile', 'own'].includes(homes.get(name)?.kind ?? '')
  const read = (name: string): void => {
    const value = facts.values.get(name)
    if (seen.has(name) || !value?.axes.every(({ axis }) => spot.axes.get(axis)?.inner)) return
    seen.add(name)
    const local = names.reuse(`${name}Here`, `${name} here`)
    spot.block.line(`let ${local} = ${valueAt(name, spot).text};`)
    spot.locals.set(name, atom(local))
  }
  if (item.kind !== 'scale') see(item)
  const made = defined(item)
  if (made !== undefined) seen.add(made)
}

/** What every invocation does, or one for all. */
function printForAll(item: Item, spot: Spot): void {
  const { block, sheet } = spot
  if (item.kind === 'put' || item.kind === 'running')
    return block.braces('if (local == 0)', (inner) => printItem(item, { ...spot, block: inner }))
  if (item.kind === 'fold') return tell(item.to.name, item.to.type, spot, (inner) => foldInto('told', item, inner))
  if (item.kind === 'update') {
    const code = print(item.from, spot)
    if (!item.first) return block.line(`${sheet.uniforms.get(item.to.name)?.text} = ${code.text};`)
    const name = sheet.names.fresh(item.to.name)
    sheet.uniforms.set(item.to.name, atom(name))
    return block.line(`var ${name}: ${wgslTypes[item.to.type]} = ${code.text};`)
  }
  if (item.kind === 'define') return defineForAll(item, spot)
  if (item.kind === 'scale') {
    const name = sheet.uniforms.get(item.to.name)!
    block.line(`${name.text} *= ${print(item.by, spot).text};`)
  }
}

function defineForAll(item: Define, spot: Spot): void {
  const { sheet, block } = spot
  const { name, type } = item.to
  const isStored = item.from.kind === 'load' && sheet.facts.stored.has(item.from.buffer)
  if (isStored) return tell(name, type, spot, (inner) => inner.block.line(`told = ${sourceAt(item, inner).text};`))
  const local = sheet.names.fresh(name)
  block.line(`let ${local} = ${sourceAt(item, spot).text};`)
  sheet.uniforms.set(name, atom(local))
}

/** One invocation works out a number, all get it: what comes out is known to be the same in all of them. */
function tell(name: string, type: ElementType, spot: Spot, work: (inner: Spot) => void): void {
  const { sheet, block } = spot
  const local = sheet.names.fresh(name)
  const room = `${sheet.rooms.tile}_${{ f32: 'told', i32: 'toldNumber', bool: 'toldTruth' }[type]}`
  sheet.told.add(type)
  block.braces('if (local == 0)', (inner) => {
    inner.line(`var told: ${wgslTypes[type]};`)
    work({ ...spot, block: inner })
    inner.line(`${room} = told;`)
  })
  block.line(`let ${local} = workgroupUniformLoad(&${room});`)
  sheet.uniforms.set(name, atom(local))
}

export function printItem(item: Item, spot: Spot): void {
  switch (item.kind) {
    case 'define':
      return define(item.to.name, sourceAt(item, spot), spot)
    case 'fold': {
      const name = spot.sheet.names.reuse(item.to.name, `value ${item.to.name}`)
      spot.block.line(`var ${name}: ${wgslTypes[item.to.type]};`)
      foldInto(name, item, spot)
      return settle(item.to.name, atom(name), spot)
    }
    case 'running':
      return printRunning(item, spot)
    case 'scale':
      return keep(item.to.name, join('*', tightness.product, valueAt(item.to.name, spot), print(item.by, spot)), spot)
    case 'update':
      return update(item.to.name, item.from, spot)
    case 'put':
      return put(item.store, spot)
    default:
      return
  }
}

function define(name: string, code: Code, spot: Spot): void {
  const local = spot.sheet.names.reuse(name, `value ${name}`)
  spot.block.line(`let ${local} = ${code.text};`)
  settle(name, atom(local), spot)
}

/** A value that has a name at this element; it is put where later phases find it. */
function settle(name: string, local: Code, spot: Spot): void {
  spot.locals.set(name, local)
  if (spot.sheet.homes.get(name)?.kind !== 'element') keep(name, local, spot)
}

function update(name: string, from: KernelExpr, spot: Spot): void {
  keep(name, print(from, spot), spot)
  spot.locals.delete(name)
}

function identity(op: Fold['op'], type: ElementType): string {
  const real = { sum: '0.0', count: '0', max: '-infinity()', min: 'infinity()', any: 'false', all: 'true' }
  const integer = { ...real, sum: '0', max: 'i32(-2147483648)', min: '2147483647' }
  return (type === 'i32' ? integer : real)[op]
}

type Step1 = (name: string, code: Code, type: ElementType) => string
const foldSteps: Readonly<Record<Fold['op'], Step1>> = {
  sum: (name, code) => `${name} += ${code.text};`,
  count: (name, code) => (code.text === 'true' ? `${name} += 1;` : `${name} += select(0, 1, ${code.text});`),
  max: (name, code, type) => `${name} = ${type === 'i32' ? 'max' : 'largest'}(${name}, ${code.text});`,
  min: (name, code, type) => `${name} = ${type === 'i32' ? 'min' : 'smallest'}(${name}, ${code.text});`,
  any: (name, code) =>
    code.text === 'true' ? `${name} = true;` : `${name} = ${name} || ${inside(code, tightness.bits)};`,
  all: (name, code) => `${name} = ${name} && ${inside(code, tightness.bits)};`,
}

/** Sets a variable to a fold, element by element. */
function foldInto(name: string, fold: Fold, spot: Spot): void {
  spot.block.line(`${name} = ${identity(fold.op, fold.to.type)};`)
  foldElements(name, fold, spot)
}

/** Adds elements to a fold. */
function foldElements(name: string, { to, op, of, over, where }: Fold, spot: Spot, share: Share = all): void {
  along(over, 'up', spot, share, (inner) => {
    const step = foldSteps[op](name, print(of, inner), to.type)
    const condition = where === undefined ? 'true' : valueAt(where, inner).text
    if (condition === 'true') inner.block.line(step)
    else inner.block.braces(`if (${condition})`, (block) => block.line(step))
  })
}

/** Elements of an axis that are an invocation's: from which on, and how far apart. */
interface Share {
  readonly first: string
  readonly step: number
}
export const all: Share = { first: '0', step: 1 }

/** A loop of one invocation over elements of an axis; what goes down has all of them. */
export function along(
  axis: string,
  direction: 'up' | 'down',
  spot: Spot,
  { first, step }: Share,
  fill: (inner: Spot) => void,
): void {
  const name = spot.sheet.names.reuse(axis, `axis ${axis}`)
  const count = countOf(axis, spot).text
  const head =
    direction === 'up'
      ? `for (var ${name} = ${first}; ${name} < ${count}; ${step === 1 ? `${name}++` : `${name} += ${step}`})`
      : `for (var ${name} = ${count} - 1; ${name} >= 0; ${name}--)`
  spot.block.braces(head, (block) => fill(atElement({ ...spot, block }, axis, atom(name))))
}

function printRunning({ to, of, along: axis, op, direction, inclusive, mask }: Running, spot: Spot): void {
  const running = spot.sheet.names.reuse('running')
  spot.block.line(`var ${running}: ${wgslTypes[to.type]} = ${identity(op, to.type)};`)
  along(axis, direction, spot, all, (inner) => {
    const step = (): void => {
      const text = foldSteps[op](running, valueAt(of.name, inner), to.type)
      if (mask === undefined) inner.block.line(text)
      else inner.block.braces(`if (${valueAt(mask.name, inner).text})`, (block) => block.line(text))
    }
    if (inclusive) step()
    keep(to.name, atom(running), inner)
    if (!inclusive) step()
  })
}

function put({ index, buffer: to, value }: Store, spot: Spot): void {
  const { buffer, text } = bufferOf(to, spot.sheet)
  const codes = indicesOf(index, buffer).map((e) => print(e, spot))
  storeAt(buffer, text, addressOf(buffer, codes, spot.sheet), print(value, spot), spot)
}
