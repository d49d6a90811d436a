/** Generated WebGPU kernels on the device of who reads the page: what they compute, held to the definition, and what they take. */
import type { Attention } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { type Study, targets } from '../index.ts'
import { drawInputs, drawParams } from '../runtime/draw.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { signatureOf } from '../runtime/signature.ts'
import { checkExtent } from '../runtime/verify/extent.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import { completeSizes, inOnePart, type Shape } from '../runtime/verify/shapes.ts'
import { type Verification, verifyAttention } from '../runtime/verify/verify.ts'
import { webgpu } from '../runtime/wgsl/arithmetic.ts'
import { type Launcher, launcherOf, type Timing, type WebGpuModule } from '../runtime/wgsl/launch-wgsl.ts'
import { importCode } from './import-code.ts'
import { type Failed, type Refused, type Wish, withStudy } from './steps.ts'

export type DeviceStep = Found | Missing | Trying | Verified | Timed | Lost | Refused | Failed
export interface Found {
  readonly step: 'found'
  readonly adapter: string
}
export interface Missing {
  readonly step: 'missing'
  readonly why: string
}
export interface Trying {
  readonly step: 'trying'
  readonly what: string
}
export interface Verified {
  readonly step: 'verified'
  readonly verification: Verification
}
export interface Timed extends Timing {
  readonly step: 'timed'
  readonly attention: string
  readonly sizes: Sizes
}
export interface Lost {
  readonly step: 'lost'
  readonly why: string
}

export async function* runOnDevice(wish: Wish): AsyncGenerator<DeviceStep> {
  yield* withStudy(wish, async function* (studied): AsyncGenerator<DeviceStep> {
    const device = await requestDevice()
    if (typeof device === 'string') return yield { step: 'missing', why: device }
    yield { step: 'found', adapter: device.about }
    try {
      for (const attention of studied.module.attentions)
        yield* whileThere(device.gpu, tryAttention(attention, studied, device.gpu, wish))
    } finally {
      device.gpu.destroy()
    }
  })
}

/** Steps until the device is lost: what waits for it then may wait for ever. */
async function* whileThere(device: GPUDevice, steps: AsyncGenerator<DeviceStep>): AsyncGenerator<DeviceStep> {
  const lost = device.lost.then(({ message }): Lost => ({ step: 'lost', why: message }))
  const soon = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, 100))
  for (;;) {
    const next = steps.next().catch(async (error: unknown) => {
      const reason = await Promise.race([lost, soon()]) // an error may come before what it comes of
      if (!reason) throw error
      return reason
    })
    const now = await Promise.race([next, lost])
    if ('step' in now) return yield now
    if (now.done) return
    yield now.value
  }
}
/** Or why there is none. */
async function requestDevice(): Promise<{ readonly gpu: GPUDevice; readonly about: string } | string> {
  const { gpu } = navigator
  if (!gpu) return 'this browser has no WebGPU'
  const adapter = await gpu.requestAdapter()
  if (!adapter) return 'WebGPU finds no adapter here'
  const { vendor, architecture, description } = adapter.info
  const about = description || [vendor, architecture].filter((part) => part !== '').join(' ')
  return { gpu: await adapter.requestDevice(), about: about || 'an adapter without a name' }
}

async function* tryAttention(
  attention: Attention,
  studied: Study,
  device: GPUDevice,
  { dtype }: Wish,
): AsyncGenerator<DeviceStep> {
  const build = builder(attention, studied, device)
  const shapes = shapesOf(attention, dtype)
  if (!shapes.ok) return yield { step: 'refused', why: messageOf(shapes) }
  const verify = (onCase: (what: string) => void) =>
    verifyAttention(attention, {
      shapes: shapes.value,
      seed: 0,
      probes: true,
      params: {},
      onCase,
      build: async (shape) => {
        const { program, launcher } = await build(shape.sizes, dtype)
        const arithmetic = { ...webgpu, storage: storageOf(attention, dtype) }
        return done({ arithmetic, prices: [], call: (inputs, params) => launcher.call(program, inputs, params) })
      },
    })
  const verified = yield* reporting(verify)
  if (!verified.ok) return yield { step: 'refused', why: messageOf(verified) }
  yield { step: 'verified', verification: verified.value }
  yield* timeGrowing(attention, shapes.value[0]!.sizes, dtype, build)
}

