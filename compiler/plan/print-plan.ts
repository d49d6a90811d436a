/** A plan as text: passes, state with its update and merge, what is finished from it, and why anything is not streamed. */
import type { ResultDecl } from '../attention.ts'
import type { Expr } from '../ir.ts'
import { printExpr } from '../print-ir.ts'
import type {
  Accumulator,
  MaterialisedPlan,
  Part,
  Pass,
  Plan,
  Reference,
  RoundsPlan,
  Running,
  StreamPlan,
} from './plan.ts'

export function printPlan(plan: Plan): string {
  return `plan ${plan.attention.name}\n${plan.parts.map(printPart).join('\n')}\n`
}

function printPart(part: Part): string {
  switch (part.kind) {
    case 'stream':
      return printStream(part)
    case 'vector':
      return `  element by element: ${namesOf(part.results)}`
    case 'rounds':
      return printRounds(part)
    case 'materialised':
      return printMaterialised(part)
  }
}
function printRounds(part: RoundsPlan): string {
  const inner = part.parts.map((p) => printPart(p).replaceAll('\n', '\n  '))
  const become = part.become.map(({ to, from }) => `    ${to.name} becomes ${from.name}`)
  return [`  rounds ${printExpr(part.count)}`, ...inner.map((text) => `  ${text}`), ...become].join('\n')
}

function printStream(part: StreamPlan): string {
  const streams = [...new Set(part.passes.map((pass) => pass.stream))]
  const head = `  stream over ${streams.join(' and ')}, rows of ${part.row}, ${count(part.passes.length, 'pass', 'passes')}`
  const passes = part.passes.map((pass, k) => printPass(pass, k + 1))
  const finish = part.results.map(
    ({ result, finish }) => `    ${result.name}[${result.axes.join(', ')}] =${below(finish, 6)}`,
  )
  return [head, ...passes, '  finish', ...finish].join('\n')
}

function printPass(pass: Pass, number: number): string {
  const { stream } = pass
  const domain = pass.domain ? ` where${below(pass.domain, 6)}` : ''
  const lines = [
    ...pass.running.map((r) => printRunning(r, pass)),
    ...pass.references.flatMap(printReference),
    ...pass.accumulators.map((a) => printAccumulator(a, stream)),
  ]
  return [
    `  pass ${number}, over ${stream}${pass.direction === 'up' ? '' : ' from the end'}${domain}`,
    ...lines.map((line) => `    ${line}`),
  ].join('\n')
}

/** An element is final when its tile has gone by. */
function printRunning(r: Running, { direction, stream }: Pass): string {
  const which = `${r.inclusive ? '' : 'exclusive '}running ${r.op}[${stream}]`
  return `${r.elementId} = ${which}${direction === 'up' ? '' : ' from the end'} of${below(r.of, 6)}; ${r.id} over all`
}

/** `x0` is what the reference `r0` is of, `y0` an element relative to it. */
function printReference(r: Reference): readonly string[] {
  const x = r.id.replace('r', 'x')
  const kinds = {
    max: `running max of ${x}`,
    min: `running min of ${x}`,
    largest: `running max of |${x}|`,
    mean: `near the mean of ${x}`,
  }
  const difference = r.kind === 'largest' ? `${x} / ${r.id}` : `${x} - ${r.id}`
  return [`${x} =${below(r.of, 6)}`, `${r.id} = ${kinds[r.kind]}; ${r.differenceId} = ${difference}`]
}

function printAccumulator(a: Accumulator, stream: string): string {
  const moves = a.degrees.flatMap((d) => [
    ...(d.rate !== 0 ? [`times exp(${d.rate === 1 ? '' : `${d.rate} `}D)`] : []),
    ...(d.moment > 0 ? [`moment ${d.moment} over ${d.lower.join(', ')}`] : []),
    ...(d.isAt ? ['kept while r stays'] : []),
    ...(d.power !== 0 ? [`times (r / r') ^ ${d.power}`] : []),
  ])
  const merge = a.op === 'max' || a.op === 'min' ? a.op : a.op === 'any' ? 'or' : a.op === 'all' ? 'and' : 'add'
  const body = printExpr(a.body)
  const of = body.includes('\n') ? `${a.op} over ${stream} of${below(a.body, 6)}` : `${a.op}[${stream}](${body})`
  return `${a.id} = ${of}; merge: ${[...moves, merge].join(', ')}`
}

const printMaterialised = (part: MaterialisedPlan): string => {
  const at = part.reason.at ? `:${below(part.reason.at, 6)}` : ''
  return `  materialised: ${namesOf(part.results)}\n    because ${part.reason.why}${at}`
}

/** An expression after a space; one with named parts stands on lines of its own. */
function below(e: Expr, indent: number): string {
  const text = printExpr(e)
  const margin = `\n${' '.repeat(indent)}`
  return text.includes('\n') ? margin + text.replaceAll('\n', margin) : ` ${text}`
}

const namesOf = (results: readonly ResultDecl[]): string => results.map((r) => r.name).join(', ')
const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`
