/** Plots as SVG, which stand alone: no script, no font, no address. Colours fit light and dark pages. */

export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

export interface Point2 {
  readonly x: number
  readonly y: number
  readonly about?: string // shown when pointed at
}

export interface Series {
  readonly name: string
  readonly points: readonly Point2[]
  readonly form: 'dots' | 'line' | 'steps'
}

export interface Plot {
  readonly title: string
  readonly x: string // what the axis shows, with its unit
  readonly y: string
  readonly series: readonly Series[]
  readonly logX?: boolean
  readonly logY?: boolean
  readonly words?: readonly string[] // what x = 0, 1, … stand for
}

const width = 640
const height = 360
const margin = { left: 70, right: 16, top: 34, bottom: 46 }
const colors = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed', '#0891b2']

interface Scale {
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

function scaleOf(values: readonly number[], from: number, to: number, isLog: boolean): Scale {
  const usable = values.filter((x) => Number.isFinite(x) && (!isLog || x > 0))
  const [lowest, highest] = usable.length > 0 ? [Math.min(...usable), Math.max(...usable)] : [1, 2]
  const f = isLog ? Math.log2 : (x: number) => x
  const pad = (f(highest) - f(lowest)) * 0.04 || Math.abs(f(lowest)) * 0.1 || 1
  const [a, b] = [f(lowest) - pad, f(highest) + pad]
  return {
    at: (value) => from + ((f(value) - a) / (b - a)) * (to - from),
    ticks: isLog ? powers(2 ** a, 2 ** b) : rounds(a, b),
  }
}

function powers(lowest: number, highest: number): readonly number[] {
  const [from, to] = [Math.ceil(Math.log2(lowest)), Math.floor(Math.log2(highest))]
  const step = Math.max(1, Math.ceil((to - from) / 8))
  const all = Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => 2 ** (from + n))
  return all.length > 1 ? all.filter((_, n) => n % step === 0) : rounds(lowest, highest)
}

function rounds(lowest: number, highest: number): readonly number[] {
  const rough = (highest - lowest) / 6
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * ([1, 2, 5, 10].find((n) => n * unit >= rough) ?? 10)
  const first = Math.ceil(lowest / step)
  return Array.from({ length: Math.max(0, Math.floor(highest / step) - first + 1) }, (_, n) => (first + n) * step)
}

export const shortLabel = (x: number): string =>
  Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(1) : String(Number(x.toPrecision(4)))

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeText(content)}</text>`

const frame = (title: string, body: readonly string[], size = { width, height }): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#64748b">`,
    `<title>${escapeText(title)}</title>`,
    text(margin.left, 18, title, 'font-size="14" font-weight="600"'),
    ...body,
    '</svg>',
  ].join('\n')

export function plot({ title, x, y, series, logX = false, logY = false, words }: Plot): string {
  const all = series.flatMap(({ points }) => points)
  const horizontal = scaleOf(
    words ? [-0.5, words.length - 0.5] : all.map((point) => point.x),
    margin.left,
    width - margin.right,
    logX,
  )
  const vertical = scaleOf(
    all.map((point) => point.y),
    height - margin.bottom,
    margin.top,
    logY,
  )
  const columns = words ? words.map((_, n) => n) : horizontal.ticks
  const grid = [
    ...columns.flatMap((tick) => [
      `<line x1="${horizontal.at(tick).toFixed(1)}" x2="${horizontal.at(tick).toFixed(1)}" y1="${margin.top}" y2="${height - margin.bottom}" stroke="#94a3b8" stroke-opacity="0.25"/>`,
      text(horizontal.at(tick), height - margin.bottom + 16, words?.[tick] ?? shortLabel(tick), 'text-anchor="middle"'),
    ]),
    ...vertical.ticks.flatMap((tick) => [
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${vertical.at(tick).toFixed(1)}" y2="${vertical.at(tick).toFixed(1)}" stroke="#94a3b8" stroke-opacity="0.25"/>`,
      text(margin.left - 6, vertical.at(tick) + 4, shortLabel(tick), 'text-anchor="end"'),
    ]),
  ]
  const drawn = series.map((one, n) => draw(one, colors[n % colors.length]!, horizontal, vertical))
  const names = series.flatMap(({ name, points }, n) =>
    points.length > 0 ? [`<tspan fill="${colors[n % colors.length]}">${escapeText(name)}</tspan>`] : [],
  )
  const legend =
    series.length < 2
      ? []
      : [`<text x="${width - margin.right}" y="18" text-anchor="end">${names.join('&#160;&#160;&#160;')}</text>`]
  const labels = [
    text((margin.left + width) / 2, height - 10, x, 'text-anchor="middle"'),
    text(
      0,
      0,
      y,
      `text-anchor="middle" transform="translate(14 ${(margin.top + height - margin.bottom) / 2}) rotate(-90)"`,
    ),
  ]
  return frame(title, [...grid, ...drawn, ...legend, ...labels])
}

