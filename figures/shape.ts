/** Figures as trees of SVG elements: a file prints them, a page makes nodes of them. Lengths are in pixels. */
export interface Shape {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string | number>>
  readonly children: readonly (Shape | string)[]
}
/** A whole picture. Colours are classes of `style.ts`. */
export interface Figure {
  readonly width: number
  readonly height: number
  readonly title: string
  readonly about: string // what it shows, for those who do not see it
  readonly shapes: readonly Shape[]
  readonly grid?: Grid // where its cells are, for who points at them
}
export interface Grid {
  readonly x: number
  readonly y: number
  readonly cell: number
  readonly rows: number
  readonly columns: number
}

export const shape = (
  tag: string,
  attributes: Shape['attributes'] = {},
  ...children: readonly (Shape | string)[]
): Shape => ({ tag, attributes, children })

export const text = (x: number, y: number, content: string, attributes: Shape['attributes'] = {}): Shape =>
  shape('text', { x, y, ...attributes }, content)

/** One element of the tree of a figure, as every renderer starts. */
export const rootOf = ({ width, height, title, about, shapes }: Figure): Shape =>
  shape(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      class: 'figure',
      role: 'img',
      'aria-label': `${title}. ${about}`,
    },
    ...shapes,
  )

/** Rectangles as one path: cells of a grid that look the same. */
export const cellsPath = (cells: readonly (readonly [row: number, column: number])[], grid: Grid, gap = 0): string =>
  cells
    .map(([row, column]) => {
      const side = grid.cell - gap
      return `M${round(grid.x + column * grid.cell)} ${round(grid.y + row * grid.cell)}h${round(side)}v${round(side)}h${round(-side)}z`
    })
    .join('')

export const round = (x: number): number => Math.round(x * 100) / 100
