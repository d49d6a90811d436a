/** What a kernel is given, and how it is started. */
#pragma once
#include "call.h"
#include "ptx.cuh"

namespace {
namespace launch {

/** Arguments of a kernel: those of the call, the blocks of work that it is to do, and memory for tiles that shared memory has no room for. */
template <class Given>
struct Work {
  Given given;
  std::int64_t blocks;
  char *scratch;
  unsigned char *redo;  // of each block of work, whether it is to be done again; null: all are to be done
};

/** Blocks that work at the same time where each has memory of its own. */
constexpr std::int64_t mostWithScratch = 128;
inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline std::int64_t larger(std::int64_t a, std::int64_t b) { return a < b ? b : a; }

constexpr std::int64_t longestGrid = (std::int64_t(1) << 31) - 1;

/** The bytes of tiles in memory for all blocks that work at the same time. */
inline std::int64_t tileBytes(std::int64_t blocks, std::int64_t bytesOfBlock) {
  return smaller(blocks, mostWithScratch) * bytesOfBlock;
}

template <class Given>
cudaError_t launchWith(void (*kernel)(Work<Given>), Work<Given> work, std::int64_t grid, int threads, std::int64_t sharedBytes,
                       cudaStream_t stream) {
  void *arguments[] = {&work};
  if (sharedBytes > 48 * 1024) {
    const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(sharedBytes));
    if (error != cudaSuccess) return error;
  }
  return cudaLaunchKernel(kernel, dim3(unsigned(grid)), dim3(unsigned(threads)), arguments, std::size_t(sharedBytes), stream);
}

/**
 * Starts a kernel on a stream. A block of threads does one block of work after the other, if there are more than fit in a grid. With
 * `redo`, only those that it names.
 */
template <class Given>
cudaError_t start(void (*kernel)(Work<Given>), const Given &given, std::int64_t blocks, int threads, std::int64_t sharedBytes, char *scratch,
                  std::int64_t scratchBytes, cudaStream_t stream, unsigned char *redo = nullptr) {
  if (blocks <= 0) return cudaSuccess;
  const std::int64_t most = scratchBytes > 0 || redo ? mostWithScratch : longestGrid;
  return launchWith(kernel, Work<Given>{given, blocks, scratch, redo}, smaller(blocks, most), threads, sharedBytes, stream);
}

/** Starts a kernel whose blocks do a block of work each, and say in `redo` whether it has to be done again. */
template <class Given>
cudaError_t startTiles(void (*kernel)(Work<Given>), const Given &given, std::int64_t blocks, int threads, std::int64_t sharedBytes,
                       unsigned char *redo, cudaStream_t stream) {
  if (blocks <= 0) return cudaSuccess;
  return launchWith(kernel, Work<Given>{given, blocks, nullptr, redo}, blocks, threads, sharedBytes, stream);
}

/** As `start`, with a block of work for each thread. */
template <class Given>
cudaError_t startElements(void (*kernel)(Work<Given>), const Given &given, std::int64_t blocks, int threads, cudaStream_t stream) {
  if (blocks <= 0) return cudaSuccess;
  const std::int64_t grid = smaller((blocks + threads - 1) / threads, longestGrid);
  return launchWith(kernel, Work<Given>{given, blocks, nullptr, nullptr}, grid, threads, 0, stream);
}

/** Whether a stream belongs to another device than the current one; false where CUDA cannot tell, as before 12.8. */
inline bool isOfAnother(cudaStream_t stream, int &own, int &current) {
#if CUDART_VERSION >= 12080
  const bool isKnown = cudaStreamGetDevice(stream, &own) == cudaSuccess && cudaGetDevice(&current) == cudaSuccess;
  if (!isKnown) (void)cudaGetLastError();
  return isKnown && own != current;
#else
  return (void)stream, (void)own, (void)current, false;
#endif
}

/**
 * What is wrong where CUDA refuses a call: always false. CUDA keeps the last error of a thread; it is taken back here, so that the caller's
 * next look does not find it.
 */
inline bool explain(cudaError_t error, cudaStream_t stream, call::Fault &fault) {
  int own = 0, current = 0;
  const char *const text = cudaGetErrorString(error);
  (void)cudaGetLastError();
  switch (error) {
    case cudaErrorMemoryAllocation:
      return call::refuseFor(ATTNC_NO_MEMORY, fault, "the GPU has no memory left (CUDA error %d: %s)", int(error), text);
    case cudaErrorNoDevice:
      return call::refuseFor(ATTNC_BAD_GPU, fault, "there is no GPU (CUDA error %d: %s)", int(error), text);
    case cudaErrorInsufficientDriver:
    case cudaErrorUnsupportedPtxVersion:
      return call::refuseFor(ATTNC_BAD_GPU, fault, "the driver is older than the CUDA that these kernels were compiled with (CUDA error %d: %s)",
                             int(error), text);
    case cudaErrorInvalidKernelImage:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorNoKernelImageForDevice:
      return call::refuseFor(ATTNC_BAD_GPU, fault,
                             "the kernels were not compiled for this GPU: name its architecture, sm_80 or later (CUDA error %d: %s)",
                             int(error), text);
    case cudaErrorInvalidResourceHandle:
    case cudaErrorInvalidDevice:
      if (isOfAnother(stream, own, current))
        return call::refuseFor(ATTNC_BAD_STREAM, fault,
                               "the stream is one of device %d, and device %d is the current one: call cudaSetDevice(%d) first (CUDA error %d: %s)",
                               own, current, own, int(error), text);
      return call::refuseFor(ATTNC_BAD_STREAM, fault, "the stream is not one of the current device: call cudaSetDevice first (CUDA error %d: %s)",
                             int(error), text);
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return call::refuseFor(ATTNC_FAILED, fault,
                             "a kernel that was started before has failed, and nothing works on this device until the process ends "
                             "(CUDA error %d: %s)",
                             int(error), text);
    default:
      return call::refuseFor(ATTNC_FAILED, fault, "CUDA refused a kernel (CUDA error %d: %s)", int(error), text);
  }
}

}  // namespace launch
}  // namespace
