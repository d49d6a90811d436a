/** Lets go of the results of calls, untimed: JavaScript that holds none has their memory for the next. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is collected is given back in a later turn of the event loop. */
export async function settle(): Promise<void> {
  collect()
  await new Promise((resolve) => setImmediate(resolve))
}
