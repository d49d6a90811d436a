/** The emulation of CUDA blocks: what the hardware promises, and that what it leaves undefined is found. */
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findCompiler } from '../runtime/native/compiler.ts'
import { withCompiler } from './native-build.ts'

const missing = withCompiler('the emulation of CUDA')
const root = resolve(import.meta.dirname, '..')
const headers = join(root, 'templates/cuda')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-cuda-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const flags = ['-std=c++17', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-Wno-unknown-pragmas']
const includes = [`-I${headers}/emulation`, `-I${headers}`, `-I${root}/templates/native`]

/** Compiles a kernel of 64 threads, and runs one block of it on numbers of f32; `shared`: bytes of its memory. */
async function run(
  kernel: string,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  shared = 1024,
) {
  const text = `#include <cuda_runtime.h>
#include <cstdio>
#include "products.cuh"
struct Given { float *out; };
void kernel(const Given given) {
  char *const shared = ptx::sharedMemory();
  const int thread = int(threadIdx.x), lane = thread % 32;
  (void)shared; (void)lane; (void)given;
  ${kernel}
}
int main() {
  static float out[1024];
  Given given{out};
  void *arguments[] = {&given};
  cudaLaunchKernel(kernel, dim3(1), dim3(64), arguments, ${shared}, nullptr);
  for (float x : out) std::printf("%g ", double(x));
}
`
  const name = `k${Math.abs(hash(text + more.join()))}`
  writeFileSync(join(folder, `${name}.cc`), text)
  await execa(findCompiler()!, [...flags, '-O1', '-g', ...more, ...includes, `${name}.cc`, '-o', name], { cwd: folder })
  const result = await execa(join(folder, name), [], { reject: false, env, timeout: 60_000 })
  return {
    ...result,
    numbers: String(result.stdout)
      .trim()
      .split(' ')
      .map((word) => Number(word.replace('inf', 'Infinity'))),
  }
}
const hash = (text: string): number => [...text].reduce((sum, c) => (Math.imul(sum, 31) + c.charCodeAt(0)) | 0, 7)

/** The element of an 8-row matrix that a lane has in a fragment. */
const at = (lane: number) => ({ g: Math.floor(lane / 4), t: lane % 4 })

describe.skipIf(missing !== undefined)('a warp', { timeout: 120_000 }, () => {
  test('multiplies fragments as mma.m16n8k16 lays them out', async () => {
    const { numbers } = await run(`
      const int g = lane / 4, t = lane % 4;
      const auto a = [](int row, int k) { return float((row * 16 + k) % 7) - 3; };
      const auto b = [](int k, int column) { return float((k * 8 + column) % 5) - 2; };
      const std::uint32_t left[4] = {ptx::packHalf(a(g, 2 * t), a(g, 2 * t + 1)), ptx::packHalf(a(g + 8, 2 * t), a(g + 8, 2 * t + 1)),
                                     ptx::packHalf(a(g, 2 * t + 8), a(g, 2 * t + 9)), ptx::packHalf(a(g + 8, 2 * t + 8), a(g + 8, 2 * t + 9))};
      float c[4] = {1, 1, 1, 1};
      ptx::multiplyHalves(c, left, ptx::packHalf(b(2 * t, g), b(2 * t + 1, g)), ptx::packHalf(b(2 * t + 8, g), b(2 * t + 9, g)));
      if (thread < 32) for (int n = 0; n < 4; ++n) given.out[(g + n / 2 * 8) * 8 + 2 * t + n % 2] = c[n];`)
    for (let row = 0; row < 16; row++)
      for (let column = 0; column < 8; column++) {
        let sum = 1
        for (let k = 0; k < 16; k++) sum += (((row * 16 + k) % 7) - 3) * (((k * 8 + column) % 5) - 2)
        expect(numbers[row * 8 + column]).toBe(sum)
      }
  })
  test('multiplies fragments of tf32 as mma.m16n8k8 lays them out, without their lowest bits', async () => {
    const { numbers } = await run(`
      const int g = lane / 4, t = lane % 4;
      const auto a = [](int row, int k) { return ptx::asWord(float((row * 8 + k) % 7) - 3) | 0x1fff; };
      const auto b = [](int k, int column) { return ptx::asWord(float((k * 8 + column) % 5) - 2); };
      const std::uint32_t left[4] = {a(g, t), a(g + 8, t), a(g, t + 4), a(g + 8, t + 4)};
      float c[4] = {1, 1, 1, 1};
      ptx::multiplySingles(c, left, b(t, g), b(t + 4, g));
      if (thread < 32) for (int n = 0; n < 4; ++n) given.out[(g + n / 2 * 8) * 8 + 2 * t + n % 2] = c[n];`)
    for (let row = 0; row < 16; row++)
      for (let column = 0; column < 8; column++) {
        let sum = 1
        for (let k = 0; k < 8; k++) sum += (((row * 8 + k) % 7) - 3) * (((k * 8 + column) % 5) - 2)
        expect(numbers[row * 8 + column]).toBe(sum)
      }
  })
  test('takes f32 apart into two numbers of tf32, and leaves what is not finite', async () => {
    const { numbers } = await run(`
      const auto look = [&](int n, float x) {
        const tiles::Single::Part part = tiles::Single::partOf(ptx::asWord(x));
        const float high = ptx::asFloat(part.high), low = ptx::asFloat(part.low);
        given.out[4 * n] = (x - high - low) / x * 0x1p23f;
        given.out[4 * n + 1] = float((part.high | part.low) & 0x1fff);
        given.out[4 * n + 2] = high == x || (high != high && x != x) ? 1 : 0;
        given.out[4 * n + 3] = low;
      };
      if (thread == 0) {
        unsigned state = 1;
        float most = 0, bits = 0;
        for (int n = 0; n < 10000; ++n) {
          state = state * 1664525u + 1013904223u;
          look(0, (1 + float(state >> 9) * 0x1p-23f) * (n % 2 == 0 ? 1 : -1));
          most = std::fmax(most, std::fabs(given.out[0]));
          bits += given.out[1];
        }
        given.out[0] = most;
        given.out[1] = bits;
        look(1, INFINITY);
        look(2, -INFINITY);
        look(3, NAN);
        look(4, ptx::asFloat(0x7fffffff));
      }`)
    expect(numbers[0]).toBeLessThanOrEqual(1)
    expect(numbers[0]).toBeGreaterThan(0.9)
    expect(numbers[1]).toBe(0)
    for (const n of [6, 10, 14, 18]) expect(numbers.slice(n, n + 2)).toEqual([1, 0])
  })
  test.each(['Single', 'Rough', 'Half'])(
    'multiplies tiles and fragments in every way that they can lie, %s',
    async (type) => {
      const element = type === 'Half' ? 'std::uint16_t' : 'float'
      const stored = type === 'Half' ? 'ptx::toHalf' : ''
      const { numbers } = await run(
        `
      using Type = tiles::${type};
      constexpr int bytes = ${type === 'Half' ? 2 : 4};
      using A = tiles::Tile<32, 64, bytes>; using B = tiles::Tile<32, 64, bytes>; using C = tiles::Tile<64, 32, bytes>;
      const auto a = [](int row, int k) { return float((row * 64 + k) % 7) - 3; };
      const auto b = [](int k, int column) { return float((k * 32 + column) % 11) - 5; };
      const auto put = [&](auto tile, int at, auto value) {
        using Of = decltype(tile);
        for (int n = thread; n < Of::rows * Of::columns; n += 64) {
          const int row = n / Of::columns, column = n % Of::columns;
          reinterpret_cast<${element} *>(shared + at + Of::spot(row, column / Of::each))[column % Of::each] = ${stored}(value(row, column));
        }
      };
      put(A(), 0, a);
      put(B(), 8192, [&](int column, int k) { return b(k, column); });
      put(C(), 16384, b);
      __syncthreads();
      tiles::Fragment<1, 8> own;
      tiles::eachElement<1, 8>([&](int m, int n, int r) { own.at[m][n][r] = a(tiles::rowOf<1>(m, r / 2), tiles::columnOf(n, r)); });
      const tiles::LeftTile<A, 1> left(0);
      const tiles::LeftFragment<Type, 1, 8> fragment{own};
      const tiles::RightRows<B> rows(8192);
      const tiles::RightColumns<C> columns(16384);
      constexpr int steps = 64 / Type::depth;
      tiles::Fragment<1, 4> sums[4] = {};
      tiles::multiply<Type, steps>(sums[0], left, rows);
      tiles::multiply<Type, steps>(sums[1], left, columns);
      tiles::multiply<Type, steps>(sums[2], fragment, rows);
      tiles::multiply<Type, steps>(sums[3], fragment, columns);
      float wrong = 0;
      for (const auto &sum : sums)
        tiles::eachElement<1, 4>([&](int m, int n, int r) {
          float want = 0;
          for (int k = 0; k < 64; ++k) want += a(tiles::rowOf<1>(m, r / 2), k) * b(k, tiles::columnOf(n, r));
          wrong += sum.at[m][n][r] == want ? 0 : 1;
        });
      given.out[thread] = wrong;`,
        [],
        {},
        24576,
      )
      expect(numbers.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 0))
    },
  )
  test.each([false, true])('reads matrices from shared memory as ldmatrix does; transposed: %s', async (transposed) => {
    const { numbers } = await run(`
      for (int n = thread; n < 256; n += 64) reinterpret_cast<std::uint16_t *>(shared)[n] = ptx::toHalf(float(n));
      __syncthreads();
      std::uint32_t to[4];
      ptx::loadMatrices<${transposed}>(to, ptx::sharedAddress(shared) + lane * 16);
      if (thread < 32) for (int n = 0; n < 8; ++n) given.out[lane * 8 + n] = ptx::fromHalf(std::uint16_t(to[n / 2] >> (n % 2 * 16)));`)
    for (let lane = 0; lane < 32; lane++)
      for (let n = 0; n < 8; n++) {
        const { g, t } = at(lane)
        const [row, column] = transposed ? [2 * t + (n % 2), g] : [g, 2 * t + (n % 2)]
        expect(numbers[lane * 8 + n]).toBe((Math.floor(n / 2) * 8 + row) * 8 + column)
      }
  })
  test('exchanges numbers between lanes', async () => {
    const { numbers } = await run('given.out[thread] = ptx::exchange(float(thread), 5);')
    expect(numbers.slice(0, 64)).toEqual(Array.from({ length: 64 }, (_, n) => n ^ 5))
  })
  test('has to be together in an instruction', async () => {
    const { stderr, exitCode } = await run('if (lane < 16) given.out[0] = ptx::exchange(1.0f, 1);')
    expect(stderr).toMatch(/thread 0 waits in shfl[\s\S]*wait for each other forever/)
    expect(exitCode).not.toBe(0)
  })
})

