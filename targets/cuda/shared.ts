/**
 * The distribution that fits any kernel: the elements of what a loop nest makes are dealt out to the threads of a block, tiles lie in
 * memory that they share, and the block waits for all of its threads before what was made is read.
 */
import type { Value } from '../../compiler/kernel.ts'
import { atom, type Code, inside, join, tightness } from '../expression.ts'
import { defined, type Item, type Product, type Running } from '../nests/item.ts'
import type { LoopNode, Nest, Node } from '../nests/nest.ts'
import { printLoop } from './loop.ts'
import { begin, cudaTypes, foldStep, identity, inForms, openAxis, printItem, printNodes } from './print.ts'
import { countOf, extentOf, inLoop, keep, type Sheet, type Spot, valueAt } from './spot.ts'

const sync = '__syncthreads();'

/** What a block does, node after node. */
export function printBlock(nodes: readonly Node[], spot: Spot): void {
  for (const node of nodes) {
    if (node.kind === 'loop') printBlockLoop(node, spot)
    else if (node.kind === 'nest') printShared(node, spot)
    else printLine(node.item, spot)
  }
}

const printBlockLoop = (node: LoopNode, spot: Spot): void => printLoop(node, spot, printBlock)

/** What has no axis, every thread works out for itself; it is written once. */
function printLine(item: Item, spot: Spot): void {
  if (item.kind === 'product') return printProduct(item, spot)
  if (item.kind === 'running') return printRunning(item, spot)
  if (item.kind === 'put') {
    spot.block.braces('if (threadIdx.x == 0)', (block) => printItem(item, { ...spot, block }))
    return spot.block.line(sync)
  }
  if (item.kind === 'update' && spot.sheet.arrays.has(item.to.name)) {
    const at = (inner: Spot): void => printItem(item, inner)
    return printDealt(
      item.to.axes.map(({ axis }) => axis),
      spot,
      at,
    )
  }
  printItem(item, spot)
  if (readsOwnStores(item, spot)) spot.block.line(sync)
}

const readsOwnStores = (item: Item, { sheet: { facts } }: Spot): boolean =>
  item.kind === 'define' && item.from.kind === 'load' && facts.stored.has(item.from.buffer)

/** A loop nest: what it folds as a whole, one thread folds for all. */
function printShared(nest: Nest, spot: Spot): void {
  if (nest.folds.length > 0) return printFolded(nest, spot)
  const { axes, nests, nodes } = perfect(nest)
  inForms(nests.at(-1)!, spot, (at) =>
    dealOut(axes, nests, at, (inner) => {
      declareOwn(nodes, inner)
      printNodes(nodes, inner)
    }),
  )
  spot.block.line(sync)
}

/** Loops that stand alone in each other, as one. */
function perfect(nest: Nest): { axes: readonly string[]; nests: readonly Nest[]; nodes: readonly Node[] } {
  const [only, ...others] = nest.nodes
  if (only?.kind !== 'nest' || others.length > 0 || only.folds.length > 0)
    return { axes: [nest.axis], nests: [nest], nodes: nest.nodes }
  const inner = perfect(only)
  return { axes: [nest.axis, ...inner.axes], nests: [nest, ...inner.nests], nodes: inner.nodes }
}

/** Deals the places of these axes out to the threads. */
function dealOut(axes: readonly string[], nests: readonly object[], spot: Spot, fill: (inner: Spot) => void): void {
  const { names } = spot.sheet
  const counts = axes.map((axis) => countOf(axis, spot))
  const total = counts.reduce((a, b) => join('*', tightness.product, a, b))
  const [axis] = axes
  const place = axes.length === 1 ? names.reuse(axis!) : names.reuse('place')
  spot.block.braces(
    `for (int32_t ${place} = int32_t(threadIdx.x); ${place} < ${total.text}; ${place} += int32_t(blockDim.x))`,
    (block) => {
      let at: Spot = { ...spot, block }
      axes.forEach((one, n) => {
        const index = axes.length === 1 ? place : names.reuse(one)
        if (axes.length > 1) block.line(`const int32_t ${index} = ${digit(place, counts, n)};`)
        at = inLoop(at, nests[n] ?? {}, one, block, atom(index))
      })
      fill(at)
    },
  )
}

/** The index along the axis `n` of a place counted over all of them, the last axis running fastest. */
function digit(place: string, counts: readonly Code[], n: number): string {
  const below = counts.slice(n + 1).map((count) => inside(count, tightness.prefix))
  const left = below.length === 0 ? place : `${place} / ${below.length > 1 ? `(${below.join(' * ')})` : below[0]}`
  return n === 0 ? left : `${left} % ${inside(counts[n]!, tightness.prefix)}`
}

/** Arrays that a thread needs for itself, since what it makes of them lies within one round of its loop. */
function declareOwn(nodes: readonly Node[], { sheet, block }: Spot): void {
  for (const name of namesIn(nodes)) {
    const array = sheet.arrays.get(name)
    if (!array?.own) continue
    const size = array.axes.reduce((product, axis) => product * extentOf(axis, sheet), 1)
    block.line(`${cudaTypes[sheet.facts.values.get(name)!.type]} ${array.name}[${size}];`)
  }
}

