/** Faults that are planted in kernels of PTX, each of which the interpreter has to find; beside each the same without the fault. */
import { describe, expect, test } from 'vitest'
import { KernelFault } from '../runtime/cuda/ptx/fault.ts'
import { type Given, runPtx } from './ptx-kernel.ts'

function faultOf(body: string, given: Given = {}): string {
  try {
    runPtx(body, { shared: 1024, ...given })
  } catch (error) {
    if (error instanceof KernelFault) return error.message
    throw error
  }
  return 'no fault'
}
const fine = 'no fault'

/** Each thread writes its number, and reads that of another. */
const exchange = (between: string): string => `
  mov.u32 %r2, shared;
  shl.b32 %r3, %r1, 2;
  add.u32 %r4, %r2, %r3;
  st.shared.u32 [%r4], %r1;
  ${between}
  xor.b32 %r5, %r3, 4;
  add.u32 %r6, %r2, %r5;
  ld.shared.u32 %r7, [%r6];`

describe('shared memory', () => {
  test('what is read without a barrier', () => {
    expect(faultOf(exchange('bar.sync 0;'), { threads: 64 })).toBe(fine)
    expect(faultOf(exchange(''), { threads: 64 })).toContain(
      'reads at 4 of shared memory what thread 1 writes: no barrier is between them (block 0, thread 0, in ld.shared.u32)',
    )
  })
  test('a barrier of the warp is enough within it, and nowhere else', () => {
    expect(faultOf(exchange('bar.warp.sync -1;'), { threads: 64 })).toBe(fine)
    const across = exchange('bar.warp.sync -1;').replace('xor.b32 %r5, %r3, 4;', 'and.b32 %r5, %r3, 127;')
    expect(faultOf(across, { threads: 64 })).toContain('no barrier is between them')
    expect(faultOf(exchange('shfl.sync.bfly.b32 %r9, %r1, 1, 31, -1;'))).toContain('no barrier is between them')
  })
  test('what is overwritten before all have read it', () => {
    const again = (between: string) => `${exchange('bar.sync 0;')} ${between} st.shared.u32 [%r4], 0;`
    expect(faultOf(again('bar.sync 0;'), { threads: 64 })).toBe(fine)
    expect(faultOf(again(''), { threads: 64 })).toContain(
      'writes at 0 of shared memory what thread 1 reads: no barrier is between them',
    )
  })
  test('two threads that write to one place', () => {
    const both =
      'and.b32 %r3, %r1, 15; shl.b32 %r3, %r3, 2; mov.u32 %r2, shared; add.u32 %r4, %r2, %r3; st.shared.u32 [%r4], %r1;'
    expect(faultOf(both)).toContain('writes at 0 of shared memory where thread 0 writes, too')
  })
  test('what nobody has written, also by the block before', () => {
    expect(faultOf('ld.shared.u32 %r2, [shared+8];')).toContain(
      'reads at 8 of shared memory, which nothing has been written to',
    )
    const once =
      'mov.u32 %r9, %ctaid.x; setp.ne.u32 %p1, %r9, 0; @%p1 bra READ; setp.ne.u32 %p2, %r1, 0; @%p2 bra READ; st.shared.u32 [shared], 1; READ: setp.ne.u32 %p3, %r1, 0; @%p3 ret; ld.shared.u32 %r3, [shared];'
    expect(faultOf(once)).toBe(fine)
    expect(faultOf(once, { blocks: 2 })).toContain('which nothing has been written to (block 1, thread 0')
  })
  test('what lies beyond it, or crooked', () => {
    const first = 'setp.ne.u32 %p1, %r1, 0; @%p1 ret;'
    expect(faultOf(`${first} st.shared.u32 [shared+1020], 1;`)).toBe(fine)
    expect(faultOf(`${first} st.shared.u32 [shared+1024], 1;`)).toContain(
      'writes 4 bytes at 1024 of shared memory, which has 1024',
    )
    expect(faultOf(`${first} st.shared.u32 [shared+2], 1;`)).toContain(
      'writes 4 bytes at 2 of shared memory, which is no multiple of 4',
    )
    expect(faultOf(`mov.u32 %r2, -16; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r3}, [%r2];`)).toContain(
      'reads 16 bytes at -16 of shared memory',
    )
  })
  test('a part of a vector that nothing takes is not looked at, but has to exist', () => {
    const vector = (taken: string, at = 0): string => `
  shl.b32 %r3, %r1, 4;
  mov.u32 %r2, shared;
  add.u32 %r4, %r2, %r3;
  st.shared.u32 [%r4], 1; st.shared.u32 [%r4+8], 3;
  ld.shared.v4.u32 {%r5, %r6, %r7, %r8}, [%r4+${at}];
  ${taken}`
    expect(faultOf(vector('add.u32 %r9, %r5, %r7;'))).toBe(fine)
    expect(faultOf(vector('add.u32 %r9, %r5, %r7;').replace('%r8', '_'))).toBe(fine)
    expect(faultOf(vector('add.u32 %r9, %r5, %r6;'))).toContain('reads at 4 of shared memory, which nothing has been')
    expect(faultOf(vector('add.u32 %r9, %r5, %r7;', 4096))).toContain('reads 16 bytes at 4096 of shared memory')
    expect(faultOf(vector(''))).toContain('which nothing has been written to')
  })
  test('neighbours of a few bytes are no race', () => {
    const bytes = 'mov.u32 %r2, shared; add.u32 %r4, %r2, %r1; st.shared.u8 [%r4], %r1;'
    expect(faultOf(bytes, { threads: 64 })).toBe(fine)
  })
})

