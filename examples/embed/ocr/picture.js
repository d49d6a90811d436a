/** A line of text as the recogniser wants it: 48 pixels high, blue before green before red, from -1 to 1. */
import { inflateSync } from 'node:zlib'

const height = 48

/** @param {Uint8Array} png  with 8 bits for each of red, green, blue and perhaps alpha */
export function pictureOf(png) {
  const { width, channels, rows } = decode(Buffer.from(png))
  if (rows.length !== height) throw new Error(`the picture is ${rows.length} pixels high, and has to be ${height}`)
  const data = new Float32Array(3 * height * width)
  for (const [y, row] of rows.entries())
    for (let x = 0; x < width; x += 1)
      for (let c = 0; c < 3; c += 1) data[(c * height + y) * width + x] = (row[x * channels + 2 - c] / 255 - 0.5) / 0.5
  return { data, shape: [1, 3, height, width] }
}

function decode(png) {
  if (png.readUInt32BE(0) !== 0x89504e47) throw new Error('the picture is not a PNG file')
  const chunks = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    chunks.push({
      name: png.toString('latin1', at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + png.readUInt32BE(at)),
    })
  const [header] = chunks
  const [width, depth, color, interlaced] = [header.data.readUInt32BE(0), ...[8, 9, 12].map((at) => header.data[at])]
  const channels = { 2: 3, 6: 4 }[color]
  if (depth !== 8 || !channels || interlaced)
    throw new Error('the picture needs 8 bits of red, green and blue, not interlaced')
  const bytes = inflateSync(Buffer.concat(chunks.filter(({ name }) => name === 'IDAT').map(({ data }) => data)))
  return { width, channels, rows: unfilter(bytes, width * channels, channels) }
}

/** Each byte is a difference from what stands left of it, above it, or both. */
function unfilter(bytes, length, channels) {
  const rows = []
  let above = new Uint8Array(length)
  for (let at = 0; at < bytes.length; at += length + 1) {
    const row = Uint8Array.from(bytes.subarray(at + 1, at + 1 + length))
    for (let x = 0; x < length; x += 1) {
      const [a, b, c] = [row[x - channels] ?? 0, above[x], above[x - channels] ?? 0]
      row[x] += [0, a, b, (a + b) >> 1, nearest(a, b, c)][bytes[at]]
    }
    rows.push(row)
    above = row
  }
  return rows
}

/** The one of left, above and corner that is nearest to left + above - corner. */
function nearest(a, b, c) {
  const [x, y, z] = [a, b, c].map((one) => Math.abs(a + b - c - one))
  return x <= y && x <= z ? a : y <= z ? b : c
}
