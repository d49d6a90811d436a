/** A source in the fragment of the page's address, which browsers send to no server. */

const prefix = '#source='

export async function linkTo(address: string, source: string): Promise<string> {
  const packed = await through(new TextEncoder().encode(source), new CompressionStream('deflate-raw'))
  return `${address.replace(/#.*$/, '')}${prefix}${packed.toBase64({ alphabet: 'base64url', omitPadding: true })}`
}

/** The source of a fragment; undefined where it has none. Throws a `RangeError` where it is damaged. */
export async function sourceIn(fragment: string): Promise<string | undefined> {
  if (!fragment.startsWith(prefix)) return undefined
  try {
    const packed = Uint8Array.fromBase64(fragment.slice(prefix.length), { alphabet: 'base64url' })
    const bytes = await through(packed, new DecompressionStream('deflate-raw'))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new RangeError('it is damaged, and its end may be missing')
  }
}

const through = (
  bytes: Uint8Array<ArrayBuffer>,
  stream: ReadableWritablePair<Uint8Array<ArrayBuffer>, BufferSource>,
): Promise<Uint8Array<ArrayBuffer>> => new Response(new Blob([bytes]).stream().pipeThrough(stream)).bytes()