describe('copies to shared memory', () => {
  const input = new ArrayBuffer(512)
  const copy = (wait: string, from = '%rd3') => `
  mul.wide.u32 %rd3, %r1, 16;
  add.s64 %rd3, %rd1, %rd3;
  mov.u32 %r2, shared;
  shl.b32 %r3, %r1, 4;
  add.u32 %r4, %r2, %r3;
  cp.async.cg.shared.global [%r4], [${from}], 16, 16;
  cp.async.commit_group;
  ${wait}`
  const own = 'ld.shared.u32 %r5, [%r4];'
  const others = 'xor.b32 %r6, %r4, 16; ld.shared.u32 %r5, [%r6];'
  test('that are not waited for', () => {
    expect(faultOf(copy(`cp.async.wait_group 0; ${own}`), { input })).toBe(fine)
    const late = 'what a cp.async of thread 0 still copies there: a wait is missing'
    expect(faultOf(copy(`cp.async.wait_group 1; ${own}`), { input })).toContain(late)
    expect(faultOf(copy(own), { input })).toContain(late)
    expect(faultOf(copy(`bar.sync 0; ${own}`), { input })).toContain(late)
    expect(faultOf(copy(''), { input })).toContain('ends while a cp.async of thread 0 is under way')
    expect(faultOf(copy('st.shared.u32 [%r4], 0;'), { input })).toContain(
      'where a cp.async of thread 0 still copies to',
    )
  })
  test('that only the thread which waited sees, until a barrier', () => {
    expect(faultOf(copy(`cp.async.wait_group 0; bar.sync 0; ${others}`), { input })).toBe(fine)
    expect(faultOf(copy(`cp.async.wait_group 0; ${others}`), { input })).toContain('no barrier is between them')
  })
  test('from beyond a tensor, unless nothing is read', () => {
    expect(faultOf(copy('cp.async.wait_group 0;', '%rd3+16'), { input })).toContain(
      'reads 16 bytes at byte 512 of input, which has 512',
    )
    expect(faultOf(copy('cp.async.wait_group 0;', '%rd3+16').replace('16, 16;', '16, 0;'), { input })).toBe(fine)
  })
})

