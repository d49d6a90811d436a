/** Which configuration counts: the nearest upwards. Without libraries, so that who has none pays nothing. */
import { readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const names = ['ts', 'mts', 'js', 'mjs', 'toml'].map((end) => `attnc.config.${end}`)

/** All of the nearest folder that has any; there should be one at most. */
export function findConfigs(folder: string): readonly string[] {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = configsIn(at)
    if (found.length > 0 || dirname(at) === at) return found
  }
}

function configsIn(folder: string): readonly string[] {
  try {
    const there = new Set(readdirSync(folder))
    return names.filter((name) => there.has(name)).map((name) => join(folder, name))
  } catch {
    return [] // nobody may look
  }
}
