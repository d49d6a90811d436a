/** What generated WebGPU kernels do on the device of who reads the page. */

import { number } from '../../figures/heat.ts'
import type { Verification } from '../../runtime/verify/verify.ts'
import type { DeviceStep, Timed } from '../device-steps.ts'
import { h } from '../dom.ts'

export interface DevicePanel {
  readonly panel: HTMLElement
  take(step: DeviceStep): void
  end(): void
  forget(): void // what was measured was measured of another source
}

const about =
  'Runs the WGSL kernels on the GPU of this device. Their results are held to the definition as attnc verify does it: within ' +
  'computed error bounds, on random numbers and on numbers made to hurt. Then launches are timed, with tensors on the device.'
const without =
  'This browser has no WebGPU: kernels are generated all the same, and nothing runs them here. Chromium, and recent versions of ' +
  'Firefox and Safari, have it.'

export function createDevicePanel(onRun: () => void): DevicePanel {
  const canRun = 'gpu' in navigator
  const status = h('p', { class: 'note', role: 'status' })
  const verdicts = h('tbody', {})
  const times = h('tbody', {})
  const agreement = table(
    'Agreement with the definition',
    ['attention', 'verdict', 'cases', 'elements', 'largest error'],
    verdicts,
  )
  const timings = table('Time of a launch', ['attention', 'lengths', 'milliseconds', 'launches'], times)
  const run = h('button', { type: 'button', class: 'primary', onclick: () => begin() }, 'Run on this device')
  run.disabled = !canRun
  const panel = h(
    'div',
    { class: 'panel device' },
    h('p', { class: 'note' }, canRun ? about : without),
    run,
    status,
    agreement,
    timings,
  )

  function begin(): void {
    forget()
    run.disabled = true
    status.textContent = 'Looking for a device …'
    onRun()
  }
  function forget(): void {
    status.textContent = ''
    verdicts.replaceChildren()
    times.replaceChildren()
    agreement.hidden = timings.hidden = true
  }
  forget()

  let adapter = ''
  return {
    panel,
    forget,
    take(step) {
      switch (step.step) {
        case 'found':
          adapter = step.adapter
          status.textContent = `On ${adapter} …`
          break
        case 'trying':
          status.textContent = `On ${adapter}: ${step.what} …`
          break
        case 'verified':
          verdicts.append(verdictRow(step.verification))
          agreement.hidden = false
          break
        case 'timed':
          times.append(timeRow(step))
          timings.hidden = false
          status.textContent = `On ${adapter}: timing …`
          break
        case 'lost':
          status.textContent = `The device was lost: ${step.why || 'the browser does not say why'}. Run it again for another one.`
          break
        case 'missing':
        case 'refused':
        case 'failed':
          status.textContent = `It does not run here: ${step.why}.`
      }
      if (['lost', 'missing', 'refused', 'failed'].includes(step.step)) adapter = ''
    },
    end() {
      run.disabled = false
      if (adapter !== '') status.textContent = `On ${adapter}: done.`
      else if (status.textContent?.endsWith('…')) status.textContent = 'The source has errors: nothing was run.'
      adapter = ''
    },
  }
}

function table(title: string, heads: readonly string[], body: HTMLElement): HTMLElement {
  const head = h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)))
  return h('div', { class: 'table' }, h('table', {}, h('caption', {}, title), h('thead', {}, head), body))
}

const row = (cells: readonly string[]): HTMLElement => h('tr', {}, ...cells.map((cell) => h('td', {}, cell)))

function verdictRow({ attention, verdict, cases, elements, worst }: Verification): HTMLElement {
  const error = worst
    ? `${number(worst.deviation.error)}, expected up to ${number(6 * worst.deviation.expected)} (${worst.deviation.result}, ${worst.at.probe})`
    : 'none'
  return row([attention, verdict, String(cases), String(elements), error])
}

function timeRow({ attention, sizes, milliseconds, launches }: Timed): HTMLElement {
  const lengths = Object.entries(sizes).map(([axis, n]) => `${axis} = ${n}`)
  return row([attention, lengths.join(', '), number(milliseconds), String(launches)])
}
