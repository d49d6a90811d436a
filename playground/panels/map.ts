/** Attention maps as heat maps: of one head at a time, of tensors made up in a manner that can be chosen. */
import { drawHeat, madeOf, number } from '../../figures/heat.ts'
import type { Figure, Grid } from '../../figures/shape.ts'
import { mostTokens } from '../../runtime/attention-map.ts'
import { type MapManner, manners, mannerText } from '../../runtime/map-manner.ts'
import { sliceOf } from '../../runtime/slice.ts'
import { h, svgOf } from '../dom.ts'
import type { Mapped, MapStep, Unmapped } from '../map-steps.ts'

export interface MapPanel {
  readonly panel: HTMLElement
  readonly manner: () => MapManner
  begin(width: number): void
  take(step: MapStep): void
  end(): void
  paint(width: number): void
}

export function createMapPanel(onManner: () => void): MapPanel {
  let shown: readonly (Mapped | Unmapped)[] = []
  let coming: (Mapped | Unmapped)[] = []
  let width = 480
  const at = new Map<string, number>() // of axes that a map has beside rows and columns
  const status = h('p', { class: 'note quiet', role: 'status' })
  const manner = h(
    'select',
    { id: 'manner', onchange: onManner },
    ...manners.map((name) => h('option', { value: name }, mannerText[name])),
  )
  const axes = h('span', { class: 'axes' })
  const place = h('div', {})
  const tools = h('div', { class: 'tools' }, h('label', { class: 'pick' }, h('span', {}, 'Tensors'), manner), axes)
  const panel = h('div', { class: 'panel map' }, tools, status, place)

  function paint(): void {
    place.replaceChildren(...shown.map((one) => articleOf(one, at, width)))
  }
  function paintAxes(): void {
    const lengths = new Map(shown.flatMap((one) => (one.step === 'mapped' ? lengthsOf(one) : [])))
    const picks = [...lengths].filter(([, length]) => length > 1).map(([axis, length]) => pickOf(axis, length))
    axes.replaceChildren(...picks)
  }
  function pickOf(axis: string, length: number): HTMLElement {
    at.set(axis, Math.min(at.get(axis) ?? 0, length - 1))
    const options = Array.from({ length }, (_, n) => h('option', { value: n }, String(n)))
    const choose = (): void => {
      at.set(axis, Number(select.value))
      paint()
    }
    const select = h('select', { onchange: choose }, ...options)
    select.value = String(at.get(axis))
    return h('label', { class: 'pick' }, h('span', {}, axis), select)
  }

  return {
    panel,
    manner: () => manner.value as MapManner,
    begin(room) {
      width = room
      coming = []
      status.textContent = 'Computing …'
    },
    take(step) {
      if (step.step === 'running') return
      if (step.step === 'mapped' || step.step === 'unmapped') coming.push(step)
      else coming.push({ step: 'unmapped', attention: '', why: step.why })
    },
    /** Of a source that is wrong nothing came: what was there stays. */
    end() {
      status.textContent = ''
      if (coming.length === 0) return
      shown = coming
      paintAxes()
      paint()
    },
    paint(room) {
      width = room
      paint()
    },
  }
}

const isOther = (axis: string): boolean => axis !== 'i' && axis !== 'j'

const lengthsOf = ({ axes, tensor }: Mapped): readonly (readonly [string, number])[] =>
  axes.flatMap((axis, n) => (isOther(axis) ? [[axis, tensor.shape[n] ?? 1] as const] : []))

function articleOf(one: Mapped | Unmapped, at: ReadonlyMap<string, number>, width: number): HTMLElement {
  const title = one.attention === '' ? [] : [h('h2', {}, one.attention)]
  if (one.step === 'unmapped')
    return h('article', {}, ...title, h('p', { class: 'note' }, `There is no map: ${one.why}.`))
  const { axes, tensor, launch, attention, manner } = one
  const values = sliceOf(tensor, axes, Object.fromEntries(at))
  const cut = launch.isShortened ? ` No more than ${mostTokens} tokens are shown.` : ''
  const map = {
    row: 'i',
    column: 'j',
    lengths: [launch.sizes.i ?? 1, launch.sizes.j ?? 1],
    values,
    fixed: axes.filter(isOther).map((axis) => `${axis} = ${at.get(axis) ?? 0}`),
    made: madeOf(mannerText[manner], launch.made) + cut,
  } as const
  const figure = drawHeat(attention, map, Math.min(width, 560))
  const readout = h('p', { class: 'readout quiet' }, 'Point at a weight to read it.')
  return h('article', {}, ...title, withReadout(figure, values, readout), readout)
}

function withReadout(figure: Figure, values: Float32Array, readout: HTMLElement): SVGElement {
  const svg = svgOf(figure)
  const { grid } = figure
  if (!grid) return svg
  svg.addEventListener('pointermove', (event) => {
    const place = cellAt(event, svg, figure.width, grid)
    if (!place) return
    const [row, column] = place
    readout.textContent = `i = ${row}, j = ${column}: ${number(values[row * grid.columns + column] ?? 0)}`
  })
  return svg
}

function cellAt(
  event: PointerEvent,
  svg: SVGElement,
  width: number,
  grid: Grid,
): readonly [number, number] | undefined {
  const box = svg.getBoundingClientRect()
  const scale = width / box.width
  const column = Math.floor(((event.clientX - box.left) * scale - grid.x) / grid.cell)
  const row = Math.floor(((event.clientY - box.top) * scale - grid.y) / grid.cell)
  return row >= 0 && row < grid.rows && column >= 0 && column < grid.columns ? [row, column] : undefined
}
