import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cache, tryOpen } from '../runtime/cache/cache.ts'
import { findPlaces, type Places } from '../runtime/cache/places.ts'
import type { Request } from '../runtime/cache/provide.ts'
import { clear, list, prune, pruneSometimes } from '../runtime/cache/prune.ts'
import { type Store, sweep } from '../runtime/cache/store.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'

const isRoot = process.getuid?.() === 0

let folder: string
let places: Places
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-cache-'))
  places = { cache: join(folder, 'cache'), config: join(folder, 'config') }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const keyNamed = (letter: string): string => letter.repeat(64)
const at = (...names: readonly string[]): string => join(places.cache, 'v1', ...names)
const entryOf = (key: string, ...names: readonly string[]): string => at('entries', key, ...names)
const secret = (): string => join(places.config, 'cache-key')

interface Given {
  readonly text: string
  readonly built: boolean
  readonly warnings: readonly string[]
}

/** Asks for the build of a key, in a cache as a new process has it. */
async function provide(
  key = keyNamed('a'),
  { cache = new Cache(places), text = `text of ${key}` }: { cache?: Cache; text?: string } = {},
): Promise<Given> {
  let built = false
  const warnings: string[] = []
  const outcome = await cache.provide({
    key,
    about: { source: 'a.attn', target: 'ts', options: 'f32' },
    build: async (staging) => {
      built = true
      staging.write('module.js', text)
      staging.write('other.bin', Uint8Array.of(0, 255))
      return done(undefined)
    },
    use: async (made) => done(Buffer.from(made.read('module.js')).toString()),
    warn: ({ code, severity, message }) => void warnings.push(`${severity} ${code} ${message}`),
  })
  if (!outcome.ok) throw new Error('it failed')
  return { text: outcome.value, built, warnings }
}

function storeOf(): Store {
  const store = tryOpen(places)
  if (!store.ok) throw new Error(store.fault)
  return store.value
}

const leftovers = (): readonly string[] =>
  ['staging', 'claims', 'trash'].flatMap((room) => readdirSync(at(room)).map((name) => `${room}/${name}`))

