import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeNpy } from '../runtime/tensors/npy.ts'
import { npzChunks } from '../runtime/tensors/npz.ts'
import { directoryEntry, endRecords, localHeader } from '../runtime/tensors/write-zip.ts'
import {
  bytesOf,
  codeOf,
  gather,
  type Member,
  messageOf,
  namesIn,
  npy,
  plain,
  readStored,
  unwrap,
  zip,
} from './tensor-bytes.ts'

const six = Float32Array.of(1, 2, 3, 4, 5, 6)
const content = npy(plain('<f4', '(2, 3)'), bytesOf(six))
const member = (more: Partial<Member> = {}): Member => ({ name: 'q.npy', content, ...more })

/** What numpy 2.4.6 writes for `np.savez_compressed(b, q=np.arange(6, dtype=np.float16).reshape(2, 3), **{'sub/k': np.zeros((),
 * np.int64), 'ü': np.ones(2, bool)})`: local headers with sizes in 64 bits, and one name in UTF-8. */
const ofNumpy = Buffer.from(
  `504b03042d000000080000002100ce3c63afffffffffffffffff05001400712e6e7079010010008c0000000000000052000000000000009bec17ea1b10c9c850
c650ad9e925a9c5ca46ea5a06e9366a4aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a0ac69a3a0ab50a64032e0606061
b060706270617065700504b03042d0000000800000021003ab13566ffffffffffffffff090014007375622f6b2e6e7079010010008800000000000000450000
00000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a9a3
a0ab50a14012e06280000504b03042d0000080800000021007829bc2affffffffffffffff06001400c3bc2e6e70790100100082000000000000004600000000
0000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a05e9364a8aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a9a3
a0ab50a14002e464600504b01022d032d000000080000002100ce3c63af520000008c000000050000000000000000000000800100000000712e6e7079504b01
022d032d0000000800000021003ab1356645000000880000000900000000000000000000008001890000007375622f6b2e6e7079504b01022d032d000008080
0000021007829bc2a4600000082000000060000000000000000000000800109010000c3bc2e6e7079504b050600000000030003009e000000870100000000`.replaceAll(
    '\n',
    '',
  ),
  'hex',
)

describe('an archive is read', () => {
  test('as numpy writes it', async () => {
    expect(await namesIn(ofNumpy)).toEqual(['q', 'sub/k', 'ü'])
    expect(unwrap(await readStored(ofNumpy, 'q'))).toEqual({ shape: [2, 3], data: Float16Array.of(0, 1, 2, 3, 4, 5) })
    expect(unwrap(await readStored(ofNumpy, 'sub/k'))).toEqual({ shape: [], data: Int32Array.of(0) })
    expect(unwrap(await readStored(ofNumpy, 'ü'))).toEqual({ shape: [2], data: Uint8Array.of(1, 1) })
  })

  test.each([
    ['stored', {}],
    ['deflated', { method: 8 }],
    ['with 64-bit sizes', { wide: true }],
    ['deflated with 64-bit sizes', { wide: true, method: 8 }],
  ])('%s', async (_what, more) => {
    for (const wide of [false, true])
      expect(unwrap(await readStored(zip([member(more)], { wide })))).toEqual({ shape: [2, 3], data: six })
  })

  test('with a comment and files that are no arrays', async () => {
    const bytes = zip([member(), { name: 'notes.txt', content: Uint8Array.of(1) }, { name: '.npy', content }])
    bytes[bytes.length - 2] = 3
    expect(await namesIn(Uint8Array.from([...bytes, 0x50, 0x4b, 5]))).toEqual(['q'])
  })

  test('without any members', async () => {
    expect(await namesIn(zip([]))).toEqual([])
  })

  test('by names that mean nothing to a file system', async () => {
    const names = ['../../etc/passwd', '/q', 'C:\\q', 'a:b', '__proto__', 'toString', '\x1b[31m', 'q.npy']
    const bytes = zip(names.map((name) => ({ name: `${name}.npy`, content, flags: 0x800 })))
    expect(await namesIn(bytes)).toEqual(names)
    for (const name of names) expect(codeOf(await readStored(bytes, name))).toBe('ok')
    expect(codeOf(await readStored(bytes, 'valueOf'))).toBe('ATTN0326')
  })

  test('when deflate reaches its limit', async () => {
    const zeros = npy(plain('<f4', '(1000000,)'), new Uint8Array(4_000_000))
    expect(unwrap(await readStored(zip([member({ content: zeros, method: 8 })]))).shape).toEqual([1_000_000])
  })
})

