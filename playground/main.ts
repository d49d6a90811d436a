/** The page: what is typed goes to the compilers, and what comes of it to the panels. */
import { groups } from 'virtual:examples'
import type { Explanation } from '../compiler/explain/explain.ts'
import { sheet } from '../figures/style.ts'
import { createCompiler } from './compiler.ts'
import { byId, h } from './dom.ts'
import { createEditor } from './editor/editor.ts'
import { createGallery } from './gallery.ts'
import { linkTo, sourceIn } from './link.ts'
import { createCodePanel } from './panels/code.ts'
import { createDevicePanel } from './panels/device.ts'
import { createMapPanel } from './panels/map.ts'
import { showMask } from './panels/mask.ts'
import { showMathematics } from './panels/mathematics.ts'
import { showPlan } from './panels/plan.ts'
import { showProblems } from './problems.ts'
import type { Step, Wish } from './steps.ts'
import { createTabs } from './tabs.ts'
import { createTheme } from './theme.ts'

const colors = new CSSStyleSheet()
colors.replaceSync(
  [sheet(':root'), sheet('[data-theme=light]', 'light'), sheet('[data-theme=dark]', 'dark')].join('\n'),
)
document.adoptedStyleSheets.push(colors)
createTheme(byId<HTMLSelectElement>('theme'))

const examples = groups.flatMap((group) => group.examples)
const say = (what: string): void => {
  byId('notice').textContent = what
}

// What a source means: the editor's compiler answers within a frame or two, the other may take its time.

const quick = createCompiler('compiler')
const slow = createCompiler('generator')
let typedAt = 0
let changes = 0

const editor = createEditor(byId('editor'), () => {
  typedAt = performance.now()
  changes += 1
  say('')
  device.forget()
  quick.ask('understand', wish('wgsl'), take)
  askLater()
})

const wish = (target: string): Wish => ({
  source: editor.text(),
  dtype: 'f32',
  target,
  manner: map.manner(),
})

let explanations: readonly Explanation[] = []

function take(step: Step): void {
  switch (step.step) {
    case 'checked':
      editor.show(step.remarks)
      showProblems(byId('problems'), step.remarks, editor)
      document.body.classList.toggle('stale', !step.isRight)
      break
    case 'explained':
      explanations = step.explanations
      paint()
      break
    default:
      takeCode(step)
  }
  performance.clearMeasures(step.step)
  performance.measure(step.step, { start: typedAt }) // for who watches how long the page takes
}

function takeCode(step: Step): void {
  if (step.step === 'generated') code.show(step.target, step.files)
  else if (step.step === 'refused') say(`This cannot be compiled: ${step.why}.`)
  else if (step.step === 'failed') say(`The compiler failed, which is a fault of attnc: ${step.why}.`)
}

/** Sources of many kinds, one after the other, until somebody types. */
function rehearse(sources: readonly string[]): void {
  const [source, ...rest] = sources
  if (source === undefined || changes > 1) return
  const next = (): unknown => setTimeout(() => rehearse(rest), 20)
  quick.ask('rehearse', { ...wish('wgsl'), source }, () => {}, next)
}

/** What is in sight and takes longer is asked for when nobody has typed for a moment. */
const moment = 150
let later: ReturnType<typeof setTimeout> | undefined
function askLater(): void {
  clearTimeout(later)
  later = setTimeout(askSlow, moment)
}
function askSlow(): void {
  clearTimeout(later)
  const view = tabs.selected()
  if (view === 'code' && code.target() !== 'wgsl') slow.ask('generate', wish(code.target()), takeCode)
  if (view === 'map') {
    map.begin(room())
    slow.ask('map', wish('ts'), map.take, map.end)
  }
}

// Views

const panels = {
  mathematics: h('div', { class: 'panel' }),
  plan: h('div', { class: 'panel' }),
  mask: h('div', { class: 'panel' }),
}
const code = createCodePanel(() => askSlow())
const map = createMapPanel(() => askSlow())
const device = createDevicePanel(() => slow.ask('device', wish('wgsl'), device.take, device.end))
const tabs = createTabs(
  byId('tabs'),
  byId('panels'),
  [
    { name: 'mathematics', title: 'Mathematics', panel: panels.mathematics },
    { name: 'plan', title: 'Plan', panel: panels.plan },
    { name: 'mask', title: 'Mask', panel: panels.mask },
    { name: 'code', title: 'Code', panel: code.panel },
    { name: 'map', title: 'Map', panel: map.panel },
    { name: 'device', title: 'Device', panel: device.panel },
  ],
  () => askSlow(),
)

const room = (): number => Math.max(240, byId('panels').clientWidth - 40)
function paint(): void {
  const width = room()
  panels.mathematics.replaceChildren(...explanations.map(showMathematics))
  panels.plan.replaceChildren(...explanations.map((one) => showPlan(one, width)))
  panels.mask.replaceChildren(...explanations.map((one) => showMask(one, width)))
}
let painted = room()
new ResizeObserver(() => {
  if (room() === painted) return
  painted = room()
  paint()
  map.paint(painted)
}).observe(byId('panels'))

// Sources

const picker = byId<HTMLSelectElement>('example')
picker.append(
  h('option', { value: '' }, 'Own source'),
  ...groups.map(({ title, examples }) =>
    h('optgroup', { label: title }, ...examples.map(({ name }) => h('option', { value: name }, name))),
  ),
)
picker.addEventListener('change', () => open(picker.value))

function open(name: string): void {
  const example = examples.find((one) => one.name === name)
  if (!example) return
  picker.value = name
  editor.open(example.source)
}

const gallery = createGallery(byId<HTMLDialogElement>('gallery'), groups, open)
byId('open-gallery').addEventListener('click', gallery.open)

byId('share').addEventListener('click', async () => {
  const link = await linkTo(location.href, editor.text())
  history.replaceState(null, '', link)
  try {
    await navigator.clipboard.writeText(link)
    say('The link is copied. It carries the source: nothing is stored anywhere.')
  } catch {
    say('The link is in the address bar: this browser does not let the page copy it.')
  }
})

async function start(): Promise<void> {
  try {
    const source = await sourceIn(location.hash)
    if (source === undefined) open('learned_sink')
    else {
      picker.value = ''
      editor.open(source)
    }
  } catch (error) {
    open('learned_sink')
    say(`This link cannot be opened: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
start()
addEventListener('hashchange', start)

const longest = examples.toSorted((a, b) => b.source.length - a.source.length).slice(0, 8)
setTimeout(() => rehearse(longest.map(({ source }) => source)), 500)
