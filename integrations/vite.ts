/** The plugin for vite: `import attn from 'attnc/vite'`. */
import { plugin } from './plugin.ts'

export type { AttnOptions } from './options.ts'

export default plugin.vite
