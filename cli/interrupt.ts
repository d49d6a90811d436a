/** Ctrl-C ends a command with 130, and what escapes every other net is a bug that is reported as one. */
import { answerCrash } from './crash.ts'
import { painter, renderFindings } from './render.ts'

const stop = (): never => process.exit(130)

function crash(error: unknown): never {
  const { findings, exit } = answerCrash(error, process.argv.slice(2))
  process.stderr.write(renderFindings(findings, painter(false)))
  process.exit(exit)
}

export async function whileInterruptible<T>(work: () => Promise<T>): Promise<T> {
  process.on('SIGINT', stop)
  process.on('unhandledRejection', crash)
  process.on('uncaughtException', crash)
  try {
    return await work()
  } finally {
    process.off('SIGINT', stop)
    process.off('unhandledRejection', crash)
    process.off('uncaughtException', crash)
  }
}

/**
 * For work with long stretches that never come up for air: there no handler would run, and Ctrl-C would do nothing. Without a
 * handler the system ends the process, which a shell shows as 130 too. Such work must not be writing files.
 */
export async function uninterrupted<T>(work: () => Promise<T> | T): Promise<T> {
  const mine = process.listeners('SIGINT').includes(stop)
  if (mine) process.off('SIGINT', stop)
  try {
    return await work()
  } finally {
    if (mine) process.on('SIGINT', stop)
  }
}

/** For work that ends early and keeps what it has once it is asked to: by the first Ctrl-C. The second ends the process. */
export async function untilInterrupted<T>(work: (isStopped: () => boolean) => Promise<T>): Promise<T> {
  const mine = process.listeners('SIGINT').includes(stop)
  let isStopped = false
  const hear = (): void => {
    if (isStopped) stop()
    isStopped = true
  }
  if (mine) process.off('SIGINT', stop)
  process.on('SIGINT', hear)
  try {
    return await work(() => isStopped)
  } finally {
    process.off('SIGINT', hear)
    if (mine) process.on('SIGINT', stop)
  }
}
