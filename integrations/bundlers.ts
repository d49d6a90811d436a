/** That a plugin meets the bundler that it is for, in a version that it works with. */
import type { UnpluginOptions } from 'unplugin'

/** The oldest that works, by its number before the first point that counts. */
const oldest = { vite: '7', rollup: '4', rolldown: '1', webpack: '5', esbuild: '0.25' } as const
export type Bundler = keyof typeof oldest

const isBundler = (name: string): name is Bundler => Object.hasOwn(oldest, name)

/** Undefined where all is well, else what to say. */
export function faultOf(
  wanted: Bundler,
  found: { readonly name: string; readonly version?: string | undefined },
): string | undefined {
  const { name, version = '0' } = found
  if (name !== wanted) {
    const other = isBundler(name) ? `; ${name} takes attnc/${name}` : ''
    return `attnc/${wanted} is for ${wanted}, and this is ${name}${other}`
  }
  const [have, need] = [version, oldest[wanted]].map((text) => text.split('.').map(Number))
  const isOld = need!.some(
    (part, n) => part > (have![n] ?? 0) && need!.slice(0, n).every((same, m) => same === have![m]),
  )
  const shown = version === '0' ? 'an older one' : version
  return isOld ? `attnc needs ${wanted} ${oldest[wanted]} or newer, and this is ${shown}` : undefined
}

interface RollupMeta {
  readonly rollupVersion?: string
  readonly rolldownVersion?: string
  readonly viteVersion?: string
}

/** Bundlers in the manner of rollup say what they are when a build starts; older ones of vite do not give their version. */
function inRollup(wanted: Bundler): UnpluginOptions {
  let isVite = false
  const seen = (): void => {
    isVite = true
  }
  return {
    name: 'attnc',
    vite: { configResolved: seen },
    buildStart() {
      const meta: RollupMeta = 'meta' in this ? (this.meta as RollupMeta) : {}
      const { viteVersion, rolldownVersion, rollupVersion } = meta
      const found =
        isVite || viteVersion !== undefined
          ? { name: 'vite', version: viteVersion }
          : rolldownVersion !== undefined
            ? { name: 'rolldown', version: rolldownVersion }
            : { name: 'rollup', version: rollupVersion }
      const fault = faultOf(wanted, found)
      if (fault !== undefined) throw new Error(fault)
    },
  }
}

export function checkBundler(framework: string): Omit<UnpluginOptions, 'name'> {
  if (framework === 'esbuild') return { esbuild: { setup: ({ esbuild }) => check('esbuild', esbuild.version) } }
  if (framework === 'webpack') return {}
  return isBundler(framework) ? inRollup(framework) : {}
}

function check(wanted: Bundler, version: string): void {
  const fault = faultOf(wanted, { name: wanted, version })
  if (fault !== undefined) throw new Error(fault)
}

/** webpack hands itself over; what else calls `apply` is another tool. */
export function checkWebpack(compiler: unknown): void {
  const tool = typeof compiler === 'object' && compiler !== null && 'webpack' in compiler ? compiler.webpack : undefined
  const version = typeof tool === 'function' && 'version' in tool ? String(tool.version) : undefined
  const fault =
    version === undefined
      ? 'attnc/webpack is for webpack 5, and this is none; others take attnc/vite, attnc/rollup, attnc/rolldown, attnc/esbuild'
      : faultOf('webpack', { name: 'webpack', version })
  if (fault !== undefined) throw new Error(fault)
}
