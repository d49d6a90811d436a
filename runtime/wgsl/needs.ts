/** What running WebGPU kernels in Node takes of the machine. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Need } from '../needs/need.ts'
import { findAdapter, installDriver } from './device.ts'
import { packageFolder } from './driver.ts'

/** Why kernels cannot run here; undefined if they can. */
export async function missingAdapter(): Promise<string | undefined> {
  const adapter = await findAdapter()
  return adapter.ok ? undefined : adapter.findings[0]?.message
}

export async function needsOfWebGpu(): Promise<readonly Need[]> {
  const dawn = needPackage()
  return dawn.state === 'ok' ? [dawn, await needAdapter()] : [dawn]
}

function needPackage(): Need {
  const head = { what: 'package webgpu', required: true }
  const folder = packageFolder('webgpu')
  const manifest = folder && join(folder, 'package.json')
  if (manifest === undefined || !existsSync(manifest))
    return {
      ...head,
      state: 'missing',
      found: 'not installed',
      help: 'npm install webgpu; kernels are generated without it',
    }
  return { ...head, state: 'ok', found: JSON.parse(readFileSync(manifest, 'utf8')).version }
}

async function needAdapter(): Promise<Need> {
  const head = { what: 'WebGPU adapter', required: true }
  const adapter = await findAdapter()
  if (adapter.ok) return { ...head, state: 'ok', found: [adapter.value.about, ...adapter.value.features].join(', ') }
  return { ...head, state: 'missing', found: adapter.findings[0]?.message ?? 'none', help: installDriver }
}

/** What kernels run on; undefined where there is none. */
export async function adapterName(): Promise<string | undefined> {
  const adapter = await findAdapter()
  return adapter.ok ? adapter.value.about : undefined
}
