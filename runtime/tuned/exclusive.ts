/**
 * One process at a time, also where the one before was killed. A lock is a link whose target names its owner: it appears whole or not at
 * all. That of an owner who has ended is broken by one process only, which for that holds a lock named after the one that it breaks, and
 * looks again before it removes it: so nobody removes the lock of a successor.
 */
import { createHash, randomBytes } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'

const me = (): string => `${hostname()}:${process.pid}:${randomBytes(8).toString('hex')}`
const forgotten = 60_000 // ms: work under a lock takes milliseconds, so that this old it is of a process number used again, or of another host

/** Undefined: it could not be had within `patience` ms. Throws where nothing can be written. */
export async function exclusively<T>(
  path: string,
  patience: number,
  work: () => Promise<T> | T,
): Promise<T | undefined> {
  const owner = me()
  for (const start = Date.now(); !acquire(path, owner); await wait(5 + Math.random() * 15))
    if (Date.now() - start > patience) return undefined
  try {
    return await work()
  } finally {
    if (ownerOf(path) === owner) rmSync(path, { force: true })
  }
}

function acquire(path: string, owner: string): boolean {
  if (place(path, owner)) return true
  const other = ownerOf(path)
  if (other === undefined || isAlive(path, other)) return false
  const breaker = `${path}.${createHash('sha256').update(other).digest('hex').slice(0, 12)}`
  if (!acquire(breaker, owner)) return false
  if (ownerOf(path) === other) rmSync(path, { force: true })
  rmSync(breaker, { force: true })
  return place(path, owner)
}

/** False: there is one. */
function place(path: string, owner: string): boolean {
  try {
    if (process.platform === 'win32') writeFileSync(path, owner, { flag: 'wx' })
    else symlinkSync(owner, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function ownerOf(path: string): string | undefined {
  try {
    return process.platform === 'win32' ? readFileSync(path, 'utf8') : readlinkSync(path)
  } catch {
    return undefined
  }
}

function isAlive(path: string, owner: string): boolean {
  const age = Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  const [host, pid] = owner.split(':')
  if (age > forgotten) return false
  return host !== hostname() || isRunning(Number(pid))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
