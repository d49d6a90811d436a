/** A thread of the gallery: it is sent examples, one at a time, and answers each with its page. */
import { parentPort } from 'node:worker_threads'
import { makeExample } from './build.ts'
import type { Entry } from './example.ts'

parentPort?.on('message', async (entry: Entry) => parentPort?.postMessage(await makeExample(entry)))
