/** A program as text for `--emit kernel`: every statement on a line, in the words of `kernel.ts`. */
import { unreachable } from './invariant.ts'
import type {
  Carried,
  GridAxis,
  Kernel,
  KernelExpr,
  Load,
  Loop,
  Program,
  Statement,
  Step,
  Store,
  Value,
  ValueAxis,
} from './kernel.ts'
import type { Op } from './ops.ts'

export function printProgram(program: Program): string {
  const { name, doc, sizes, params, buffers, axes, steps } = program
  const lines = [
    ...doc.map((line) => `// ${line.replace(/[\r\n\u2028\u2029]+/g, ' ')}`.trimEnd()),
    `program ${name}`,
    ...axes.map(
      ({ name: axis, length }) =>
        `  axis ${axis}: ${sizes[axis] ?? ('of' in length ? `${length.kind} ${length.of}` : length.kind)}`,
    ),
    ...params.map(({ name: param, type, time }) => `  param ${param}: ${type}${time === 'compile' ? ', fixed' : ''}`),
    ...buffers.map((b) => `  ${b.role} ${b.name}[${b.axes.join(', ')}]: ${b.storage}`),
    ...steps.flatMap((step) => ['', ...printStep(step)]),
  ]
  return `${lines.join('\n')}\n`
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => (line === '' ? '' : `  ${line}`))

function printStep(step: Step): readonly string[] {
  if (step.kind === 'kernel') return printKernel(step)
  return [
    `rounds ${printKernelExpr(step.count)}`,
    ...indented(step.steps.flatMap(printStep)),
    ...indented(step.become.map(({ to, from }) => `${to} becomes ${from}`)),
  ]
}

export function printKernel({ name, doc, grid, body }: Kernel): readonly string[] {
  const heading = `kernel ${name} over ${grid.map(printGridAxis).join(', ') || 'one block'}`
  return [`// ${doc}`, heading, ...indented(body.flatMap(printStatement))]
}

const printGridAxis = ({ axis, tile }: GridAxis): string => (tile === undefined ? axis : `tiles(${axis}, ${tile})`)

/** `whole` axes are marked, since they are resident. */
const printAxis = ({ axis, extent }: ValueAxis): string => (extent === 'whole' ? `${axis}:` : axis)
const printValue = ({ name, type, axes }: Value): string =>
  `${name}: ${type}${axes.length > 0 ? `[${axes.map(printAxis).join(', ')}]` : ''}`
const where = (name: string | undefined): string => (name === undefined ? '' : ` where ${name}`)

export function printStatement(s: Statement): readonly string[] {
  switch (s.kind) {
    case 'load':
      return [
        `${printValue(s.to)} = load ${s.buffer}${printIndex(s)}${s.outside === 'never' ? '' : ` outside ${s.outside}`}`,
      ]
    case 'map':
      return [`${printValue(s.to)} = ${printKernelExpr(s.expr)}`]
    case 'mask':
      return [`${printValue(s.to)} = mask ${printKernelExpr(s.expr)}${s.full === undefined ? '' : ` unless ${s.full}`}`]
    case 'contract':
      return [`${printValue(s.to)} = contract ${s.left} * ${s.right} over ${s.over}${where(s.where)}`]
    case 'reduce':
      return [
        `${printValue(s.to)} = ${s.loose ? 'loose ' : ''}${s.op} over ${s.over} of ${printKernelExpr(s.of)}${where(s.where)}`,
      ]
    case 'prefix':
      return [
        `${printValue(s.to)} = ${s.inclusive ? '' : 'exclusive '}running ${s.op}${s.direction === 'up' ? '' : ' from the end'} along ${s.along} of ${s.of}${where(s.where)}`,
      ]
    case 'store':
      return [
        `store ${s.buffer}${printIndex(s)} = ${printKernelExpr(s.value)} over [${s.axes.map(printAxis).join(', ')}]`,
      ]
    case 'loop':
      return printLoop(s)
    default:
      return unreachable(s)
  }
}

const printIndex = ({ index }: Load | Store): string =>
  `[${Object.entries(index)
    .map(([axis, e]) => `${axis}: ${printKernelExpr(e)}`)
    .join(', ')}]`

function printLoop({ over, carried, body }: Loop): readonly string[] {
  const head = over.kind === 'tiles' ? over.head.flatMap(printStatement) : []
  const skip = over.kind === 'tiles' && over.skip !== undefined ? [`skip if ${over.skip}`] : []
  return [
    `for ${printOver(over)}`,
    ...indented([
      ...carried.map(({ value, initial }) => `carry ${printValue(value)} from ${printKernelExpr(initial)}`),
      ...head,
      ...skip,
      ...body.flatMap(printStatement),
      ...carried.map(({ value, next }: Carried) => `next ${value.name} = ${next}`),
    ]),
  ]
}

function printOver(over: Loop['over']): string {
  if (over.kind === 'rounds') return `rounds ${printKernelExpr(over.count)}`
  if (over.kind === 'members') return `members ${over.axis}${over.direction === 'down' ? ' down' : ''}`
  const [from, to] = [over.from, over.to].map((e) => (e ? printKernelExpr(e) : ''))
  return `tiles(${over.axis}, ${over.tile})${from || to ? ` in [${from}, ${to})` : ''}${over.direction === 'down' ? ' down' : ''}`
}

const infix: Partial<Record<Op, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  lt: '<',
  le: '<=',
  eq: '==',
  ne: '!=',
  and: 'and',
  or: 'or',
}

export function printKernelExpr(e: KernelExpr, inner = false): string {
  switch (e.kind) {
    case 'const':
      return `${Object.is(e.value, -0) ? '-0' : e.value}${e.type === 'f32' && Number.isInteger(e.value) ? '.0' : ''}`
    case 'value':
      return e.name
    case 'index':
      return e.of === 'element' ? `@${e.axis}` : `${e.of}(@${e.axis})`
    case 'size':
      return `size(${e.axis})`
    case 'param':
      return `$${e.name}`
    case 'call': {
      const sign = infix[e.op]
      if (!sign) return `${e.op}(${e.args.map((arg) => printKernelExpr(arg)).join(', ')})`
      const text = e.args.map((arg) => printKernelExpr(arg, true)).join(` ${sign} `)
      return inner ? `(${text})` : text
    }
    default:
      return unreachable(e)
  }
}