describe('an entry', () => {
  test('is built once, and found by others', async () => {
    expect(await provide()).toEqual({ text: `text of ${keyNamed('a')}`, built: true, warnings: [] })
    expect(await provide()).toEqual({ text: `text of ${keyNamed('a')}`, built: false, warnings: [] })
    expect((await provide(keyNamed('b'))).built).toBe(true)
    expect(leftovers()).toEqual([])
  })

  test('is nobody else’s, with all that leads to it', async () => {
    const umask = process.umask(0)
    try {
      await provide()
    } finally {
      process.umask(umask)
    }
    const modes = [places.cache, places.config, at(), at('entries'), entryOf(keyNamed('a'))].map(
      (path) => lstatSync(path).mode & 0o777,
    )
    expect(modes).toEqual(modes.map(() => 0o700))
    const files = [secret(), ...readdirSync(entryOf(keyNamed('a'))).map((name) => entryOf(keyNamed('a'), name))]
    expect(files.length).toBe(5)
    expect(files.map((path) => lstatSync(path).mode & 0o777)).toEqual(files.map(() => 0o600))
  })

  test('says what it is', async () => {
    await provide()
    const manifest = JSON.parse(readFileSync(entryOf(keyNamed('a'), 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({
      schema: 1,
      key: keyNamed('a'),
      about: { source: 'a.attn', target: 'ts', options: 'f32' },
      files: [
        { name: 'module.js', size: 72, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { name: 'other.bin', size: 2 },
      ],
    })
    expect(readFileSync(secret(), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
  })

  test('is not made where the build fails or throws, and nothing is left', async () => {
    const request: Omit<Request<string>, 'build'> = {
      key: keyNamed('a'),
      about: { source: 'a.attn', target: 'ts', options: '' },
      use: async () => done(''),
      warn: ({ message }) => expect(message).toBe(''),
    }
    const fails = async (): Promise<Outcome<undefined>> => failed(problem('ATTN0330', 'no compiler'))
    expect(await new Cache(places).provide({ ...request, build: fails })).toMatchObject({ ok: false })
    const throws = async (): Promise<Outcome<undefined>> => {
      throw new Error('planted')
    }
    await expect(new Cache(places).provide({ ...request, build: throws })).rejects.toThrow('planted')
    expect(readdirSync(at('entries'))).toEqual([])
    expect(leftovers()).toEqual([])
    expect((await provide()).built).toBe(true)
  })

  test.each(['../x', 'a/b', '', '.', 'manifest.json', 'manifest.hmac', 'a\0b'])(
    'holds no file called %j',
    async (name) => {
      const request = {
        key: keyNamed('a'),
        about: { source: 'a.attn', target: 'ts', options: '' },
        build: async (staging: { write: (name: string, text: string) => void }) => done(staging.write(name, '')),
        use: async () => done(''),
        warn: () => {},
      }
      await expect(new Cache(places).provide(request)).rejects.toThrow(RangeError)
    },
  )

  test('holds plain files only', async () => {
    const request = {
      key: keyNamed('a'),
      about: { source: 'a.attn', target: 'ts', options: '' },
      build: async (staging: { folder: string }) => done(symlinkSync('/etc/passwd', join(staging.folder, 'link'))),
      use: async () => done(''),
      warn: () => {},
    }
    await expect(new Cache(places).provide(request)).rejects.toThrow('plain files')
    expect(leftovers()).toEqual([])
  })
})

describe('an entry is deleted and built anew, with one warning, if', () => {
  const a = keyNamed('a')
  const flip = (path: string, byte: number): void => {
    const bytes = readFileSync(path)
    bytes[byte < 0 ? bytes.length + byte : byte]! ^= 1
    writeFileSync(path, bytes)
  }
  const inManifest = (what: string): number => readFileSync(entryOf(a, 'manifest.json')).indexOf(what) + what.length

  const attacks: Readonly<Record<string, () => void>> = {
    'a byte of a file is changed': () => flip(entryOf(a, 'module.js'), 3),
    'the last byte of a file is changed': () => flip(entryOf(a, 'other.bin'), -1),
    'a file is longer': () => writeFileSync(entryOf(a, 'module.js'), ' ', { flag: 'a' }),
    'a file is shorter': () => truncateSync(entryOf(a, 'module.js'), 5),
    'a file is empty': () => truncateSync(entryOf(a, 'module.js'), 0),
    'a file is missing': () => rmSync(entryOf(a, 'other.bin')),
    'two files are exchanged': () => {
      renameSync(entryOf(a, 'module.js'), entryOf(a, 'x'))
      renameSync(entryOf(a, 'other.bin'), entryOf(a, 'module.js'))
      renameSync(entryOf(a, 'x'), entryOf(a, 'other.bin'))
    },
    'there is another file': () => writeFileSync(entryOf(a, 'extra.js'), '', { mode: 0o600 }),
    'there is a hidden file': () => writeFileSync(entryOf(a, '.extra'), '', { mode: 0o600 }),
    'there is a folder in it': () => mkdirSync(entryOf(a, 'folder')),
    'its manifest names another hash': () => flip(entryOf(a, 'manifest.json'), inManifest('"sha256": "')),
    'its manifest names another size': () => flip(entryOf(a, 'manifest.json'), inManifest('"size": ')),
    'its manifest names another file': () => flip(entryOf(a, 'manifest.json'), inManifest('"name": "')),
    'its manifest names another key': () => flip(entryOf(a, 'manifest.json'), inManifest('"key": "')),
    'its manifest names another source': () => flip(entryOf(a, 'manifest.json'), inManifest('"source": "')),
    'its manifest has another date': () => flip(entryOf(a, 'manifest.json'), inManifest('"made": "')),
    'its manifest has a blank more': () => writeFileSync(entryOf(a, 'manifest.json'), ' ', { flag: 'a' }),
    'its manifest is empty': () => truncateSync(entryOf(a, 'manifest.json'), 0),
    'its manifest is missing': () => rmSync(entryOf(a, 'manifest.json')),
    'its manifest is huge': () => truncateSync(entryOf(a, 'manifest.json'), 2 ** 30),
    'its signature is changed': () => flip(entryOf(a, 'manifest.hmac'), 10),
    'its signature is in capitals': () =>
      writeFileSync(entryOf(a, 'manifest.hmac'), readFileSync(entryOf(a, 'manifest.hmac'), 'utf8').toUpperCase()),
    'its signature is shorter': () => truncateSync(entryOf(a, 'manifest.hmac'), 63),
    'its signature is longer': () => writeFileSync(entryOf(a, 'manifest.hmac'), '\n', { flag: 'a' }),
    'its signature is missing': () => rmSync(entryOf(a, 'manifest.hmac')),
    'others may read it': () => chmodSync(entryOf(a), 0o750),
    'others may write to it': () => chmodSync(entryOf(a), 0o777),
    'others may write to a file': () => chmodSync(entryOf(a, 'module.js'), 0o622),
    'others may read its manifest': () => chmodSync(entryOf(a, 'manifest.json'), 0o644),
    'others may read its signature': () => chmodSync(entryOf(a, 'manifest.hmac'), 0o640),
    'a file is a link to the same text': () => {
      renameSync(entryOf(a, 'module.js'), join(folder, 'elsewhere'))
      symlinkSync(join(folder, 'elsewhere'), entryOf(a, 'module.js'))
    },
    'it is a link to itself elsewhere': () => {
      renameSync(entryOf(a), join(folder, 'elsewhere'))
      symlinkSync(join(folder, 'elsewhere'), entryOf(a))
    },
    'it is a link to nothing': () => {
      rmSync(entryOf(a), { recursive: true })
      symlinkSync(join(folder, 'nowhere'), entryOf(a))
    },
    'it is a file': () => {
      rmSync(entryOf(a), { recursive: true })
      writeFileSync(entryOf(a), 'module')
    },
    'it is an empty folder': () => {
      rmSync(entryOf(a), { recursive: true })
      mkdirSync(entryOf(a), { mode: 0o700 })
    },
    'it is the entry of another key': () => {
      rmSync(entryOf(a), { recursive: true })
      renameSync(entryOf(keyNamed('b')), entryOf(a))
    },
    'its manifest and signature are those of another key': () => {
      for (const name of ['manifest.json', 'manifest.hmac'])
        writeFileSync(entryOf(a, name), readFileSync(entryOf(keyNamed('b'), name)))
    },
  }
  const attacksOfRoot: typeof attacks = {
    'it belongs to another user': () => chownSync(entryOf(a), 65_534, 65_534),
    'a file belongs to another user': () => chownSync(entryOf(a, 'module.js'), 65_534, 65_534),
    'its manifest belongs to another user': () => chownSync(entryOf(a, 'manifest.json'), 65_534, 65_534),
  }

  test.each(Object.entries({ ...attacks, ...(isRoot ? attacksOfRoot : {}) }))('%s', async (_what, attack) => {
    await provide(a)
    await provide(keyNamed('b'))
    attack()
    const { text, built, warnings } = await provide(a)
    expect({ text, built }).toEqual({ text: `text of ${a}`, built: true })
    expect(warnings).toEqual([
      expect.stringMatching(/^warning ATTN0361 what was kept of a\.attn for ts is not as it was written: ./),
    ])
    expect(await provide(a)).toMatchObject({ built: false, warnings: [] })
    expect(leftovers()).toEqual([])
    if (existsSync(join(folder, 'elsewhere'))) expect(lstatSync(join(folder, 'elsewhere')).isSymbolicLink()).toBe(false) // a link is removed, not what it leads to
  })

  test('it was signed with another key, in a manifest that is right in itself', async () => {
    await provide(a)
    const theirs = { cache: join(folder, 'their-cache'), config: join(folder, 'their-config') }
    await provide(a, { cache: new Cache(theirs), text: 'planted' })
    rmSync(entryOf(a), { recursive: true })
    renameSync(join(theirs.cache, 'v1', 'entries', a), entryOf(a))
    expect(await provide(a)).toMatchObject({
      text: `text of ${a}`,
      built: true,
      warnings: [expect.stringContaining('not signed by the key of this user')],
    })
  })
})

test.skipIf(isRoot)('an entry that may not be read is built anew', async () => {
  await provide()
  chmodSync(entryOf(keyNamed('a')), 0)
  expect(await provide()).toMatchObject({ built: true, warnings: [expect.stringContaining('mode 000')] })
})

describe('the key of the user', () => {
  test.each([
    ['others may have read it', () => chmodSync(secret(), 0o644)],
    ['it is no key', () => writeFileSync(secret(), 'secret')],
    ['it is empty', () => truncateSync(secret(), 0)],
    ['it is in capitals', () => writeFileSync(secret(), `${'A'.repeat(64)}\n`)],
  ])('is replaced with one warning if %s, and what it signed is gone', async (_why, change) => {
    await provide()
    await provide(keyNamed('b'))
    const before = readFileSync(secret(), 'utf8')
    change()
    const cache = new Cache(places)
    const { built, warnings } = await provide(keyNamed('a'), { cache })
    expect({ built, warnings }).toEqual({
      built: true,
      warnings: [expect.stringMatching(/^warning ATTN0362 .*cache-key /)],
    })
    expect(await provide(keyNamed('b'), { cache })).toMatchObject({ built: true, warnings: [] })
    expect(readFileSync(secret(), 'utf8')).not.toBe(before)
    expect(lstatSync(secret()).mode & 0o777).toBe(0o600)
    expect(await provide()).toMatchObject({ built: false, warnings: [] })
  })

  test('is made anew if it is missing, and what the lost one signed is gone', async () => {
    await provide()
    rmSync(places.config, { recursive: true })
    expect(await provide()).toMatchObject({ built: true, warnings: [] })
  })

  test('is no link', async () => {
    mkdirSync(places.config, { recursive: true })
    writeFileSync(join(folder, 'theirs'), `${'a'.repeat(64)}\n`, { mode: 0o600 })
    symlinkSync(join(folder, 'theirs'), secret())
    expect(await provide()).toMatchObject({ built: true, warnings: [expect.stringMatching(/ATTN0360.*no plain file/)] })
  })

  test.runIf(isRoot)('is not another user’s', async () => {
    await provide()
    chownSync(secret(), 65_534, 65_534)
    expect(await provide()).toMatchObject({ built: true, warnings: [expect.stringMatching(/ATTN0360.*another user/)] })
  })
})

describe('without a usable folder, what is asked for is built each time, with one warning in a process, if', () => {
  const deny = (path: string): void => {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, '')
  }
  const refusals: Readonly<Record<string, () => void>> = {
    'a file is in the way': () => deny(places.cache),
    'a file is in the way of its parts': () => deny(at('entries')),
    'the folder of the key cannot be made': () => deny(places.config),
    'it cannot be made': () => {
      places = { ...places, cache: '/proc/attnc' }
    },
    'nothing can be made in it': () => {
      places = { ...places, cache: '/sys' }
    },
    'it is open to others': () => {
      mkdirSync(at(), { recursive: true })
      chmodSync(at(), 0o755)
    },
    'a part of it is open to others': () => {
      mkdirSync(at('entries'), { recursive: true, mode: 0o700 })
      chmodSync(at('entries'), 0o777)
    },
    'all may write to the folder above': () => {
      mkdirSync(places.cache)
      chmodSync(places.cache, 0o777)
    },
    'it is a link': () => {
      mkdirSync(join(folder, 'elsewhere', 'v1'), { recursive: true, mode: 0o700 })
      mkdirSync(places.cache)
      symlinkSync(join(folder, 'elsewhere', 'v1'), at())
    },
  }
  const refusalsOfRoot: typeof refusals = {
    'it belongs to another user': () => {
      mkdirSync(at(), { recursive: true, mode: 0o700 })
      chownSync(at(), 65_534, 65_534)
    },
    'the folder above belongs to another user': () => {
      mkdirSync(at(), { recursive: true, mode: 0o700 })
      chownSync(places.cache, 65_534, 65_534)
    },
  }
  const refusalsOfOthers: typeof refusals = {
    'it may not be written to': () => {
      mkdirSync(places.cache, { mode: 0o500 })
    },
  }

  test.each(Object.entries({ ...refusals, ...(isRoot ? refusalsOfRoot : refusalsOfOthers) }))(
    '%s',
    async (_why, refuse) => {
      refuse()
      const cache = new Cache(places)
      const first = await provide(undefined, { cache })
      expect(first).toMatchObject({ text: `text of ${keyNamed('a')}`, built: true })
      expect(first.warnings).toEqual([expect.stringMatching(/^warning ATTN0360 /)])
      expect(await provide(undefined, { cache })).toMatchObject({ built: true, warnings: [] })
    },
  )

  test('nothing says where home is', async () => {
    const cache = new Cache(findPlaces({}, 'linux', ''))
    expect(await provide(undefined, { cache })).toMatchObject({
      built: true,
      warnings: [expect.stringContaining('home')],
    })
  })

  test.skipIf(isRoot)('it is full of what can be read and not written', async () => {
    await provide()
    for (const room of ['entries', 'claims', 'staging', 'trash']) chmodSync(at(room), 0o500)
    try {
      expect(await provide()).toMatchObject({ built: true })
    } finally {
      for (const room of ['entries', 'claims', 'staging', 'trash']) chmodSync(at(room), 0o700)
    }
  })
})

test('what is needed is built if the cache is emptied all the time', async () => {
  const cache = new Cache(places)
  let emptied = 0
  const outcome = await cache.provide({
    key: keyNamed('a'),
    about: { source: 'a.attn', target: 'ts', options: '' },
    build: async (staging) => done(staging.write('x', 'y')),
    use: async (made) => {
      if (emptied++ < 2) {
        rmSync(entryOf(keyNamed('a')), { recursive: true })
        readFileSync(made.path('x'))
      }
      return done(Buffer.from(made.read('x')).toString())
    },
    warn: ({ message }) => expect(message).toBe(''),
  })
  expect(outcome).toEqual({ ok: true, value: 'y' })
  expect(emptied).toBe(3)
})

test('without a cache, a tool is given a folder, which is gone afterwards', async () => {
  let used = ''
  const outcome = await new Cache(undefined).provide({
    key: keyNamed('a'),
    about: { source: 'a.attn', target: 'ts', options: '' },
    build: async (staging) => {
      staging.write('in.txt', 'in')
      writeFileSync(join(staging.folder, 'out.txt'), 'out')
      return done(undefined)
    },
    use: async (made) => {
      used = made.path('out.txt')
      return done([
        readFileSync(used, 'utf8'),
        readFileSync(made.path('in.txt'), 'utf8'),
        Buffer.from(made.read('out.txt')).toString(),
      ])
    },
    warn: () => {},
  })
  expect(outcome).toEqual({ ok: true, value: ['out', 'in', 'out'] })
  expect(existsSync(join(used, '..'))).toBe(false)
})

describe('pruning', () => {
  const keys = ['a', 'b', 'c', 'd'].map(keyNamed)
  const hour = 3600
  /** Entries of about equal size; the later in the alphabet, the longer ago used. */
  async function fill(): Promise<Store> {
    for (const key of keys) await provide(key)
    const now = Date.now() / 1000
    for (const [n, key] of keys.entries()) utimesSync(entryOf(key), now - (n + 1) * hour, now - (n + 1) * hour)
    return storeOf()
  }
  const left = (): string =>
    readdirSync(at('entries'))
      .map((name) => name[0])
      .sort()
      .join('')

  test('removes what was not used for longest', async () => {
    const store = await fill()
    const [first] = list(store)
    const size = first?.bytes ?? 0
    expect(size).toBeGreaterThan(300)
    expect(prune(store, 10 * size)).toMatchObject({ removed: 0, freed: 0, entries: 4 })
    expect(prune(store, 2 * size + 10)).toMatchObject({ removed: 2, entries: 2 })
    expect(left()).toBe('ab')
    expect(prune(store, 0)).toEqual({ removed: 2, freed: 2 * size, entries: 0, bytes: 0 })
    expect(left()).toBe('')
    expect(leftovers()).toEqual([])
  })

  test('counts a use', async () => {
    const store = await fill()
    await provide(keys[3])
    expect(list(store).map(({ key }) => key[0])).toEqual(['d', 'a', 'b', 'c'])
    prune(store, (list(store)[0]?.bytes ?? 0) + 10)
    expect(left()).toBe('d')
  })

  test('removes what is not as it was written, and what is no entry', async () => {
    const store = await fill()
    writeFileSync(entryOf(keys[0]!, 'manifest.hmac'), 'x')
    mkdirSync(at('entries', 'x'))
    symlinkSync('/etc', at('entries', 'y'))
    expect(list(store).filter(({ about }) => about === undefined).length).toBe(1)
    expect(prune(store, 2 ** 30)).toMatchObject({ removed: 1, entries: 3 })
    expect(left()).toBe('bcd')
    expect(existsSync('/etc/passwd')).toBe(true)
  })

  test('removes what ended processes have left, and leaves what is at work', async () => {
    const store = await fill()
    const old = new Date(Date.now() - 3600_000)
    for (const name of ['old', 'new']) {
      mkdirSync(at('staging', name))
      writeFileSync(at('staging', name, 'x'), '')
      writeFileSync(at('claims', name), `elsewhere 1 x`)
      writeFileSync(at('trash', name), '')
    }
    writeFileSync(at('claims', 'ended'), `${hostname()} 999999999 x`)
    for (const path of [at('staging', 'old'), at('claims', 'old')]) utimesSync(path, old, old)
    sweep(store)
    expect(leftovers()).toEqual(['staging/new', 'claims/new'])
    clear(store)
    expect(left()).toBe('')
    expect(readdirSync(at('staging'))).toEqual(['new'])
  })

  test('happens by itself, once an hour at most', async () => {
    const store = await fill() // the first build has pruned, and left its mark
    pruneSometimes(store, 0)
    expect(left()).toBe('abcd')
    const old = new Date(Date.now() - 2 * 3600_000)
    utimesSync(at('pruned'), old, old)
    pruneSometimes(store, 0)
    expect(left()).toBe('')
    await provide()
    pruneSometimes(store, 0)
    expect(left()).toBe('a')
  })

  test('clearing removes all', async () => {
    const store = await fill()
    expect(clear(store)).toMatchObject({ removed: 4, entries: 0, bytes: 0 })
    expect([left(), leftovers()]).toEqual(['', []])
    expect((await provide()).built).toBe(true)
  })
})

describe('places', () => {
  test.each([
    [{}, 'linux', '/home/u', '/home/u/.cache/attnc', '/home/u/.config/attnc'],
    [{ XDG_CACHE_HOME: '/c', XDG_CONFIG_HOME: '/d' }, 'linux', '/home/u', '/c/attnc', '/d/attnc'],
    [{ XDG_CACHE_HOME: 'c', XDG_CONFIG_HOME: '' }, 'linux', '/home/u', '/home/u/.cache/attnc', '/home/u/.config/attnc'],
    [{ ATTNC_CACHE_DIR: '/x' }, 'linux', '/home/u', '/x', '/home/u/.config/attnc'],
    [{ ATTNC_CACHE_DIR: '' }, 'linux', '/home/u', '/home/u/.cache/attnc', '/home/u/.config/attnc'],
    [{}, 'darwin', '/Users/u', '/Users/u/Library/Caches/attnc', '/Users/u/Library/Application Support/attnc'],
    [{ XDG_CACHE_HOME: '/c' }, 'darwin', '/Users/u', '/c/attnc', '/Users/u/Library/Application Support/attnc'],
    [{ LOCALAPPDATA: 'C:\\L', APPDATA: 'C:\\R' }, 'win32', 'C:\\Users\\u', 'C:\\L\\attnc\\cache', 'C:\\R\\attnc'],
    [
      {},
      'win32',
      'C:\\Users\\u',
      'C:\\Users\\u\\AppData\\Local\\attnc\\cache',
      'C:\\Users\\u\\AppData\\Roaming\\attnc',
    ],
  ] as const)('by %j on %s below %s', (env, platform, home, cache, config) => {
    expect(findPlaces(env, platform, home)).toEqual({ cache, config })
  })

  test('are nowhere without a home', () => {
    expect(findPlaces({}, 'linux', '')).toBeUndefined()
    expect(findPlaces({ XDG_CACHE_HOME: '/c', XDG_CONFIG_HOME: '/d' }, 'linux', '')).toBeDefined()
  })
})

test('hard links do not help: a linked file that is written to is changed', async () => {
  await provide()
  linkSync(entryOf(keyNamed('a'), 'module.js'), join(folder, 'link'))
  writeFileSync(join(folder, 'link'), 'planted')
  expect(await provide()).toMatchObject({ text: `text of ${keyNamed('a')}`, built: true })
})
