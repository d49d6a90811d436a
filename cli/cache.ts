/** `attnc cache dir|ls|prune|clear`: what was built and is kept. */
import { didYouMean } from '../grammar/suggest.ts'
import { tryOpen } from '../runtime/cache/cache.ts'
import { findPlaces, type Places } from '../runtime/cache/places.ts'
import { clear, type Listed, list, type Pruned, prune, sizeLimit } from '../runtime/cache/prune.ts'
import { type Store, storeExists } from '../runtime/cache/store.ts'
import { reasonOf } from '../runtime/files.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { parseBytes, showBytes } from './bytes.ts'
import { optional } from './compile-options.ts'
import { oneLine } from './one-line.ts'
import type { Options } from './program.ts'
import { count, table } from './table.ts'

const actions = ['dir', 'ls', 'prune', 'clear'] as const
type Action = (typeof actions)[number]

export async function cache(args: readonly string[], options: Options): Promise<Answer> {
  const action = parseAction(args[0] ?? '', options)
  if (!action.ok) return refuse(action.findings)
  const limit = optional(options.maxSize, (text) => parseBytes('--max-size', text))
  if (!limit.ok) return refuse(limit.findings)
  const places = findPlaces()
  if (!places)
    return refuse([
      problem('ATTN0360', 'nothing says where the home folder is', 'set ATTNC_CACHE_DIR and XDG_CONFIG_HOME'),
    ])
  if (action.value === 'dir')
    return {
      exit: 0,
      findings: [],
      out: `${oneLine(places.cache)}\n`,
      json: { folder: places.cache, config: places.config },
    }
  const store = openExisting(places)
  if (!store.ok) return refuse(store.findings, { folder: places.cache })
  try {
    return action.value === 'ls'
      ? showList(places, store.value)
      : remove(places, store.value, action.value, limit.value)
  } catch (error) {
    return refuse([problem('ATTN0312', `cannot change ${places.cache}: ${reasonOf(error)}`)])
  }
}

function parseAction(word: string, { maxSize }: Options): Outcome<Action> {
  const action = actions.find((one) => one === word)
  if (!action) {
    const { hint = `one of ${actions.join(', ')}` } = didYouMean(word, actions)
    return failed(problem('ATTN0300', `cache knows no '${word}'`, hint))
  }
  if (maxSize === undefined || action === 'prune') return done(action)
  return failed(problem('ATTN0300', `--max-size belongs to prune, not to ${action}`))
}

/** Undefined: nothing was ever kept, and nothing is made for who only looks. */
function openExisting(places: Places): Outcome<Store | undefined> {
  if (!storeExists(places)) return done(undefined)
  const store = tryOpen(places)
  return store.ok ? store : failed(problem('ATTN0360', `the cache cannot be used: ${store.fault}`))
}

function showList({ cache: folder }: Places, store: Store | undefined): Answer {
  const entries = store ? list(store) : []
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  const rows = entries.map(({ key, about, files, bytes: size, used }) => {
    const { source, target, options } = about ?? { source: null, target: null, options: null }
    return { key, source, target, options, files, bytes: size, used: used.toISOString() }
  })
  const out = entries.length > 0 ? table([heads, ...entries.map(cellsOf)], [4, 5]) : ''
  const note = `${count(entries.length, 'build')}, ${showBytes(bytes)} of ${showBytes(sizeLimit)} at most, in ${oneLine(folder)}`
  return { exit: 0, findings: [], out, note, json: { folder, entries: rows, bytes, limit: sizeLimit } }
}

const heads = ['key', 'source', 'target', 'options', 'files', 'size', 'used']

const cellsOf = ({ key, about, files, bytes, used }: Listed): readonly string[] => [
  key.slice(0, 12),
  about ? oneLine(about.source) : '(not as it was written)',
  about?.target ?? '',
  about?.options ?? '',
  `${files.length}`,
  showBytes(bytes),
  used.toISOString().slice(0, 16).replace('T', ' '),
]

function remove(
  { cache: folder }: Places,
  store: Store | undefined,
  action: 'prune' | 'clear',
  limit: number | undefined,
): Answer {
  const done = store ? (action === 'clear' ? clear(store) : prune(store, limit ?? sizeLimit)) : nothing
  const { removed, freed, entries, bytes } = done
  const out = `removed ${count(removed, 'build')} (${showBytes(freed)}), ${count(entries, 'build')} left (${showBytes(bytes)})\n`
  return { exit: 0, findings: [], out, json: { folder, removed, freed, left: entries, bytes } }
}

const nothing: Pruned = { removed: 0, freed: 0, entries: 0, bytes: 0 }
