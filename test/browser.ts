/** A headless Chromium of the package @sparticuz/chromium, which brings its libraries: nothing of the system is needed. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { packageFolder } from '../runtime/wgsl/driver.ts'
import { readTar } from '../runtime/wgsl/tar.ts'

/** Why no browser can be had; undefined if one can. */
export function missingBrowser(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the browser of the tests is one for Linux on x64'
  return packageFolder('@sparticuz/chromium') ? undefined : 'the package @sparticuz/chromium is not installed'
}

/** Where it is unpacked: 200 MB, once. */
function unpackBrowser(): string {
  const from = join(packageFolder('@sparticuz/chromium')!, 'bin')
  const folder = join(
    tmpdir(),
    `attnc-chromium-${JSON.parse(readFileSync(join(from, '../package.json'), 'utf8')).version}`,
  )
  if (existsSync(folder)) return folder
  const aside = mkdtempSync(`${folder}-`)
  const read = (name: string): Buffer => brotliDecompressSync(readFileSync(join(from, name)))
  writeFileSync(join(aside, 'chromium'), read('chromium.br'), { mode: 0o755 })
  for (const archive of ['al2023.tar.br', 'swiftshader.tar.br'])
    for (const [path, content] of readTar(read(archive))) {
      mkdirSync(dirname(join(aside, path)), { recursive: true })
      writeFileSync(join(aside, path), content, { mode: 0o755 })
    }
  try {
    renameSync(aside, folder)
  } catch {
    rmSync(aside, { recursive: true }) // another test was quicker
  }
  return folder
}

export async function launchBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  const folder = unpackBrowser()
  const { VK_DRIVER_FILES, ...env } = process.env // test/setup.ts sets it, for what these tests launch themselves
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: ['--no-sandbox', '--enable-unsafe-webgpu', '--disable-quic', '--no-first-run'],
    env: { ...env, LD_LIBRARY_PATH: join(folder, 'lib') } as Record<string, string>,
    timeout: 60_000,
  })
}

export interface Site {
  readonly url: string
  readonly server: Server
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  html: 'text/html',
  css: 'text/css',
  woff2: 'font/woff2',
  svg: 'image/svg+xml',
}

/** What makes a page cross-origin isolated, so that it can share memory with its workers. */
export const isolating = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
} as const

/** Files by path, from this machine only, under a policy that forbids eval and all that is not from here. */
export function serve(
  files: ReadonlyMap<string, string | Uint8Array>,
  policy = "default-src 'self'",
  headers: Readonly<Record<string, string>> = {},
): Promise<Site> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1).replace(/^$|\/$/, '$&index.html')
    const text = files.get(path)
    response.statusCode = text === undefined ? 404 : 200
    response.setHeader('content-type', types[path.split('.').at(-1) ?? ''] ?? 'text/plain')
    response.setHeader('content-security-policy', policy)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.end(text ?? '')
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server })
    })
  })
}
