/** Where a Vulkan driver that runs on the processor may lie, for machines whose own drivers give Dawn no adapter. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { findPlaces } from '../cache/places.ts'
import { readTar } from './tar.ts'

/** A manifest of a driver, and the loader of such manifests where the system has none. */
export interface Driver {
  readonly about: string
  readonly manifest: string
  readonly loader: string | undefined
}

const require = createRequire(import.meta.url)

/** SwiftShader as Chromium's packages have it. */
const installed = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json']

export function findDriver(): Driver | undefined {
  if (process.platform !== 'linux') return undefined
  const manifest = installed.find((path) => existsSync(path))
  if (manifest) return { about: 'SwiftShader of Chromium', manifest, loader: undefined }
  return unpackDriver()
}

const archive = 'bin/swiftshader.tar.br'
const members = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json']

/** SwiftShader as the package @sparticuz/chromium has it, if that is installed: unpacked once, beside what attnc keeps. */
function unpackDriver(): Driver | undefined {
  const path = packageFile('@sparticuz/chromium', archive)
  const cache = findPlaces()?.cache
  if (path === undefined || cache === undefined) return undefined
  const version = packageVersion('@sparticuz/chromium')
  const folder = join(cache, `swiftshader-${version}`)
  if (!members.every((name) => existsSync(join(folder, name)))) unpack(path, folder)
  return {
    about: `SwiftShader of @sparticuz/chromium ${version}`,
    manifest: join(folder, 'vk_swiftshader_icd.json'),
    loader: join(folder, 'libvulkan.so.1'),
  }
}

/** Made aside and moved into place: others may be doing the same. */
function unpack(path: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  const aside = mkdtempSync(`${folder}-`)
  const files = readTar(brotliDecompressSync(readFileSync(path)))
  for (const name of members) {
    const content = files.get(name)
    if (content) writeFileSync(join(aside, name), content, { mode: 0o700 })
  }
  try {
    renameSync(aside, folder)
  } catch {
    rmSync(aside, { recursive: true, force: true }) // there already
  }
}

function packageFile(name: string, path: string): string | undefined {
  const folder = packageFolder(name)
  const file = folder && join(folder, path)
  return file && existsSync(file) ? file : undefined
}

const packageVersion = (name: string): string =>
  JSON.parse(readFileSync(join(packageFolder(name) ?? '', 'package.json'), 'utf8')).version

/** Packages need not export their package.json. */
export function packageFolder(name: string): string | undefined {
  return (require.resolve.paths(name) ?? []).map((folder) => join(folder, name)).find((folder) => existsSync(folder))
}

/** From now on Dawn finds this driver; what was found before stays. */
export function useDriver({ manifest, loader }: Driver): void {
  if (loader !== undefined) loadGlobally(loader)
  process.env.VK_DRIVER_FILES = manifest
}

/** A library that is in the process already is found by its name. Node takes it for an addon and complains, when all is done. */
function loadGlobally(path: string): boolean {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen
  const RTLD_NODELETE = 0x1000
  try {
    process.dlopen({ exports: {} }, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
    return true
  } catch (error) {
    return error instanceof Error && error.message.includes('self-register')
  }
}

/** Whether Dawn would find a loader of drivers by itself; it complains on stderr where it does not. */
export const hasVulkan = (): boolean => process.platform !== 'linux' || loadGlobally('libvulkan.so.1')