describe('an archive is refused, with a reason:', () => {
  const end = 46 + 5 // of its directory, from the start
  test.each([
    ['cut off', zip([member()]).slice(0, -1), 'its directory is missing'],
    ['only its beginning', zip([member()]).slice(0, 30), 'its directory is missing'],
    ['bytes after its end', Uint8Array.from([...zip([member()]), 0]), 'its directory is missing'],
    ['bytes before its beginning', Uint8Array.from([0x50, 0x4b, 3, 4, ...zip([member()])]), 'its record is at'],
    ['a directory beyond the end', zip([member()], { start: 0xffff_fff0 }), 'its record is at'],
    ['a directory that is too long', zip([member()], { bytes: 0xffff_fff0 }), 'its record is at'],
    ['a member too many', zip([member()], { count: 2 }), 'claims 2 members, and lists 1'],
    ['a directory cut short', zip([member()], { start: 130, bytes: end - 1 }), 'no member'],
    [
      'a 64-bit record far away',
      zip([member()], { wide: true, start64: 2 ** 63 }),
      'is claimed to be at 9223372036854776000',
    ],
    ['a 64-bit record elsewhere', zip([member()], { wide: true, start64: 3 }), 'no 64-bit directory record at 3'],
    ['a 64-bit directory far away', zip([member()], { wide: true, start: 2 ** 63 }), 'its record is at'],
    ['2^53 members', zip([member()], { wide: true, count: 2 ** 53 }), 'members, and lists 1'],
    ['a name twice', zip([member(), member()]), "two members 'q.npy'"],
    [
      'a name that is no UTF-8',
      zip([member({ name: 'é.npy', flags: 0x800 })]).map((x) => (x === 0xc3 ? 0xff : x)),
      'UTF-8',
    ],
    ['a member outside of the file', zip([member({ says: { offset: 0xffff_0000 } })]), 'lies outside of the file'],
    ['a member outside of it by 64 bits', zip([member({ wide: true, says: { offset: 2 ** 62 } })]), 'lies outside'],
    [
      'a member longer than the file',
      zip([member({ says: { packed: 0x7fff_ffff, bytes: 0x7fff_ffff } })]),
      'reaches into',
    ],
    [
      'two members at one place',
      zip([member(), member({ name: 'k.npy', says: { offset: 0 } })]),
      "'q.npy' reaches into",
    ],
  ])('%s', async (_what, bytes, text) => {
    const read = await readStored(bytes, 'q')
    expect(messageOf(read)).toContain(text)
    expect(messageOf(read)).toMatch(/^x cannot be read as \.npz: /)
    expect(codeOf(read)).toBe('ATTN0321')
  })

  const bomb = npy(plain('<f4', '(1000000000,)'), new Uint8Array(1000))
  test.each([
    ['a wrong checksum', member({ says: { crc: 7 } }), 'its checksum is wrong'],
    ['a wrong checksum, deflated', member({ method: 8, says: { crc: 7 } }), 'its checksum is wrong'],
    ['a wrong size', member({ says: { bytes: content.length + 1 } }), 'packed into'],
    ['a size that is too small, deflated', member({ method: 8, says: { bytes: content.length - 1 } }), 'there are 23'],
    [
      'a size that is too large, deflated',
      member({ method: 8, says: { bytes: content.length + 4 } }),
      'it ends too early',
    ],
    ['more than deflate can hold', member({ method: 8, says: { bytes: 2 ** 30 } }), 'it claims 1073741824 bytes'],
    ['a petabyte', member({ wide: true, method: 8, says: { bytes: 2 ** 50 } }), 'it claims 1125899906842624 bytes'],
    ['an array that claims more', member({ content: bomb, method: 8 }), 'claims 4000000000 bytes of data'],
    ['encrypted', member({ flags: 1 }), 'it is encrypted'],
    ['packed by LZMA', member({ method: 14 }), 'packed by method 14'],
    ['a header that says otherwise', member({ localMethod: 8 }), 'its header contradicts the directory'],
    ['no local header', member({ says: { offset: 1 } }), 'its header contradicts the directory'],
    [
      'deflated data that are none',
      member({ content: new Uint8Array(100).fill(255), says: { method: 8 }, localMethod: 8 }),
      'its deflated data are damaged',
    ],
    ['no array', member({ content: new Uint8Array(100) }), "it does not begin as numpy's files do"],
    ['nothing', member({ content: new Uint8Array() }), "it does not begin as numpy's files do"],
  ])('%s', async (_what, one, text) => {
    const { content: bytes } = member()
    const read = await readStored(zip([one, { name: 'z.npy', content: bytes }]), 'q')
    expect(messageOf(read)).toContain(text)
    expect(messageOf(read)).toMatch(/^x:q cannot be read as \.npz: /)
    expect(codeOf(read)).toBe('ATTN0321')
  })

  test('a deflated member whose stream goes on after the array', async () => {
    const longer = Uint8Array.from([...content, 9, 9])
    const one = member({ content: longer, method: 8, says: { bytes: content.length } })
    expect(messageOf(await readStored(zip([one]), 'q'))).toContain('it goes on after its end')
  })

  test('a tensor that is not there, by what is', async () => {
    const bytes = zip([member(), member({ name: 'key.npy' })])
    const read = await readStored(bytes, 'kez')
    expect(read).toMatchObject({ findings: [{ code: 'ATTN0326', message: "x has no tensor 'kez': it has q, key" }] })
    expect(read).toMatchObject({ findings: [{ hint: "did you mean 'key'?", exit: 1 }] })
    expect(messageOf(await readStored(bytes))).toBe('x is an archive of tensors, and none is named: it has q, key')
  })
})

