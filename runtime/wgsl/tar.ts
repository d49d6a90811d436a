/** The plain files of a tar archive, by name. */
export function readTar(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const text = (from: number, length: number): string =>
    new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/s, '')
  for (let at = 0; at + block <= bytes.length; ) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const name = text(at, 100).replace(/^\.\//, '')
    if (name === '' || Number.isNaN(size)) break
    const type = text(at + 156, 1)
    if (type === '0' || type === '') files.set(name, bytes.subarray(at + block, at + block + size))
    at += block + Math.ceil(size / block) * block
  }
  return files
}

const block = 512
