/**
 * Elements of a loop side by side: an instruction of the first, the same of the second, and so on. Each waits for its operands, as in
 * a polynomial, and a processor looks ahead over fewer instructions than such a chain takes cycles.
 */
import type { Block, Line, Locals } from './block.ts'
import { type Code, code, isSimple, keyOf, setLocal } from './code.ts'

/** Below so many instructions for an element, a processor sees the next one by itself. */
const fewest = 12

/** The lines of blocks for one element each, in an order that gives the same; one after the other where there is no other. */
export function interleave(blocks: readonly Block[], locals: Locals): readonly Line[] {
  const apart = blocks.flatMap(({ lines }) => lines)
  const plain = blocks.map(({ lines }) => lines.filter((line): line is Code => !('kind' in line)))
  const isStraight = plain.every((lines, n) => lines.length === blocks[n]!.lines.length)
  if (!isStraight || !areIndependent(plain)) return apart
  const shared = sharedOf(plain)
  const { elements, sums } = sumAtEnd(plain, shared, locals)
  const steps = elements.map((lines) => lines.flatMap((line) => stepsOf(line, locals, shared)))
  const longest = Math.max(...steps.map(({ length }) => length))
  if (longest < fewest) return apart
  return [...Array(longest).keys()].flatMap((n) => steps.flatMap((own) => own.slice(n, n + 1))).concat(sums)
}

const isStore = ({ op }: Code): boolean => op.includes('.store')
const isLoad = ({ op }: Code): boolean => op.includes('.load')
const within = (code: Code): readonly Code[] => [code, ...code.args.flatMap(within)]
const placeOf = ({ args, immediates }: Code): string => `${keyOf(args[0]!)}+${immediates[0]}`

/** Locals that every element sets, such as running sums. */
function sharedOf(all: readonly (readonly Code[])[]): ReadonlySet<number> {
  const sets = all.map(
    (lines) => new Set(lines.flatMap(({ op, immediates }) => (op === 'local.set' ? immediates : []))),
  )
  return new Set([...sets[0]!].filter((local) => sets.every((own) => own.has(local))))
}

/** What a running value takes in any order. */
const folds = [
  'f32x4.add',
  'f32x4.max',
  'f32x4.min',
  'f32x4.pmax',
  'f32x4.pmin',
  'i32x4.add',
  'i32x4.sub',
  'v128.and',
  'v128.or',
]
const isFoldOf = (local: number, { op, args: [first] }: Code): boolean =>
  folds.includes(op) && first?.op === 'local.get' && first.immediates[0] === local

/** Whether elements meet in nothing but folds, each in one line. */
function areIndependent(all: readonly (readonly Code[])[]): boolean {
  const shared = sharedOf(all)
  const meets = (line: Code, local: number): boolean =>
    within(line).some(({ op, immediates }) => op.startsWith('local.') && immediates[0] === local)
  const once = [...shared].every((local) =>
    all.every((lines) => {
      const own = lines.filter((line) => meets(line, local))
      return own.length === 1 && own.every(({ args: [value] }) => value !== undefined && isFoldOf(local, value))
    }),
  )
  const stored = all.map((lines) => new Set(lines.filter(isStore).map(placeOf)))
  const touched = all.map(
    (lines) =>
      new Set(
        lines
          .flatMap(within)
          .filter((c) => isStore(c) || isLoad(c))
          .map(placeOf),
      ),
  )
  return (
    once &&
    stored.every((own, n) => touched.every((other, m) => n === m || [...own].every((place) => !other.has(place))))
  )
}

/** Running sums, which all elements wait for, take what they add up to among themselves, at the end. */
function sumAtEnd(
  all: readonly (readonly Code[])[],
  shared: ReadonlySet<number>,
  locals: Locals,
): { readonly elements: readonly (readonly Code[])[]; readonly sums: readonly Code[] } {
  const elements = all.map((lines) => [...lines])
  const sums: Code[] = []
  for (const local of shared) {
    const isOwn = ({ op, immediates }: Code): boolean => op === 'local.set' && immediates[0] === local
    const at = elements.map((lines) => lines.findIndex(isOwn))
    const values = elements.map((lines, n) => lines[at[n]!]!.args[0]!)
    if (values.some(({ op }) => op !== 'f32x4.add')) continue
    const names = values.map(({ args }, n) => {
      const name = locals.fresh('v128', args[1]!.level)
      elements[n]![at[n]!] = setLocal(name, args[1]!)
      return name
    })
    const together = names.reduce((sum, name) => code('f32x4.add', [sum, name]))
    const [running] = values[0]!.args
    sums.push(setLocal(running!, code('f32x4.add', [running!, together])))
  }
  return { elements, sums }
}

/** A line as lines of one instruction each. What reads a shared local stays within the line that sets it. */
function stepsOf(line: Code, locals: Locals, shared: ReadonlySet<number>): readonly Code[] {
  const steps: Code[] = []
  const apart = (code: Code): Code => ({ ...code, args: code.args.map(name) })
  const name = (code: Code): Code => {
    if (isSimple(code) || code.type !== 'v128') return code
    const own = apart(code)
    if (within(code).some(({ op, immediates }) => op === 'local.get' && shared.has(immediates[0]!))) return own
    const local = locals.fresh('v128', code.level)
    steps.push(setLocal(local, own))
    return local
  }
  const last = line.op === 'local.set' ? { ...line, args: line.args.map(apart) } : apart(line)
  return [...steps, last]
}