test('any damage to an archive gives the tensor as it was, or a reason', { timeout: 60_000 }, async () => {
  const good = [
    zip([member({ method: 8 }), member({ name: 'k.npy' })]),
    zip([member(), member({ name: 'k.npy', wide: true })], { wide: true }),
  ]
  const hits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...good), hits, fc.nat(20), async (whole, changes, cut) => {
      const bytes = whole.slice(0, cut < 18 ? whole.length : whole.length - cut)
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      for (const name of ['q', 'k']) {
        const read = await readStored(bytes, name)
        if (read.ok) expect(read.value).toEqual({ shape: [2, 3], data: six })
      }
    }),
    { numRuns: 600 },
  )
})

describe('an archive that is written', () => {
  test('holds its tensors as numpy.savez would', async () => {
    const q = encodeNpy({ storage: 'f16', shape: [2], data: Float32Array.of(0.5, -2) })
    const scalar = encodeNpy({ storage: 'i32', shape: [], data: Int32Array.of(7) })
    const bytes = gather(npzChunks([['q', q], ['sub/ü', scalar]])) // biome-ignore format: a list of two
    expect(await namesIn(bytes)).toEqual(['q', 'sub/ü'])
    expect(unwrap(await readStored(bytes, 'q'))).toEqual({ shape: [2], data: Float16Array.of(0.5, -2) })
    expect(unwrap(await readStored(bytes, 'sub/ü'))).toEqual({ shape: [], data: Int32Array.of(7) })
  })

  test('byte by byte', () => {
    const one = { byteLength: 2, chunks: () => [Uint8Array.of(1), Uint8Array.of(2)] }
    const times = '0000 2100' // 1980-01-01
    expect(Buffer.from(gather(npzChunks([['a', one]]))).toString('hex')).toBe(
      `504b0304 1400 0008 0000 ${times} 92 42 cc b6 02000000 02000000 0500 0000 ${'a.npy'
        .split('')
        .map((c) => c.charCodeAt(0).toString(16))
        .join('')} 0102
       504b0102 2d00 1400 0008 0000 ${times} 92 42 cc b6 02000000 02000000 0500 0000 0000 0000 0000 00000000 00000000 612e6e7079
       504b0506 0000 0000 0100 0100 33000000 25000000 0000`.replaceAll(/\s/g, ''),
    )
  })

  test('has 64-bit fields beyond 4 GiB', () => {
    const large = { byteLength: 2 ** 33 + 1, chunks: () => [] }
    const placed = { name: Uint8Array.of(0x71), content: large, crc: 0, offset: 2 ** 32 + 2 }
    const size = '0100000002000000'
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
    expect(hex(localHeader(placed))).toMatch(
      new RegExp(`ffffffffffffffff0100140071 0100 1000 ${size} ${size}$`.replaceAll(' ', '')),
    )
    expect(hex(directoryEntry(placed))).toMatch(
      new RegExp(`ffffffff71 0100 1800 ${size} ${size} 0200000001000000$`.replaceAll(' ', '')),
    )
    const small = { ...placed, content: { ...large, byteLength: 5 } }
    expect(hex(directoryEntry(small))).toMatch(/71010008000200000001000000$/)
    const [end64, locator, end] = [...endRecords(1, 71, 2 ** 33)].map(hex)
    expect(end64).toMatch(/^504b06062c00000000000000.*47000000000000000000000002000000$/)
    expect(locator).toBe('504b0607000000004700000002000000' + '01000000')
    expect(end).toMatch(/^504b050600000000.*ffffffff0000$/)
  })
})
