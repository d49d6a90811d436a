/** The plugin for esbuild: `import attn from 'attnc/esbuild'`. */
import { plugin } from './plugin.ts'

export type { AttnOptions } from './options.ts'

export default plugin.esbuild