/** What is said meanwhile, as steps. */
async function* reporting<T>(work: (say: (what: string) => void) => Promise<T>): AsyncGenerator<Trying, T> {
  const said: string[] = []
  let [isDone, wake] = [false, () => {}]
  const result = work((what) => {
    said.push(what)
    wake()
  }).finally(() => {
    isDone = true
    wake()
  })
  result.catch(() => {}) // awaited below, where it is thrown
  for (;;) {
    const what = said.shift()
    if (what !== undefined) yield { step: 'trying', what }
    else if (isDone) return await result
    else
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
}

const messageOf = ({ findings }: Extract<Outcome<unknown>, { ok: false }>): string =>
  findings.map(({ message }) => message).join('; ')

type Build = (sizes: Sizes, dtype: Wish['dtype']) => Promise<Built>
interface Built {
  readonly program: ReturnType<typeof signatureOf>
  readonly launcher: Launcher
}

/** One build for all shapes that have the same lengths at compile time. */
function builder(attention: Attention, studied: Study, device: GPUDevice): Build {
  const built = new Map<string, Promise<Built>>()
  const fixedOf = (sizes: Sizes): Sizes =>
    Object.fromEntries(attention.axes.filter(({ time }) => time === 'compile').map(({ name }) => [name, sizes[name]!]))
  const make = async (sizes: Sizes, dtype: Wish['dtype']): Promise<Built> => {
    const prepared = studied.prepare(await targets.wgsl!(), { target: 'wgsl', dtype, sizes })
    const files = await prepared.emit()
    const code = files.find(({ path }) => path.endsWith('.js'))!
    const program = prepared.programs.find(({ name }) => name === attention.name)!
    const module = await importCode<WebGpuModule>(code.text)
    return { program: signatureOf(program), launcher: launcherOf(module, device) }
  }
  return (sizes, dtype) => {
    const fixed = fixedOf(sizes)
    const key = JSON.stringify([fixed, dtype])
    const known = built.get(key) ?? make(fixed, dtype)
    built.set(key, known)
    return known
  }
}

/** Those of check lines, else one. */
function shapesOf(attention: Attention, dtype: Wish['dtype']): Outcome<readonly Shape[]> {
  const checks = attention.checks.map(({ sizes }) => sizes)
  const wanted = checks.length > 0 ? checks : [{ b: 1, h: 2, i: 17, j: 33, d: 16, e: 16 }]
  const shapes: Shape[] = []
  for (const lengths of wanted) {
    const sizes = completeSizes(attention, lengths, 0)
    if (!sizes.ok) return sizes
    const extent = checkExtent(attention, sizes.value)
    if (!extent.ok) return extent
    const tensors = attention.inputs.map(({ axes }) => axes.reduce((n, axis) => n * (sizes.value[axis] ?? 1), 1))
    if (Math.max(0, ...tensors) > mostElements)
      return failed(problem('ATTN0324', 'the lengths of its check lines are too large for a page'))
    shapes.push({ sizes: sizes.value, dtype, schedules: [inOnePart(undefined)] })
  }
  return done(shapes)
}
const mostElements = 2 ** 22

const tokens = [128, 256, 512, 1024, 2048, 4096]
/** Milliseconds of a launch after which no longer one is tried. */
const slowEnough = 100

/** More and more tokens, until a launch is slow; lengths that follow from others stay as they are. */
async function* timeGrowing(
  attention: Attention,
  sizes: Sizes,
  dtype: Wish['dtype'],
  build: Build,
): AsyncGenerator<DeviceStep> {
  let last = ''
  for (const n of tokens) {
    const longer = completeSizes(attention, { ...sizes, b: 1, i: n, j: n }, 0)
    const key = JSON.stringify(longer)
    if (!longer.ok || key === last) return
    last = key
    const { program, launcher } = await build(longer.value, dtype)
    const params = drawParams(attention, longer.value, 0, {})
    const inputs = drawInputs(attention, longer.value, { seed: 0, dtype, params })
    const timing = await launcher.time(program, inputs, params)
    yield { step: 'timed', attention: attention.name, sizes: longer.value, ...timing }
    if (timing.milliseconds > slowEnough) return
  }
}
