/** The plugin for rollup: `import attn from 'attnc/rollup'`. */
import { plugin } from './plugin.ts'

export type { AttnOptions } from './options.ts'

export default plugin.rollup
