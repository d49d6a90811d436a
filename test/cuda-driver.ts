/** A stand-in of CUDA's driver, test/cuda-driver/libcuda.cc, and a library of emulated kernels for it to run. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { findCompiler } from '../runtime/native/compiler.ts'
import { emulationFiles } from '../targets/cuda/emulation.ts'
import type { OutFile } from '../targets/target.ts'

const source = resolve(import.meta.dirname, 'cuda-driver/libcuda.cc')
const flags = ['-std=c++17', '-O1', '-shared', '-fPIC', '-Wall', '-Wextra', '-Wno-unused-function']

const variables = ['LIBCUDA', 'STUB_LOG', 'STUB_FAIL', 'STUB_KERNELS', 'STUB_MEMORY', 'CUDA_ARCH'].map(
  (name) => `ATTNC_${name}`,
)

export class StubDriver {
  readonly folder = mkdtempSync(join(tmpdir(), 'attnc-driver-'))
  #seen = 0

  /** Compiles it, and has this process and those that it starts find it. */
  async start(kernels: readonly OutFile[]): Promise<void> {
    const at = (name: string): string => join(this.folder, name)
    await execa(findCompiler()!, [...flags, source, '-o', at('libcuda.so'), '-ldl'])
    for (const { path, text } of kernels) writeFileSync(at(path), text)
    for (const [path, text] of Object.entries(emulationFiles)) writeFileSync(at(path), text)
    writeFileSync(at('emulate.cc'), emulateSource(kernels))
    await execa(findCompiler()!, [...flags, '-I.', 'emulate.cc', '-o', at('emulate.so')], { cwd: this.folder })
    process.env.ATTNC_LIBCUDA = at('libcuda.so')
    process.env.ATTNC_STUB_KERNELS = at('emulate.so')
    process.env.ATTNC_STUB_LOG = at('log')
  }

  /** What was called since this was last asked, a line each. */
  calls(): readonly string[] {
    const log = join(this.folder, 'log')
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []
    const found = lines.slice(this.#seen)
    this.#seen = lines.length
    return found
  }

  remove(): void {
    for (const name of variables) delete process.env[name]
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A function that runs the kernels of generated CUDA by the names that nvcc gives them: each ends in its length, its name and an E. */
function emulateSource([main]: readonly OutFile[]): string {
  const kernels = [
    ...main!.text.matchAll(/^__global__ void .*?\b(\w+)\(const __grid_constant__ launch::Work<(\w+)> work\)/gm),
  ]
  const cases = kernels.map(
    ([, name = '', type]) =>
      `  if (std::strstr(name, "${name.length}${name}E")) return run(${name}, launch::Work<${type}>{});`,
  )
  return `#include "${main!.path}"
extern "C" std::size_t attnc_emulate(const char *name, unsigned grid, unsigned threads, std::size_t shared, const void *given) {
  const auto run = [&](auto *kernel, auto work) -> std::size_t {
    if (!given) return sizeof work;
    std::memcpy(static_cast<void *>(&work), given, sizeof work);
    void *arguments[] = {&work};
    cudaLaunchKernel(kernel, dim3(grid), dim3(threads), arguments, shared, nullptr);
    return sizeof work;
  };
${cases.join('\n')}
  return 0;
}
`
}
