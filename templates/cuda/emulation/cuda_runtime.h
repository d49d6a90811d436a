/**
 * Stands in for CUDA's header of this name: generated kernels are then C++ for the host, and run there by emulation.
 *
 *   g++ -std=c++17 -x c++ -I templates/cuda/emulation -c NAME.cu
 */
#pragma once
#include <cstddef>
#include <cstdint>
#include "instructions.h"

#define CUDART_VERSION 13000
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

#define threadIdx (emulation::thread->index)
#define blockIdx (emulation::block->index)
#define blockDim (emulation::block->threads)
#define gridDim (emulation::block->grid)
#define __syncthreads() emulation::barrier()
#define __syncthreads_or(own) emulation::barrierOr((own) != 0)

using cudaStream_t = struct CUstream_st *;
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidKernelImage = 200,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorUnsupportedPtxVersion = 222,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchTimeout = 702,
  cudaErrorAssert = 710,
  cudaErrorHardwareStackError = 714,
  cudaErrorIllegalInstruction = 715,
  cudaErrorMisalignedAddress = 716,
  cudaErrorInvalidAddressSpace = 717,
  cudaErrorInvalidPc = 718,
  cudaErrorLaunchFailure = 719,
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaMemcpyKind { cudaMemcpyDeviceToDevice = 3 };

inline const char *cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "as planted"; }
/** What a test has launches fail with, and the last such error until it is taken. */
inline cudaError_t plantedError() {
  const char *const number = std::getenv("ATTNC_EMULATION_FAIL");
  return number ? cudaError_t(std::atoi(number)) : cudaSuccess;
}
inline cudaError_t &lastError() {
  static cudaError_t error = cudaSuccess;
  return error;
}
inline cudaError_t cudaGetLastError() {
  const cudaError_t error = lastError();
  lastError() = cudaSuccess;
  return error;
}
/** Of the one device; a test may say which device all streams are of. */
inline cudaError_t cudaGetDevice(int *device) { return *device = 0, cudaSuccess; }
inline cudaError_t cudaStreamGetDevice(cudaStream_t, int *device) {
  const char *const number = std::getenv("ATTNC_EMULATION_STREAM");
  return *device = number ? std::atoi(number) : 0, cudaSuccess;
}
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel *, cudaFuncAttribute, int) {
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

/** Runs the blocks of a grid one after another. */
template <class Given>
cudaError_t cudaLaunchKernel(void (*kernel)(Given), dim3 grid, dim3 threads, void **arguments, std::size_t shared, cudaStream_t) {
  if (plantedError() != cudaSuccess) return lastError() = plantedError();
  struct Call {
    void (*kernel)(Given);
    std::remove_const_t<Given> *given;
  } call{kernel, static_cast<std::remove_const_t<Given> *>(arguments[0])};
  emulation::Block block(grid, threads, shared);
  block.argument = &call;
  block.body = [](void *argument) {
    const Call &own = *static_cast<const Call *>(argument);
    own.kernel(*own.given);
  };
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) block.run(dim3(x, y, z));
  return cudaSuccess;
}
