/** Changes the module of WebAssembly that a generated one carries, as text: wabt reads it, and writes it again, with nothing to fuse. */
import wabt from 'wabt'

const tools = wabt()
const features = { simd: true, bulk_memory: true }

export async function rewriteWasm(javascript: string, change: (module: string) => string): Promise<string> {
  const { readWasm, parseWat } = await tools
  const [, base64 = ''] = /base64: '([^']+)'/.exec(javascript) ?? []
  const read = readWasm(
    Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)),
    features,
  )
  const text = read.toText({ foldExprs: true, inlineExport: false })
  read.destroy()
  const plain = text.replaceAll(/;;.*$/gm, '').replaceAll(/\s+/g, ' ')
  const changed = change(plain)
  if (changed === plain) return javascript
  const parsed = parseWat('changed.wat', changed, features)
  const { buffer } = parsed.toBinary({})
  parsed.destroy()
  return javascript
    .replace(/fusable: \[[\d, ]*\]/, 'fusable: []')
    .replace(base64, Buffer.from(buffer).toString('base64'))
}