describe.skipIf(missing !== undefined)('a block', { timeout: 120_000 }, () => {
  const meet = (barrier: string) => `
    float *const all = reinterpret_cast<float *>(shared);
    all[thread] = float(thread);
    ${barrier}
    given.out[thread] = all[63 - thread];`
  test('meets at a barrier, whatever the order of its warps', async () => {
    for (const order of ['first', 'reversed']) {
      const { numbers } = await run(meet('__syncthreads();'), [], { ATTNC_EMULATION_ORDER: order })
      expect(numbers.slice(0, 64)).toEqual(Array.from({ length: 64 }, (_, n) => 63 - n))
    }
  })
  test('finds NaN in shared memory that nobody has written', async () => {
    const { numbers } = await run('given.out[thread] = reinterpret_cast<float *>(shared)[thread];')
    expect(numbers.slice(0, 64).every(Number.isNaN)).toBe(true)
  })
  test('sees a copy once it has been waited for, not before', async () => {
    const { numbers } = await run(`
      for (int n = 0; n < 4; ++n) given.out[512 + thread * 4 + n] = float(thread * 4 + n);
      ptx::copyLater(ptx::sharedAddress(shared) + thread * 16, given.out + 512 + thread * 4, thread % 2 == 0);
      ptx::commitCopies();
      const float before = reinterpret_cast<float *>(shared)[thread * 4 + 3];
      ptx::waitForCopies<0>();
      given.out[thread] = before == before ? -1 : reinterpret_cast<float *>(shared)[thread * 4 + 3];`)
    expect(numbers.slice(0, 4)).toEqual([3, 0, 11, 0])
  })
  test('votes', async () => {
    const { numbers } = await run(`
      for (int n = 0; n < 3; ++n) given.out[n * 64 + thread] = __syncthreads_or(n == 1 && thread == 33) ? 1 : 0;`)
    expect([numbers[0], numbers[64], numbers[127], numbers[128]]).toEqual([0, 1, 1, 0])
  })
  test('ends with a message where a thread leaves the others at a barrier, or an address lies beyond shared memory', async () => {
    const left = await run('if (thread == 63) return;\n__syncthreads();')
    expect(left.stderr).toContain('a thread ends, and others wait for it at a barrier')
    const beyond = await run('ptx::copyLater(1024, given.out, true);')
    expect(beyond.stderr).toContain('an address lies beyond shared memory')
    const crooked = await run('ptx::copyLater(8, given.out, true);')
    expect(crooked.stderr).toContain('an address of shared memory is not aligned')
  })
  test('AddressSanitizer finds an access beyond shared memory, and nothing else', async () => {
    const asan = ['-fsanitize=address,undefined']
    const fine = await run(meet('__syncthreads();'), asan)
    expect([fine.exitCode, fine.stderr]).toEqual([0, ''])
    const { stderr } = await run('given.out[thread] = reinterpret_cast<float *>(shared)[256 + thread];', asan)
    expect(stderr).toContain('AddressSanitizer: use-after-poison')
  })
  test('ThreadSanitizer finds a barrier that is missing, and no other race', async () => {
    const tsan = ['-fsanitize=thread']
    const fine = await run(meet('__syncthreads();'), tsan)
    expect([fine.exitCode, fine.stderr]).toEqual([0, ''])
    const { stderr } = await run(meet(''), tsan)
    expect(stderr).toContain('ThreadSanitizer: data race')
    const copied = await run(
      `ptx::copyLater(ptx::sharedAddress(shared) + thread * 16, given.out, true);
       ptx::commitCopies();
       ptx::waitForCopies<0>();
       given.out[thread] = reinterpret_cast<float *>(shared)[(63 - thread) * 4];`,
      tsan,
    )
    expect(copied.stderr).toContain('ThreadSanitizer: data race')
  })
  test('runs on stacks of the C library where there is no switch of its own', async () => {
    const { numbers } = await run(meet('__syncthreads();'), ['-DATTNC_UCONTEXT'])
    expect(numbers.slice(0, 2)).toEqual([63, 62])
  })
})

