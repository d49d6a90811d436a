import { findDevice } from './runtime/wgsl/device.ts'
import { readFileSync } from 'node:fs'
const d = (await findDevice() as any).value
const code = readFileSync(process.argv[2]!, 'utf8')
const m = d.createShaderModule({code})
for (const [, entry] of code.matchAll(/@compute[^\n]*\nfn (\w+)/g)) {
  const t = performance.now()
  await d.createComputePipelineAsync({layout:'auto',compute:{module:m,entryPoint:entry}})
  console.log(entry, (performance.now()-t).toFixed(0), 'ms')
}
