/** A plan as text: passes, state with its update and merge, what is finished from it, and why anything is not streamed. */
import { printExpr } from '../print-ir.ts'
import type { Accumulator, MaterialisedPlan, Pass, Plan, Reference, StreamPlan } from './plan.ts'

export function printPlan(plan: Plan): string {
  const parts = plan.parts.map((part) => (part.kind === 'stream' ? printStream(part) : printMaterialised(part)))
  return `plan ${plan.attention.name}\n${parts.join('\n')}\n`
}

function printStream(part: StreamPlan): string {
  const head = `  stream over ${part.stream}, rows of ${part.row}, ${count(part.passes.length, 'pass', 'passes')}`
  const passes = part.passes.map((pass, k) => printPass(pass, k + 1, part.stream))
  const finish = part.results.map(
    ({ result, finish }) =>
      `    ${result.name}[${result.axes.join(', ')}] = ${printExpr(finish).replaceAll('\n', '\n      ')}`,
  )
  return [head, ...passes, '  finish', ...finish].join('\n')
}

function printPass(pass: Pass, number: number, stream: string): string {
  const domain = pass.domain ? ` where ${printExpr(pass.domain)}` : ''
  const lines = [...pass.references.map(printReference), ...pass.accumulators.map((a) => printAccumulator(a, stream))]
  return [`  pass ${number}, over ${stream}${domain}`, ...lines.map((line) => `    ${line}`)].join('\n')
}

function printReference(r: Reference): string {
  const of = printExpr(r.of)
  const kinds = {
    max: `running max of ${of}`,
    min: `running min of ${of}`,
    largest: `running max of |${of}|`,
    mean: `near the mean of ${of}`,
  }
  const difference = r.kind === 'largest' ? `${of} / ${r.id}` : `${of} - ${r.id}`
  return `${r.id} = ${kinds[r.kind]}; ${r.differenceId} = ${difference}`
}

function printAccumulator(a: Accumulator, stream: string): string {
  const moves = a.degrees.flatMap((d) => [
    ...(d.rate !== 0 ? [`times exp(${d.rate === 1 ? '' : `${d.rate} `}D)`] : []),
    ...(d.moment > 0 ? [`moment ${d.moment} over ${d.lower.join(', ')}`] : []),
    ...(d.power !== 0 ? [`times (r / r') ^ ${d.power}`] : []),
  ])
  const merge = a.op === 'max' || a.op === 'min' ? a.op : a.op === 'any' ? 'or' : a.op === 'all' ? 'and' : 'add'
  return `${a.id} = ${a.op}[${stream}](${printExpr(a.body)}); merge: ${[...moves, merge].join(', ')}`
}

const printMaterialised = (part: MaterialisedPlan): string => {
  const at = part.reason.at ? `: ${printExpr(part.reason.at)}` : ''
  return `  materialised: ${part.results.map((r) => r.name).join(', ')}\n    because ${part.reason.why}${at}`
}

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`
