/** What tuning chooses among: parameters with their values, and the points that are left once what cannot be is taken out. */

/** A number, or a word (`rows`: many, few). */
export type Value = number | string
/** One choice of everything: a value for each parameter, by name. */
export type Point = Readonly<Record<string, Value>>

export interface Parameter {
  readonly name: string // `tile.AXIS`, `splits`, `rows`, `group`, `threads`, or a feature of the device
  readonly values: readonly Value[] // in the order in which neighbours stand beside each other
  readonly usual: Value // what is chosen where nothing is tuned
  readonly ordersSums: boolean // whether sums are added in another order, so that bits of results change
}

export interface Rejected {
  readonly point: Point
  readonly reason: string
}

export interface Space {
  readonly parameters: readonly Parameter[]
  readonly points: readonly Point[] // legal ones, those expected to be quick first
  readonly rejected: readonly Rejected[]
  readonly usual: Point
}

/** The name of a point: equal points have equal keys. */
export function keyOf(point: Point): string {
  let key = ''
  for (const name of Object.keys(point).sort()) key += `${key === '' ? '' : ' '}${name}=${point[name]}`
  return key
}

/** Every combination of values, the last parameter running fastest. */
export const combinations = (parameters: readonly Parameter[]): readonly Point[] =>
  parameters.reduce<readonly Point[]>(
    (points, { name, values }) => points.flatMap((point) => values.map((value) => ({ ...point, [name]: value }))),
    [{}],
  )

export const usualPoint = (parameters: readonly Parameter[]): Point =>
  Object.fromEntries(parameters.map(({ name, usual }) => [name, usual]))

/** @param reject  why a point cannot be, or undefined; asked once for each combination */
export function makeSpace(parameters: readonly Parameter[], reject: (point: Point) => string | undefined): Space {
  const points: Point[] = []
  const rejected: Rejected[] = []
  for (const point of combinations(parameters)) {
    const reason = reject(point)
    if (reason === undefined) points.push(point)
    else rejected.push({ point, reason })
  }
  return { parameters, points, rejected, usual: usualPoint(parameters) }
}

/** The points whose results have the same bits as those of `of`: parameters that order sums have its values. */
export function numericsClass(space: Space, of: Point): Space {
  const fixed = space.parameters.filter(({ ordersSums }) => ordersSums)
  const points = space.points.filter((point) => fixed.every(({ name }) => point[name] === of[name]))
  return { ...space, points }
}

/** Where a point lies: for each parameter the index of its value, from 0 to 1. */
export const coordinates = ({ parameters }: Space, point: Point): readonly number[] =>
  parameters.map(({ name, values }) => Math.max(0, values.indexOf(point[name]!)) / Math.max(1, values.length - 1))

/** Points that differ in one parameter, by one step. */
export function neighbours(space: Space, point: Point): readonly Point[] {
  const legal = new Map(space.points.map((one) => [keyOf(one), one]))
  const around = space.parameters.flatMap(({ name, values }) => {
    const at = values.indexOf(point[name]!)
    return [at - 1, at + 1].map((n) => legal.get(keyOf({ ...point, [name]: values[n] ?? '' })))
  })
  return around.filter((one) => one !== undefined)
}
