/** Axes whose length is computed from itself, directly or by way of other axes and of the defaults of params. */
import type { ParamDecl } from '../attention.ts'
import * as errors from '../errors.ts'
import { type Expr, nodesOf } from '../ir.ts'
import type { AxisRule } from './axes.ts'
import { type Env, isPoison, report } from './context.ts'

interface Step {
  readonly name: string
  readonly needs: string[] // those not followed yet
}

export function findLengthCycles(env: Env, params: ReadonlyMap<string, ParamDecl>): void {
  const { entries } = env.context.axes
  const stepTo = (name: string): Step => ({ name, needs: needsOf(name, entries.get(name)?.rule, params) })
  const seen = new Set<string>()
  for (const axis of entries.keys()) {
    const path = seen.has(axis) ? [] : [stepTo(axis)]
    seen.add(axis)
    for (let last = path.at(-1); last; last = path.at(-1)) {
      const next = last.needs.shift()
      if (next === undefined) path.pop()
      else if (!seen.has(next)) {
        path.push(stepTo(next))
        seen.add(next)
      } else reportCycle(env, path, next)
    }
  }
}

function reportCycle(env: Env, path: readonly Step[], back: string): void {
  const { entries } = env.context.axes
  const start = path.findIndex(({ name }) => name === back)
  if (start < 0) return
  const circle = path.slice(start).map(({ name }) => name)
  const first = circle.findIndex((name) => entries.has(name))
  const names = [...circle.slice(first), ...circle.slice(0, first)]
  const entry = entries.get(names[0] ?? '')
  if (entry?.span) {
    report(env, errors.cyclicLength(entry.span, `the length of '${entry.name}'`, [...names, entry.name]))
  }
}

/** What a length, or the default of a param, is computed from: axes by their names, params as `param n`. */
function needsOf(name: string, rule: AxisRule | undefined, params: ReadonlyMap<string, ParamDecl>): string[] {
  if (rule?.kind === 'like') return [rule.of]
  if (rule?.kind === 'fixed') return namesIn(rule.value())
  if (rule?.kind === 'part') return [...(rule.outer === name ? [rule.of] : []), ...namesIn(rule.by())]
  const value = params.get(name.replace(/^param /, ''))?.default
  return name.startsWith('param ') && value ? namesIn(value) : []
}

const namesIn = (e: Expr): string[] =>
  isPoison(e)
    ? []
    : nodesOf(e).flatMap((node) => {
        if (node.kind === 'size') return [node.axis]
        return node.kind === 'param' ? [`param ${node.name}`] : []
      })
