/** `node --import attnc/register app.js`: sources are modules in Node, without a build. */
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { AttncError, analyze, openSource } from '../node.ts'
import { valueOrThrow } from '../runtime/attnc-error.ts'
import { exportedName } from '../runtime/load-ts.ts'
import { parseId } from './module.ts'

/** Compiles; beside this file, under the ending that this one has. */
const compiler = import.meta.url.replace(/register(?=\.\w+$)/, 'registered')

registerHooks({
  load(url, context, next) {
    const asked = url.startsWith('file:') ? parseId(url) : undefined
    if (!asked) return next(url, context)
    const path = fileURLToPath(asked.path)
    return { format: 'module', shortCircuit: true, source: moduleOf(path, asked.query) }
  },
})

/**
 * Hooks have to answer at once, and compiling takes its time: the module waits for it. What is wrong with the source is said
 * before, where it is imported.
 */
function moduleOf(path: string, query: string): string {
  const { file, readImport } = valueOrThrow(openSource(path))
  const module = analyze(file, readImport)
  if (!module.ok) throw new AttncError(module.diagnostics)
  const names = query === '' ? module.value.attentions.map(({ name }) => exportedName(name)) : ['default']
  return [
    `import { importSource } from ${JSON.stringify(compiler)}`,
    `const module = await importSource(${JSON.stringify({ path, query })})`,
    ...names.map((name, n) => `const export${n} = module[${JSON.stringify(name)}]\nexport { export${n} as ${name} }`),
    '',
  ].join('\n')
}
