/** Candidates in a process of their own, with limits. After one has crashed or hung, the next request starts another process. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Job, Reply, Request } from './protocol.ts'
import { fails, type Rig, succeeded, type Tried, type Turns } from './rig.ts'
import { keyOf, type Point } from './space.ts'

export interface Limits {
  readonly build: number // ms for one candidate
  readonly call: number // ms for all calls of one request
}

/** As the user set it: what this process has since set for itself, a driver of WebGPU, the other has to find for itself. */
const { VK_DRIVER_FILES: ownDriver } = process.env

const program = new URL(import.meta.url.replace(/process-rig(\.[jt]s)$/, 'candidate$1'))

/** @param start  what runs candidates; tests give their own */
export function processRig(job: Job, limits: Limits, start: URL = program): Rig {
  let child: ChildProcess | undefined
  const built = new Map<string, Point>() // in this process
  const stop = (): void => {
    child?.kill('SIGKILL')
    child = undefined
    built.clear()
  }
  const ask = (request: Request, limit: number): Promise<Tried<unknown>> =>
    child ? askProcess(child, request, limit, stop) : Promise.resolve(fails('crash', 'there is no process'))
  const started = async (): Promise<Tried<unknown>> => {
    if (child) return succeeded(undefined)
    const env = { ...process.env, VK_DRIVER_FILES: ownDriver }
    child = fork(start, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'advanced', env })
    return ask({ do: 'open', job }, limits.build)
  }
  const make = async (points: readonly Point[]): Promise<readonly Tried<undefined>[]> => {
    const open = await started()
    if (!open.ok) return points.map(() => open)
    const made = await ask({ do: 'build', points }, limits.build * points.length)
    if (!made.ok) return points.map(() => made)
    const results = made.value as readonly Tried<undefined>[]
    for (const [n, point] of points.entries()) if (results[n]?.ok) built.set(keyOf(point), point)
    return results
  }
  /** What takes part in a request has to be there, also in a new process. */
  const having = async (points: readonly Point[], request: Request, limit: number): Promise<Tried<unknown>> => {
    const absent = points.filter((point) => !child || !built.has(keyOf(point)))
    if (absent.length > 0) {
      const [bad] = (await make(absent)).filter((one) => !one.ok)
      if (bad) return bad
    }
    return ask(request, limit)
  }
  return {
    build: async (points) => {
      const results = await make(points)
      if (points.length < 2 || results.every(({ ok }) => ok) || child) return results
      const alone: Tried<undefined>[] = [] // the process ended, and it is not known whose fault that was
      for (const point of points) alone.push((await make([point]))[0]!)
      return alone
    },
    bits: async (point) => (await having([point], { do: 'bits', point }, limits.call)) as Tried<string>,
    verify: async (point) => (await having([point], { do: 'verify', point }, 4 * limits.call)) as Tried<undefined>,
    turns: async (point, other, rounds) => {
      const points = other ? [other, point] : [point]
      return (await having(points, { do: 'turns', point, other, rounds }, limits.call * rounds)) as Tried<Turns>
    },
    restart: async () => stop(),
    close: async () => stop(),
  }
}

function askProcess(child: ChildProcess, request: Request, limit: number, stop: () => void): Promise<Tried<unknown>> {
  return new Promise((resolve) => {
    const end = (result: Tried<unknown>): void => {
      clearTimeout(timer)
      child.off('message', hear).off('exit', leave).off('error', fail)
      resolve(result)
    }
    const hear = ({ result }: Reply): void => end(result)
    const leave = (code: number | null, signal: string | null): void => {
      stop()
      end(fails('crash', signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`))
    }
    const fail = (error: Error): void => {
      stop()
      end(fails('crash', error.message))
    }
    const timer = setTimeout(() => {
      stop()
      end(fails('hang', `it was not done in ${limit / 1000} s`))
    }, limit)
    child.on('message', hear).on('exit', leave).on('error', fail)
    child.send(request)
  })
}
