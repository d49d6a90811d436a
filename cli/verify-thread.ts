/** A thread of `verify`: it is sent sources, one at a time, and answers each with what it found. */
import { parentPort } from 'node:worker_threads'
import { importReader } from '../runtime/imports.ts'
import { verifySource } from './verify-source.ts'
import type { Reply, Task } from './verify-threads.ts'

const reply = (what: Reply): void => parentPort?.postMessage(what)

parentPort?.on('message', async ({ file, asked, shows }: Task) => {
  const source = { file, folder: '', readImport: importReader(file) }
  const progress = shows ? (what: string) => reply({ progress: what }) : undefined
  reply({ found: await verifySource(source, asked, progress) })
})
