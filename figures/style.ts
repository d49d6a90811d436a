/** The colours and letters of figures, for light and for dark: one sheet for files and for pages. */

type Rgb = readonly [number, number, number]

/** Weights from 0 upwards, and from 0 downwards. */
interface Ramps {
  readonly up: readonly string[]
  readonly down: readonly string[]
}
const ramps: Readonly<Record<'light' | 'dark', Ramps>> = {
  light: {
    up: ['#eef1ee', '#b9dcd6', '#63b2b8', '#2a7d9f', '#1d4f86', '#132a57'],
    down: ['#eef1ee', '#f2c4a8', '#e08a66', '#bf4d44', '#84243a'],
  },
  dark: {
    up: ['#1b222a', '#17414f', '#1b6a74', '#3a998a', '#8cc98f', '#f4f1b8'],
    down: ['#1b222a', '#562b33', '#93423c', '#d0754f', '#f5bd8c'],
  },
}

/** Shades between the value 0 and the largest one. */
export const shades = 20

const colors = {
  light: {
    paper: '#ffffff',
    ink: '#1c2128',
    quiet: '#5b6673',
    line: '#d5dade',
    card: '#f6f7f6',
    accent: '#1d5c86',
    full: '#1d5c86',
    partial: '#8fc0c8',
    hatch: '#1d5c86',
    empty: '#c3cad0',
    outside: '#f6f7f6',
    bad: '#c2185b',
  },
  dark: {
    paper: '#12171c',
    ink: '#e6ebef',
    quiet: '#9aa7b2',
    line: '#2c353e',
    card: '#191f26',
    accent: '#7cc0dd',
    full: '#6db3d3',
    partial: '#2d5c70',
    hatch: '#8fd0ea',
    empty: '#3d4852',
    outside: '#151a20',
    bad: '#ff6fa5',
  },
} as const

const properties = (scheme: 'light' | 'dark'): string => {
  const ramp = (name: 'up' | 'down'): readonly (readonly [string, string])[] =>
    Array.from(
      { length: shades },
      (_, n) => [`${name}${n + 1}`, shadeAt(ramps[scheme][name], (n + 1) / shades)] as const,
    )
  const all = [...Object.entries(colors[scheme]), ...ramp('up'), ...ramp('down')]
  return all.map(([name, color]) => `--f-${name}:${color}`).join(';')
}

/** The colour at `share` of the way along the stops, mixed evenly for the eye (as linear light to the power of 1/2.2). */
function shadeAt(stops: readonly string[], share: number): string {
  const place = share * (stops.length - 1)
  const n = Math.min(Math.floor(place), stops.length - 2)
  const [from, to] = [rgbOf(stops[n] ?? ''), rgbOf(stops[n + 1] ?? '')]
  const mixed = from.map((x, k) => Math.round(x + (place - n) * ((to[k] ?? 0) - x)))
  return `#${mixed.map((x) => x.toString(16).padStart(2, '0')).join('')}`
}
const rgbOf = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb

const fills = ['paper', 'ink', 'quiet', 'card', 'accent', 'full', 'partial', 'empty', 'outside', 'bad'] as const
const rules = [
  ...fills.map((name) => `.figure .${name}{fill:var(--f-${name})}`),
  '.figure .card{stroke:var(--f-line)}',
  '.figure .line{stroke:var(--f-line);fill:none}',
  '.figure .flow{stroke:var(--f-quiet);fill:none;stroke-width:1.5}',
  '.figure .hatch{stroke:var(--f-hatch);fill:none;stroke-width:1.2}',
  '.figure .frame{stroke:var(--f-line);fill:none}',
  '.figure .pill{fill:none;stroke:var(--f-accent)}',
  ...['up', 'down'].flatMap((name) =>
    Array.from({ length: shades }, (_, n) => `.figure .${name}${n + 1}{fill:var(--f-${name}${n + 1})}`),
  ),
  '.figure text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--f-ink)}',
  '.figure text.quiet{fill:var(--f-quiet)}',
  '.figure text.accent{fill:var(--f-accent)}',
  '.figure text.title{font-size:15px;font-weight:650}',
  '.figure text.strong{font-weight:650}',
  '.figure text.small{font-size:11px}',
  '.figure text.code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}',
]

/**
 * @param root  the selector of what carries the colours
 * @param scheme  one for good; without it, what the reader prefers
 */
export function sheet(root: string, scheme?: 'light' | 'dark'): string {
  if (scheme) return `${root}{${properties(scheme)}}`
  const dark = `@media (prefers-color-scheme:dark){${root}{${properties('dark')}}}`
  return [`${root}{${properties('light')}}`, dark, ...rules].join('\n')
}