const namesIn = (nodes: readonly Node[]): readonly string[] =>
  nodes.flatMap((node): readonly string[] => {
    if (node.kind === 'line') return [defined(node.item) ?? []].flat()
    if (node.kind === 'nest') return [...node.folds.map(({ to }) => to.name), ...namesIn(node.nodes)]
    return []
  })

/** Arrays within one round of a dealt-out loop: those that lack one of its axes. */
export function ownArrays(nodes: readonly Node[], sheet: Pick<Sheet, 'facts' | 'places'>): ReadonlySet<string> {
  const own = new Set<string>()
  const see = (list: readonly Node[]): void => {
    for (const node of list) {
      if (node.kind === 'loop') for (const inner of [node.head, node.body]) see(inner)
      if (node.kind !== 'nest' || node.folds.length > 0) continue
      const { axes, nodes: within } = perfect(node)
      for (const name of namesIn(within)) {
        const stored = sheet.places.get(name)?.stored?.map(({ axis }) => axis)
        if (stored && axes.some((axis) => !stored.includes(axis))) own.add(name)
      }
    }
  }
  see(nodes)
  return own
}

/** A fold over the axis that would be dealt out: every thread folds all of it for itself, and one keeps what is kept. */
function printFolded(nest: Nest, spot: Spot): void {
  for (const fold of nest.folds) begin(fold, spot)
  const alone = { ...spot, writesAlone: true }
  inForms(nest, alone, (at) => openAxis(nest.axis, nest, at, (inner) => printNodes(nest.nodes, inner)))
  const kept = namesIn([nest]).filter((name) => spot.sheet.arrays.has(name))
  for (const { to } of nest.folds) if (kept.includes(to.name)) keep(to.name, spot.sheet.locals.get(to.name)!, alone)
  if (kept.length > 0 || hasPut(nest)) spot.block.line(sync)
}

const hasPut = (node: Node): boolean =>
  node.kind === 'line' ? node.item.kind === 'put' : node.kind === 'nest' && node.nodes.some(hasPut)

/** A product of tiles: each thread sums one element after another. */
function printProduct(item: Product, spot: Spot): void {
  const { to, left, right, over, fresh, weighted } = item
  const of = (value: Value): string => `${value.name}[${axesOf(value).join(', ')}]`
  spot.block.line(`// ${of(to)} ${fresh ? '=' : '+='} the sum over ${over} of ${of(left)} * ${of(right)}`)
  printDealt(axesOf(to), spot, (at) => {
    const sum = at.sheet.names.reuse('sum')
    at.block.line(`float ${sum} = ${fresh ? '0.0f' : valueAt(to.name, at).text};`)
    openAxis(over, {}, at, (inner) => {
      const [a, b] = [valueAt(left.name, inner), valueAt(right.name, inner)]
      const step = `${sum} = num::fuse(${a.text}, ${b.text}, ${sum});`
      inner.block.line(weighted ? `if (${a.text} != 0.0f) ${step}` : step)
    })
    keep(to.name, atom(sum), at)
  })
}

/** A running sum or maximum: each thread walks one row after another. */
function printRunning(item: Running, spot: Spot): void {
  const { to, of, along, op, direction, inclusive, mask } = item
  printDealt(
    axesOf(to).filter((axis) => axis !== along),
    spot,
    (at) => {
      const { names } = at.sheet
      const [running, name] = [names.reuse('running'), names.reuse(along)]
      const count = countOf(along, at).text
      const first = op === 'sum' ? (to.type === 'i32' ? '0' : '0.0f') : identity('max', to.type)
      at.block.line(`${cudaTypes[to.type]} ${running} = ${first};`)
      const up = `for (int32_t ${name} = 0; ${name} < ${count}; ++${name})`
      const down = `for (int32_t ${name} = ${count} - 1; ${name} >= 0; --${name})`
      at.block.braces(direction === 'up' ? up : down, (block) => {
        const inner = inLoop(at, {}, along, block, atom(name))
        const step = foldStep(op, running, valueAt(of.name, inner), to.type)
        const take = (): void => block.line(mask ? `if (${valueAt(mask.name, inner).text}) ${step}` : step)
        if (inclusive) take()
        keep(to.name, atom(running), inner)
        if (!inclusive) take()
      })
    },
  )
}

const axesOf = (value: Value): readonly string[] => value.axes.map(({ axis }) => axis)

/** Deals out the places of these axes, or has one thread do it where there are none, and waits for all. */
function printDealt(axes: readonly string[], spot: Spot, fill: (at: Spot) => void): void {
  if (axes.length > 0) dealOut(axes, [], spot, fill)
  else spot.block.braces('if (threadIdx.x == 0)', (block) => fill({ ...spot, block }))
  spot.block.line(sync)
}
