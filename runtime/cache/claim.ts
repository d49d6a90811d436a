/**
 * Saves work, never decides what is right: a process that builds an entry says so, and others wait for it instead of building the
 * same. A claim of a process that has ended counts for nothing, and one that is taken over too early costs a second build.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { hostname } from 'node:os'
import { placeWhole } from './private.ts'

const beatEvery = 1000
const deadAfter = 30_000 // ms without a beat; on a crowded machine, a compiler keeps its thread busy for many seconds

/** Tells the others every second that what lies at these paths is still at work. Gives the function that stops it. */
export function beat(...paths: readonly string[]): () => void {
  const timer = setInterval(() => paths.forEach(touch), beatEvery)
  timer.unref()
  return () => clearInterval(timer)
}

/** Sets the time of what is there to now. */
export function touch(path: string): void {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // it is gone, or on a read-only file system; the time is not that important
  }
}

export const age = (path: string): number => {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? Math.abs(Date.now() - stat.mtimeMs) : Infinity
}

const me = `${hostname()} ${process.pid} ${randomBytes(6).toString('hex')}` // a process may have several threads

/** True: the claim is this process's now, to be given up with `release`. */
export function claim(path: string): boolean {
  if (isLive(path)) return false
  if (age(path) < Infinity) rmSync(path, { force: true })
  return placeWhole(path, me)
}

export function release(path: string): void {
  if (ownerOf(path) === me) rmSync(path, { force: true })
}

/** Somebody is at work on it. */
export function isLive(path: string): boolean {
  if (age(path) > deadAfter) return false
  const [host, pid] = ownerOf(path).split(' ')
  return host !== hostname() || pid === undefined || isRunning(Number(pid))
}

function ownerOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
