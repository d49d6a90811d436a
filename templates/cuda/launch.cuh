/** What a kernel is given, and how it is started. */
#pragma once
#include "ptx.cuh"

namespace {
namespace launch {

/** Arguments of a kernel: those of the call, the blocks of work that it is to do, and memory for tiles that shared memory has no room for. */
template <class Given>
struct Work {
  Given given;
  std::int64_t blocks;
  char *scratch;
};

/** Blocks that work at the same time where each has memory of its own. */
constexpr std::int64_t mostWithScratch = 512;
inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline std::int64_t larger(std::int64_t a, std::int64_t b) { return a < b ? b : a; }

/** Starts a kernel on a stream. A block of threads does one block of work after the other, if there are more than fit in a grid. */
template <class Given>
cudaError_t start(void (*kernel)(Work<Given>), const Given &given, std::int64_t blocks, int threads, std::int64_t sharedBytes, char *scratch,
                  std::int64_t scratchBytes, cudaStream_t stream) {
  if (blocks <= 0) return cudaSuccess;
  Work<Given> work{given, blocks, scratch};
  void *arguments[] = {&work};
  const std::int64_t most = scratchBytes > 0 ? mostWithScratch : (std::int64_t(1) << 31) - 1;
  if (sharedBytes > 48 * 1024) {
    const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(sharedBytes));
    if (error != cudaSuccess) return error;
  }
  return cudaLaunchKernel(kernel, dim3(unsigned(smaller(blocks, most))), dim3(unsigned(threads)), arguments, std::size_t(sharedBytes), stream);
}

/** As `start`, with a block of work for each thread. */
template <class Given>
cudaError_t startElements(void (*kernel)(Work<Given>), const Given &given, std::int64_t blocks, int threads, cudaStream_t stream) {
  if (blocks <= 0) return cudaSuccess;
  Work<Given> work{given, blocks, nullptr};
  void *arguments[] = {&work};
  const std::int64_t grid = smaller((blocks + threads - 1) / threads, (std::int64_t(1) << 31) - 1);
  return cudaLaunchKernel(kernel, dim3(unsigned(grid)), dim3(unsigned(threads)), arguments, 0, stream);
}

}  // namespace launch
}  // namespace