describe('memory of the device', () => {
  const input = new ArrayBuffer(64)
  test('before a tensor, after it, and where nothing is', () => {
    expect(faultOf('ld.global.u32 %r2, [%rd1+60];', { input })).toBe(fine)
    expect(faultOf('ld.global.u32 %r2, [%rd1+64];', { input })).toContain(
      'reads 4 bytes at byte 64 of input, which has 64',
    )
    expect(faultOf('ld.global.u32 %r2, [%rd1+-4];', { input })).toContain('reads 4 bytes 4 bytes before input')
    expect(faultOf('mov.u64 %rd3, 0; ld.global.u32 %r2, [%rd3];', { input })).toContain(
      'reads 4 bytes at 0x0, where there is no memory',
    )
    expect(faultOf('ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+4];', { input })).toContain('which is not aligned')
  })
  test('an input that is written to, and a result that is read before', () => {
    expect(faultOf('st.global.u32 [%rd1], 0;', { input })).toContain('writes at byte 0 of input, which is for reading')
    expect(faultOf('ld.global.u32 %r2, [%rd2+8];', { input })).toContain(
      'reads byte 8 of result, which nothing has been written to',
    )
    const half = (taken: string): string =>
      `mul.wide.u32 %rd4, %r1, 16; add.s64 %rd4, %rd2, %rd4; st.global.u32 [%rd4+4], 1;
       ld.global.v2.u32 {%r2, %r3}, [%rd4]; add.u32 %r4, ${taken}, 1;`
    expect(faultOf(half('%r3'))).toBe(fine)
    expect(faultOf(half('%r2'))).toContain('reads byte 0 of result, which nothing has been written to')
    expect(faultOf(half('%r3').replaceAll('ld.global', 'ld'))).toBe(fine)
    expect(faultOf(half('%r2').replaceAll('ld.global', 'ld'))).toContain('reads byte 0 of result')
  })
})

describe('lanes and threads', () => {
  test('that leave others at a barrier, or wait at another one', () => {
    expect(faultOf('setp.ge.u32 %p1, %r1, 32; @%p1 ret; bar.sync 0;', { threads: 64 })).toContain(
      'has threads that wait at a barrier, and warp 1 has ended',
    )
    expect(faultOf('setp.ge.u32 %p1, %r1, 32; @%p1 bra B; bar.sync 0; ret; B: bar.sync 0;', { threads: 64 })).toContain(
      'warp 1 waits at another one',
    )
  })
  test('that wait for each other forever', () => {
    const parted = 'setp.ge.u32 %p1, %r1, 16; @%p1 bra B; shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; ret; B: bar.sync 0;'
    expect(faultOf(parted)).toContain('has lanes that wait here for others of their warp, which wait in bar.sync')
    expect(
      faultOf(
        parted
          .replace('31, -1', '31, 65535')
          .replace('B: bar.sync 0;', 'B: shfl.sync.bfly.b32 %r2, %r1, 1, 31, -65536;'),
      ),
    ).toBe(fine)
  })
  test('that run an instruction of the whole warp alone', () => {
    const part =
      'setp.ge.u32 %p1, %r1, 16; @%p1 ret; mov.u32 %r2, shared; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r3}, [%r2];'
    expect(faultOf(part)).toContain('runs ldmatrix in some lanes of a warp only')
  })
  test('that take a value of a lane which does not run', () => {
    const part = 'setp.ge.u32 %p1, %r1, 16; @%p1 ret; shfl.sync.idx.b32 %r2, %r1, 20, 31, 65535;'
    expect(faultOf(part)).toContain('takes a value of lane 20 by shfl, which does not run it')
  })
})

test('a fault says the line that it is in, and the lines that called it', () => {
  const body = `
  .loc 1 50 3
  .loc 1 12 7, function_name $L__info_string0, inlined_at 1 50 3
  ld.shared.u32 %r2, [shared];`
  expect(faultOf(body)).toMatch(
    /the kernel kernel reads at 0 .* in ld\.shared\.u32\)\n {2}--> made\.cu:12\n {2}called from made\.cu:50$/,
  )
})

test('what the interpreter does not know is said when a kernel is read, not passed over', () => {
  expect(() => faultOf('vadd.s32.s32.s32 %r2, %r1, %r1;')).toThrow('the interpreter does not know vadd.s32.s32.s32')
  expect(() => faultOf('bar.sync 1, 64;')).toThrow('a barrier other than 0 of all threads')
  expect(() => faultOf('mov.u32 %r2, nowhere;')).toThrow('PTX names nowhere')
})

