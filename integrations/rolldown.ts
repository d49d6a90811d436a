/** The plugin for rolldown: `import attn from 'attnc/rolldown'`. */
import { plugin } from './plugin.ts'

export type { AttnOptions } from './options.ts'

export default plugin.rolldown
