/** One plugin for vite, rollup, rolldown, esbuild and webpack: sources are modules. */
import { dirname, isAbsolute, resolve } from 'node:path'
import {
  createUnplugin,
  type UnpluginBuildContext,
  type UnpluginContext,
  type UnpluginInstance,
  type UnpluginMessage,
  type UnpluginOptions,
} from 'unplugin'
import { checkBundler } from './bundlers.ts'
import { compileModule, parseId } from './module.ts'
import type { AttnOptions } from './options.ts'
import { messageOf } from './overlay.ts'

const filter = { id: /\.attn(\?(wgsl|meta))?$/ }

export const plugin: UnpluginInstance<AttnOptions | undefined, false> = createUnplugin((options, { framework }) => {
  const withQueries = framework === 'rollup' || framework === 'rolldown' || framework === 'esbuild'
  const loading: UnpluginOptions = {
    name: 'attnc',
    load: {
      filter,
      async handler(this: UnpluginBuildContext & UnpluginContext, id: string) {
        const asked = parseId(id)
        if (!asked) return undefined
        const { code, findings, inputs } = await compileModule(asked, options)
        for (const input of inputs) this.addWatchFile(input)
        const errors = findings.filter(({ severity }) => severity === 'error')
        for (const finding of findings) if (finding.severity === 'warning') this.warn(messageOf([finding], framework))
        if (code === undefined) return refuse(this, messageOf(errors, framework), framework)
        return { code, map: { mappings: '', names: [], sources: [], version: 3 }, moduleType: 'js' }
      },
    },
    ...checkBundler(framework),
  }
  // These look for a file of the whole name, query included.
  const resolving: Pick<UnpluginOptions, 'resolveId'> = {
    resolveId: {
      filter: { id: /\.attn\?(wgsl|meta)$/ },
      handler: (id, importer) => (isAbsolute(id) || importer === undefined ? id : resolve(dirname(importer), id)),
    },
  }
  return withQueries ? { ...loading, ...resolving } : loading
})

/** Each bundler has its own way to be told; none goes on with a module that has none. */
function refuse(context: UnpluginContext, message: UnpluginMessage, framework: string): string {
  if (framework === 'webpack') throw Object.assign(new Error(message.message), { hideStack: true })
  context.error(message)
  return ''
}