describe.skipIf(missing !== undefined)('tiles in shared memory', { timeout: 120_000 }, () => {
  /** Of eight lanes that reach memory together, how many meet another in a bank of 16 bytes: as many as `conflicts` says, for all tiles. */
  const count = (address: string) => `
    int conflicts = 0;
    const auto meet = [&](std::uint32_t address) {
      std::uint32_t *const all = reinterpret_cast<std::uint32_t *>(shared);
      __syncthreads();
      all[thread] = address / 16 % 8;
      __syncthreads();
      for (int n = thread / 8 * 8; n < thread; ++n) conflicts += all[n] == all[thread] ? 1 : 0;
      __syncthreads();
    };
    const auto look = [&](auto tile) {
      using Of = decltype(tile);
      ${address}
    };
    look(tiles::Tile<64, 16>()); look(tiles::Tile<64, 32>()); look(tiles::Tile<64, 48>()); look(tiles::Tile<64, 64>());
    look(tiles::Tile<64, 80>()); look(tiles::Tile<64, 96>()); look(tiles::Tile<64, 128>()); look(tiles::Tile<64, 192>());
    look(tiles::Tile<96, 64>()); look(tiles::Tile<64, 256>());
    look(tiles::Tile<64, 16, 4>()); look(tiles::Tile<64, 48, 4>()); look(tiles::Tile<64, 64, 4>()); look(tiles::Tile<32, 128, 4>());
    given.out[thread] = float(conflicts);`
  const each = (load: string) =>
    `for (int row = 0; row < Of::rows; row += 16) for (int step = 0; step < Of::rowBytes / 32; ++step) ${load}`
  test.each([
    ['read as rows', each('meet(tiles::addressAt<Of>(0, tiles::laneOfLeft<Of>(), row, step));')],
    ['read as columns', each('meet(tiles::addressAt<Of>(0, tiles::laneOfRight<Of>(), row, step));')],
    [
      'written',
      `using From = tiles::Feed<Of, 64, Of::columns>;
       if constexpr (From::isEven)
         for (int row = 0; row < Of::rows; row += From::step) for (int part = 0; part < From::parts; ++part)
           meet(Of::spot(From::ownRow() + row, From::ownChunk() + part * From::lanes));
       else for (int place = thread; place < Of::rows * Of::chunks; place += 64) meet(Of::spot(place / Of::chunks, place % Of::chunks));`,
    ],
  ])('are %s without two lanes in a bank', async (_, address) => {
    const { numbers, stderr } = await run(count(address))
    expect(stderr).toBe('')
    expect(numbers.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 0))
  })
  test('of 32 bits are read as columns, a word for each lane of a warp, without two in a bank', async () => {
    const { numbers } = await run(`
      int conflicts = 0;
      const auto look = [&](auto tile) {
        using Of = decltype(tile);
        std::uint32_t *const all = reinterpret_cast<std::uint32_t *>(shared);
        for (int step = 0; step < Of::rows / 8; ++step)
          for (int pair = 0; pair < Of::columns / 16; ++pair)
            for (int n = 0; n < 4; ++n) {
              __syncthreads();
              all[thread] = tiles::RightColumns<Of>(0).template wordAt<true>(step, pair, n) / 4 % 32;
              __syncthreads();
              for (int other = thread / 32 * 32; other < thread; ++other) conflicts += all[other] == all[thread] ? 1 : 0;
              __syncthreads();
            }
      };
      look(tiles::Tile<64, 32, 4>()); look(tiles::Tile<64, 64, 4>()); look(tiles::Tile<32, 96, 4>()); look(tiles::Tile<32, 128, 4>());
      given.out[thread] = float(conflicts);`)
    expect(numbers.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 0))
  })
  test('would have conflicts without their order', async () => {
    const { numbers } = await run(
      count(each('meet(std::uint32_t((row + lane % 16) * Of::rowBytes + (step * 2 + lane / 16) * 16));')),
    )
    expect(Math.max(...numbers.slice(0, 64))).toBeGreaterThan(0)
  })
  test.each([
    [64, 64, 2],
    [64, 128, 2],
    [96, 64, 2],
    [32, 80, 2],
    [48, 96, 2],
    [48, 64, 4],
    [32, 80, 4],
  ])('of %i rows and %i columns of %i bytes hold what was copied, and 0 beyond', async (rows, columns, bytes) => {
    const { numbers } = await run(
      `
      using Of = tiles::Tile<${rows}, ${columns}, ${bytes}>;
      using Element = std::uint${8 * bytes}_t;
      static Element from[${rows} * ${columns + 8}];
      for (int n = 0; n < ${rows} * ${columns + 8}; ++n) from[n] = Element(n % 4093 + 1);
      tiles::Feed<Of, 64, ${columns - 8}> feed(from, ${columns + 8});
      __syncthreads();
      feed.copy(ptx::sharedAddress(shared), ${rows - 3});
      ptx::waitForCopies<0>();
      __syncthreads();
      int wrong = 0;
      for (int row = thread; row < ${rows}; row += 64)
        for (int column = 0; column < ${columns}; ++column) {
          const bool isInside = row < ${rows - 3} && column < ${columns - 8};
          const Element has = reinterpret_cast<const Element *>(shared + Of::spot(row, column / Of::each))[column % Of::each];
          wrong += has == (isInside ? from[row * ${columns + 8} + column] : 0) ? 0 : 1;
        }
      given.out[thread] = float(wrong);`,
      [],
      {},
      32768,
    )
    expect(numbers.slice(0, 64)).toEqual(Array.from({ length: 64 }, () => 0))
  })
})

const all = globSync('templates/cuda/{*.cuh,emulation/*.h}', { cwd: root })
test.skipIf(missing !== undefined).each(all)('%s compiles on its own', async (header) => {
  const file = `only-${basename(header)}.cc`
  writeFileSync(join(folder, file), `#include "${join(root, header)}"\n`)
  await execa(findCompiler()!, ['-fsyntax-only', ...flags, ...includes, file], { cwd: folder })
})
