/** Generated JavaScript, run in a worker: the page's own policy lets the page itself run nothing that it was not served. */
import type { Kernel } from '../runtime/load-ts.ts'
import { recordOf } from '../runtime/tensor.ts'

/** All that a generated module exports. Throws where the policy of the worker forbids it. */
export async function importCode<T>(text: string): Promise<T> {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  try {
    return await import(/* @vite-ignore */ url)
  } catch (error) {
    if (error instanceof SyntaxError) throw error
    throw new Error("this page's server forbids code of the page's own making: its policy lacks script-src blob:")
  } finally {
    URL.revokeObjectURL(url)
  }
}

export async function importFunctions(text: string): Promise<Readonly<Record<string, Kernel>>> {
  const module = await importCode<Readonly<Record<string, unknown>>>(text)
  return recordOf(Object.entries(module).filter((entry): entry is [string, Kernel] => typeof entry[1] === 'function'))
}
