const encoder = new TextEncoder()

/** As people read it. */
export function byteLength(text: string): string {
  const bytes = encoder.encode(text).length
  return bytes < 1000 ? `${bytes} bytes` : `${Number((bytes / 1000).toPrecision(3))} kB`
}
