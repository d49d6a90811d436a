/** Messages of Protocol Buffers as lists of fields: as much of the format as it takes to leave out parts of a model. */

/**
 * @typedef {{ number: number, wire: number, bytes: Uint8Array }} Field  `bytes` is the content, without the length before it
 */

/**
 * @param {Uint8Array} message
 * @returns {Field[]}
 */
export function readFields(message) {
  const fields = []
  let at = 0
  const varint = () => {
    let [value, scale] = [0, 1]
    for (;;) {
      const byte = message[at++]
      if (byte === undefined) throw new Error('a message that ends in the middle of a number')
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }
  while (at < message.length) {
    const key = varint()
    const [number, wire] = [Math.floor(key / 8), key % 8]
    const start = at
    if (wire === 0) varint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else if (wire !== 2) throw new Error(`a field of wire type ${wire}`)
    const length = wire === 2 ? varint() : 0
    const from = wire === 2 ? at : start
    at += length
    if (at > message.length) throw new Error('a message that ends in the middle of a field')
    fields.push({ number, wire, bytes: message.subarray(from, at) })
  }
  return fields
}

/** @param {readonly Field[]} fields */
export function writeFields(fields) {
  return Buffer.concat(
    fields.flatMap(({ number, wire, bytes }) =>
      wire === 2 ? [varint(number * 8 + wire), varint(bytes.length), bytes] : [varint(number * 8 + wire), bytes],
    ),
  )
}

function varint(value) {
  const bytes = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest)
    bytes.push((rest % 128) + 128)
  }
}

/** @returns {Field} */
export const text = (number, value) => ({ number, wire: 2, bytes: new TextEncoder().encode(value) })

/** @returns {Field} */
export const message = (number, ...fields) => ({ number, wire: 2, bytes: writeFields(fields) })

/** @returns {Field} */
export const integer = (number, value) => ({ number, wire: 0, bytes: varint(value) })

/** @param {readonly Field[]} fields */
export const textsOf = (fields, number) =>
  fields.filter((field) => field.number === number).map(({ bytes }) => new TextDecoder().decode(bytes))
