/**
 * The functions of CUDA's runtime that generated code calls, made of those of the driver. It becomes part of a library of kernels that
 * nvcc links without its own runtime, so that the library loads on machines without CUDA, and the driver sees nothing else.
 */
#include <cuda_runtime_api.h>
#include <cstdlib>
#include "driver.h"

namespace {

constexpr int most = 4096;  // kernels of a source
driver::Kernel kernels[most];
driver::Library library{nullptr, CUDART_VERSION, kernels, 0, nullptr, 0, 0};

/** The first failure is kept: what follows it fails as well. */
cudaError_t noted(driver::Result result) {
  if (library.failure == 0) library.failure = result;
  return cudaError_t(result);  // both number failures alike
}

driver::Function functionOf(const void *host) {
  for (int n = 0; n < library.count; ++n)
    if (kernels[n].host == host) return kernels[n].function;
  return nullptr;
}

constexpr int mostSharedBytes = 8;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES

}  // namespace

extern "C" driver::Library *attnc_cuda_library() { return &library; }

// What nvcc's own code calls where a library is loaded.

extern "C" void **__cudaRegisterFatBinary(void *wrapper) {
  struct Wrapper {
    int magic, version;
    const void *image;
  };
  static void *handle;
  library.image = static_cast<const Wrapper *>(wrapper)->image;
  return &handle;
}
extern "C" void __cudaRegisterFatBinaryEnd(void **) {}
extern "C" void __cudaUnregisterFatBinary(void **) {}
extern "C" char __cudaInitModule(void **) { return 1; }
extern "C" void __cudaRegisterFunction(void **, const char *host, char *, const char *name, int, void *, void *, void *, void *, int *) {
  if (library.count == most) std::abort();
  kernels[library.count++] = {host, name, nullptr};
}
extern "C" void __cudaRegisterVar(void **, char *, char *, const char *, int, std::size_t, int, int) {}

// What it would call for kernels that are started by <<< >>>, which generated code has none of.

extern "C" unsigned __cudaPushCallConfiguration(dim3, dim3, std::size_t, void *) { std::abort(); }
extern "C" cudaError_t __cudaPopCallConfiguration(dim3 *, dim3 *, std::size_t *, void *) { std::abort(); }
extern "C" cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void **, std::size_t, cudaStream_t) { std::abort(); }
extern "C" cudaError_t __cudaGetKernel(cudaKernel_t *, const void *) { std::abort(); }

// What generated code calls.

const char *cudaGetErrorString(cudaError_t error) {
  const char *text = nullptr;
  library.driver->describe(error, &text);
  return text ? text : "an unknown error";
}

cudaError_t cudaGetLastError() { return cudaSuccess; }  // the launcher keeps the first one

/** Nobody asks: the stream is the launcher's own. */
cudaError_t cudaStreamGetDevice(cudaStream_t, int *) { return cudaErrorNotSupported; }
cudaError_t cudaGetDevice(int *) { return cudaErrorNotSupported; }

cudaError_t cudaFuncSetAttribute(const void *host, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return noted(cudaErrorInvalidValue);
  return noted(library.driver->configure(functionOf(host), mostSharedBytes, value));
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  return noted(library.driver->copyWithin(driver::Address(to), driver::Address(from), bytes, stream));
}

cudaError_t cudaLaunchKernel(const void *host, dim3 grid, dim3 threads, void **arguments, std::size_t shared, cudaStream_t stream) {
  return noted(library.driver->launch(functionOf(host), grid.x, grid.y, grid.z, threads.x, threads.y, threads.z, unsigned(shared), stream,
                                      arguments, nullptr));
}
