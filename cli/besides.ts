/** What a command reads beside sources and their imports: configurations, and what was tuned. */
import { findConfigs } from '../integrations/find-config.ts'
import { tunedPath } from '../runtime/tuned/tuned-file.ts'
import { configure } from './configured.ts'
import type { CommandName, Options } from './program.ts'

/** Paths of files, which need not be there: one that appears has a say. */
export async function readBesides(
  command: CommandName,
  sources: readonly string[],
  options: Options,
): Promise<readonly string[]> {
  const tuned = (command === 'build' || command === 'run') && options.tuned !== false ? sources.map(tunedPath) : []
  return command === 'build' ? [...tuned, ...(await configurations(options))] : tuned
}

/** A configuration that is wrong is watched too: it will be mended. */
async function configurations(options: Options): Promise<readonly string[]> {
  const configured = await configure(options)
  if (configured.ok) return configured.value.files
  return typeof options.config === 'string' ? [options.config] : findConfigs('.')
}
