/** The page: what is typed goes to the compiler, and what comes of it to the panels. */
import { groups } from 'virtual:examples'
import type { Explanation } from '../compiler/explain/explain.ts'
import { sheet } from '../figures/style.ts'
import { createCompiler } from './compiler.ts'
import { byId, h } from './dom.ts'
import { createEditor } from './editor/editor.ts'
import { linkTo, sourceIn } from './link.ts'
import { type CodeTarget, createCodePanel } from './panels/code.ts'
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
const notice = byId('notice')
const say = (what: string): void => {
  notice.textContent = what
}

// Panels

const panels = {
  mathematics: h('div', { class: 'panel' }),
  plan: h('div', { class: 'panel' }),
  mask: h('div', { class: 'panel' }),
}
const code = createCodePanel(() => askCode())
createTabs(
  byId('tabs'),
  byId('panels'),
  [
    { name: 'mathematics', title: 'Mathematics', panel: panels.mathematics },
    { name: 'plan', title: 'Plan', panel: panels.plan },
    { name: 'mask', title: 'Mask', panel: panels.mask },
    { name: 'code', title: 'Code', panel: code.panel },
  ],
  () => {},
)

let explanations: readonly Explanation[] = []
const room = (): number => Math.max(240, byId('panels').clientWidth - 40)
function paintExplanations(): void {
  const width = room()
  panels.mathematics.replaceChildren(...explanations.map(showMathematics))
  panels.plan.replaceChildren(...explanations.map((one) => showPlan(one, width)))
  panels.mask.replaceChildren(...explanations.map((one) => showMask(one, width)))
}

// Compilation

const editor = createEditor(byId('editor'), () => askAll())
const quick = createCompiler('compiler', take)
const slow = createCompiler('generator', takeCode)

const wish = (target: string): Wish => ({ source: editor.text(), dtype: 'f32', shape: {}, target })
function askAll(): void {
  quick.ask(wish('wgsl'))
  askCode()
}
function askCode(): void {
  if (code.target() !== 'wgsl') slow.ask(wish(code.target()))
}

function take(step: Step): void {
  switch (step.step) {
    case 'checked':
      editor.show(step.remarks)
      showProblems(byId('problems'), step.remarks, editor)
      document.body.classList.toggle('stale', !step.isRight)
      break
    case 'explained':
      explanations = step.explanations
      paintExplanations()
      break
    case 'generated':
    case 'refused':
    case 'failed':
      takeCode(step)
  }
}

function takeCode(step: Step): void {
  if (step.step === 'generated') code.show(step.target as CodeTarget, step.files)
  else if (step.step === 'refused') say(step.why)
  else if (step.step === 'failed') say(`This is a fault of attnc: ${step.why}`)
}

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

byId('share').addEventListener('click', async () => {
  const link = await linkTo(location.href, editor.text())
  history.replaceState(null, '', link)
  await navigator.clipboard.writeText(link)
  say('The link is copied: it carries the source.')
})

async function start(): Promise<void> {
  try {
    const source = await sourceIn(location.hash)
    if (source === undefined) open('learned_sink')
    else editor.open(source)
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    open('learned_sink')
  }
}
start()
addEventListener('hashchange', start)
new ResizeObserver(() => paintExplanations()).observe(byId('panels'))