function draw({ points, form }: Series, color: string, x: Scale, y: Scale): string {
  const shown = points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y))
  const places = shown.map((point) => [x.at(point.x), y.at(point.y)] as const)
  if (form === 'dots')
    return shown
      .map(({ about }, n) => {
        const [cx, cy] = places[n]!
        const title = about === undefined ? '' : `<title>${escapeText(about)}</title>`
        return `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3.5" fill="${color}" fill-opacity="0.7">${title}</circle>`
      })
      .join('\n')
  const path = places
    .map(([px, py], n) => {
      const move = n === 0 ? 'M' : form === 'steps' ? `H${px.toFixed(1)} V` : 'L'
      return form === 'steps' && n > 0 ? `${move}${py.toFixed(1)}` : `${move}${px.toFixed(1)} ${py.toFixed(1)}`
    })
    .join(' ')
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>`
}

export interface HeatMap {
  readonly title: string
  readonly x: { readonly name: string; readonly values: readonly (number | string)[] }
  readonly y: { readonly name: string; readonly values: readonly (number | string)[] }
  readonly at: (x: number | string, y: number | string) => number | undefined // relative to the best: 1 or more
}

/** Cells from the best, which is darkest, to those that take twice as long. */
export function heatMap({ title, x, y, at }: HeatMap): string {
  const cell = { width: Math.min(72, (width - margin.left - margin.right) / x.values.length), height: 30 }
  const size = { width, height: margin.top + cell.height * y.values.length + margin.bottom }
  const cells = y.values.flatMap((row, r) =>
    x.values.map((column, c) => {
      const value = at(column, row)
      const [px, py] = [margin.left + c * cell.width, margin.top + r * cell.height]
      const strength = value === undefined ? 0 : Math.max(0.06, 2 - value)
      const fill =
        value === undefined
          ? 'fill="none" stroke="#94a3b8" stroke-opacity="0.3"'
          : `fill="#2563eb" fill-opacity="${Math.min(1, strength).toFixed(2)}"`
      const color = strength > 0.55 ? '#ffffff' : '#64748b'
      const label =
        value === undefined
          ? ''
          : text(px + cell.width / 2, py + 19, value.toFixed(2), `text-anchor="middle" fill="${color}"`)
      return `<rect x="${px.toFixed(1)}" y="${py}" width="${(cell.width - 2).toFixed(1)}" height="${cell.height - 2}" rx="3" ${fill}/>${label}`
    }),
  )
  const labels = [
    ...x.values.map((value, c) =>
      text(
        margin.left + (c + 0.5) * cell.width,
        size.height - margin.bottom + 16,
        String(value),
        'text-anchor="middle"',
      ),
    ),
    ...y.values.map((value, r) =>
      text(margin.left - 8, margin.top + r * cell.height + 19, String(value), 'text-anchor="end"'),
    ),
    text(margin.left + (cell.width * x.values.length) / 2, size.height - 10, x.name, 'text-anchor="middle"'),
    text(
      0,
      0,
      y.name,
      `text-anchor="middle" transform="translate(14 ${(margin.top + size.height - margin.bottom) / 2}) rotate(-90)"`,
    ),
  ]
  return frame(title, [...cells, ...labels], size)
}