describe('fragments', () => {
  const at = (bits: number): string => `0x${(bits >>> 0).toString(16)}`
  /** A row of a times a column of b, on the tensor cores of one warp: a and b as they are read by `of`. */
  test.each(['f16', 'bf16'] as const)('mma.m16n8k16 multiplies as its layout says, of %s', (type) => {
    const bits = (x: number): number =>
      type === 'f16'
        ? new Uint16Array(Float16Array.of(x).buffer)[0]!
        : new Uint32Array(Float32Array.of(x).buffer)[0]! >>> 16
    const a = (row: number, k: number): number => ((row * 16 + k) % 7) - 3
    const b = (k: number, column: number): number => ((k * 8 + column) % 5) - 2
    const pair = (x: number, y: number): number => bits(x) | (bits(y) << 16)
    const input = new Int32Array(32 * 8)
    for (let lane = 0; lane < 32; lane++) {
      const [g, t] = [lane >> 2, (lane & 3) * 2]
      input.set(
        [
          ...[
            pair(a(g, t), a(g, t + 1)),
            pair(a(g + 8, t), a(g + 8, t + 1)),
            pair(a(g, t + 8), a(g, t + 9)),
            pair(a(g + 8, t + 8), a(g + 8, t + 9)),
          ],
          ...[pair(b(t, g), b(t + 1, g)), pair(b(t + 8, g), b(t + 9, g))],
        ],
        lane * 8,
      )
    }
    const multiply = (left: string, right: string): Float32Array =>
      new Float32Array(
        runPtx(
          `mul.wide.u32 %rd3, %r1, 32; add.s64 %rd3, %rd1, %rd3; mul.wide.u32 %rd4, %r1, 16; add.s64 %rd4, %rd2, %rd4;
           ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%rd3]; ld.global.v2.u32 {%r14, %r15}, [%rd3+16]; mov.f32 %f1, 0f3F800000;
           mma.sync.aligned.m16n8k16.row.col.f32.${type}.${type}.f32 {%f4, %f5, %f6, %f7}, {${left}}, {${right}}, {%f1, %f1, %f1, %f1};
           st.global.v4.f32 [%rd4], {%f4, %f5, %f6, %f7};`,
          { input: input.buffer, bytes: 512 },
        ),
      )
    const want = new Float32Array(128)
    for (let lane = 0; lane < 32; lane++)
      for (let n = 0; n < 4; n++) {
        const [row, column] = [(lane >> 2) + 8 * (n >> 1), (lane & 3) * 2 + (n & 1)]
        for (let k = 0; k < 16; k++) want[lane * 4 + n]! += a(row, k) * b(k, column)
        want[lane * 4 + n]! += 1
      }
    expect(multiply('%r10, %r11, %r12, %r13', '%r14, %r15')).toEqual(want)
    expect(multiply('%r10, %r12, %r11, %r13', '%r14, %r15')).not.toEqual(want) // a wrong fragment
    expect(multiply('%r10, %r11, %r12, %r13', '%r15, %r14')).not.toEqual(want)
  })
  test.each(['', '.trans'])('ldmatrix%s gives the elements that its layout says', (trans) => {
    const body = `
  mov.u32 %r2, shared;
  shl.b32 %r3, %r1, 4;
  add.u32 %r4, %r2, %r3;
  shl.b32 %r5, %r1, 3;
  ${[0, 1, 2, 3].map((n) => `add.u32 %r6, %r5, ${at(2 * n)}; add.u32 %r7, %r6, 1; shl.b32 %r7, %r7, 16; or.b32 %r8, %r6, %r7; st.shared.u32 [%r4+${4 * n}], %r8;`).join('\n  ')}
  bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4${trans}.shared.b16 {%r10, %r11, %r12, %r13}, [%r4];
  mul.wide.u32 %rd4, %r1, 16;
  add.s64 %rd4, %rd2, %rd4;
  st.global.v4.u32 [%rd4], {%r10, %r11, %r12, %r13};`
    const got = new Uint16Array(runPtx(body, { bytes: 512, shared: 512 }))
    const want = Array.from({ length: 256 }, (_, n) => {
      const [lane, element] = [n >> 3, n & 7]
      const [g, t] = [lane >> 2, (lane & 3) * 2 + (element & 1)]
      const [row, column] = trans ? [t, g] : [g, t]
      return ((element >> 1) * 8 + row) * 8 + column
    })
    expect([...got]).toEqual(want)
  })
})
