/** Counts of work as text. */
import type { Operations } from './count-operations.ts'
import { columns, listed, pageWidth, wrap } from './layout.ts'
import type { PassWork, Work } from './work.ts'

/** @param width  in columns */
export function printWork(w: Work, width = pageWidth - 2): readonly string[] {
  const lengths = Object.entries(w.sizes).map(([axis, n]) => `${axis} = ${n}`)
  const scaled =
    w.scaled.length > 0 ? ` (${listed(w.scaled)} ${w.isChecked ? 'longer than in the check line' : 'chosen'})` : ''
  const memory = w.workspace.reduce((sum, b) => sum + b.bytes, 0)
  const dense = w.denseFlops === w.flops ? '' : `; ${amount(w.denseFlops)} if no tile were skipped`
  const names = w.workspace.length === 0 ? '' : `: ${listed(w.workspace.map(({ name }) => name))}`
  return [
    ...wrap(`For ${lengths.join(', ')}${scaled}:`, width, 2),
    '',
    ...w.passes.flatMap((pass) => wrap(passText(pass), width, 2)),
    '',
    ...columns(
      [
        ['flops', `${amount(w.flops)}${dense}`],
        ['read', `${amount(w.bytesRead)}B: each input once`],
        ['written', `${amount(w.bytesWritten)}B: each result once`],
        ['memory', `${amount(memory)}B beside inputs and results${names}`],
        ['intensity', `${Number(w.intensity.toPrecision(3))} flops for each byte read or written`],
      ],
      width,
      1,
    ),
    '',
    ...wrap(
      'A multiply-add counts as two flops, any other operation and a function (exp, log, √, ...) as one; integers, conditions and what a row needs once are left out. In a partial tile each pair counts; what a key needs by itself counts for each tile of rows that it meets.',
      width,
    ),
  ]
}

function passText({ of, pass, stream, times, pairs, densePairs, perPair }: PassWork): string {
  const rounds = times === 1 ? '' : times === null ? ', counted for one round' : `, ${times} times`
  const share = pairs === densePairs ? `all ${whole(pairs)} pairs` : `${whole(pairs)} of ${whole(densePairs)} pairs`
  return `${listed(of)}, pass ${pass} over ${stream}${rounds}: ${share} of a head, each ${operationsText(perPair)}`
}
function operationsText({ multiplyAdds, operations, functions }: Operations): string {
  const parts = [
    [multiplyAdds, 'multiply-adds'],
    [operations, 'other operations'],
    [functions, 'functions'],
  ] as const
  const some = parts
    .filter(([n]) => n > 0)
    .map(([n, what]) => `${Number(n.toPrecision(3))} ${n === 1 ? what.slice(0, -1) : what}`)
  return some.length > 0 ? listed(some) : 'without arithmetic'
}

const whole = (n: number): string => (n < 1e6 ? String(n) : amount(n).trim())

/** Three digits and a prefix of thousands, after which a unit can stand. */
export function amount(n: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P']
  const power = n < 1000 ? 0 : Math.min(prefixes.length - 1, Math.floor(Math.log10(n) / 3))
  return `${Number((n / 1000 ** power).toPrecision(3))} ${prefixes[power]}`.trimEnd() + (power === 0 ? ' ' : '')
}
