/** The plugin for webpack: `import attn from 'attnc/webpack'`. */
import { checkWebpack } from './bundlers.ts'
import type { AttnOptions } from './options.ts'
import { plugin } from './plugin.ts'

export type { AttnOptions }

const attn: typeof plugin.webpack = (options) => {
  const made = plugin.webpack(options)
  return {
    apply(compiler) {
      checkWebpack(compiler)
      made.apply(compiler)
    },
  }
}

export default attn
