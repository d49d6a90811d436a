/**
 * Stands in for CUDA's library where generated code is compiled by nvcc for the interpreter of PTX. The host part, a shared library, finds
 * the functions of CUDA here: what a call would start is written down, and nothing is started. Addresses of the device are numbers that nobody looks behind: tensors and the workspace
 * lie 4 GiB apart, as runtime/cuda/ptx/device-memory.ts has it.
 *
 * Takes the path of the library. Reads words, writes lines:
 *
 *   entry, bytes of shared memory that a block may have
 *   number of kernels; of each: name, number of parameters, bytes of each
 *   number of inputs, number of results; of each: number of axes, length of each
 *   number of parameters; of each: bytes and bits, or 0 where it is absent
 */
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#include "attnc.h"

namespace {

typedef std::int32_t Shapes(const void *call, attnc_fault *fault);
typedef std::int64_t Workspace(const void *call, std::int32_t reserved, attnc_fault *fault);
typedef std::int32_t Run(const void *call, void *workspace, void *stream, attnc_fault *fault);

/** A kernel, by the function of the host that stands for it. */
struct Kernel {
  const void *host;
  const char *name;
  std::size_t sharedMost = 48 * 1024;  // bytes that it may be started with, until more are asked for
  std::vector<std::size_t> params;     // bytes of each
};
std::vector<Kernel> &kernels() {  // made by the first who asks, who may come before this file's own variables are made
  static std::vector<Kernel> all;
  return all;
}
Kernel &kernelOf(const void *host) {
  for (Kernel &one : kernels())
    if (one.host == host) return one;
  std::exit(5);
}

std::size_t sharedMost = 0;

void *addressOf(std::size_t n) { return reinterpret_cast<void *>((std::uintptr_t(0x70000040 + n) << 32) | 0x40000000u); }

void printAddress(const void *address) { std::printf(" %" PRIuPTR, reinterpret_cast<std::uintptr_t>(address)); }

std::int64_t number() {
  long long value = 0;
  if (std::scanf("%lld", &value) != 1) std::exit(3);
  return value;
}
struct Word {
  char text[4096];
  Word() {
    if (std::scanf("%4095s", text) != 1) std::exit(3);
  }
};

/** A tensor's lengths; its data lie where the n-th address says, if it has any. */
struct Tensor {
  std::vector<std::int64_t> lengths;
};
Tensor readTensor() {
  Tensor one;
  one.lengths.resize(std::size_t(number()));
  for (std::int64_t &length : one.lengths) length = number();
  one.lengths.push_back(0);  // so that there is always one to point to
  return one;
}

int refuse(const attnc_fault &fault) { return std::printf("fault %s\n", fault.text), 0; }

}  // namespace

int main(int count, char **arguments) {
  void *const library = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) return std::fprintf(stderr, "%s\n", count == 2 ? dlerror() : "no library"), 2;
  const Word entry;
  sharedMost = std::size_t(number());
  for (std::int64_t n = number(); n > 0; --n) {
    const Word name;
    std::vector<std::size_t> sizes;
    for (std::int64_t k = number(); k > 0; --k) sizes.push_back(std::size_t(number()));
    for (Kernel &one : kernels())
      if (std::strcmp(one.name, name.text) == 0) one.params = sizes;
  }
  const std::size_t inputs = std::size_t(number()), results = std::size_t(number());
  std::vector<Tensor> tensors;
  while (tensors.size() < inputs + results) tensors.push_back(readTensor());
  std::vector<std::uint64_t> values;
  values.resize(std::size_t(number()));
  std::vector<void *> call;
  for (std::size_t n = 0; n < tensors.size(); ++n) {
    call.push_back(addressOf(n));
    call.push_back(tensors[n].lengths.data());
    call.push_back(nullptr);
  }
  for (std::uint64_t &value : values) {
    const bool isGiven = number() != 0;
    if (isGiven) value = std::uint64_t(number());
    call.push_back(isGiven ? &value : nullptr);
  }
  const auto find = [&](const char *suffix) {
    char name[4200];
    std::snprintf(name, sizeof name, "%s%s", entry.text, suffix);
    return dlsym(library, name);
  };
  const auto shapes = reinterpret_cast<Shapes *>(find("_shapes"));
  const auto workspace = reinterpret_cast<Workspace *>(find("_workspace"));
  const auto run = reinterpret_cast<Run *>(find("_run"));
  if (!shapes || !workspace || !run) return 4;
  attnc_fault fault{};
  if (shapes(call.data(), &fault) != 0) return refuse(fault);
  for (std::size_t n = inputs; n < tensors.size(); ++n) {
    std::printf("result");
    for (std::size_t k = 0; k + 1 < tensors[n].lengths.size(); ++k) std::printf(" %" PRId64, tensors[n].lengths[k]);
    std::printf("\n");
  }
  const std::int64_t bytes = workspace(call.data(), 1, &fault);
  if (bytes < 0) return refuse(fault);
  std::printf("workspace %" PRId64 "\n", bytes);
  if (run(call.data(), addressOf(tensors.size()), nullptr, &fault) != 0) return refuse(fault);
  return 0;
}

// What nvcc's own code calls where a library is loaded.

extern "C" void **__cudaRegisterFatBinary(void *) {
  static void *handle;
  return &handle;
}
extern "C" void __cudaRegisterFatBinaryEnd(void **) {}
extern "C" void __cudaUnregisterFatBinary(void **) {}
extern "C" char __cudaInitModule(void **) { return 1; }
extern "C" void __cudaRegisterFunction(void **, const char *host, char *, const char *device, int, void *, void *, void *, void *, int *) {
  Kernel one;
  one.host = host;
  one.name = device;
  kernels().push_back(one);
}
extern "C" void __cudaRegisterVar(void **, char *, char *, const char *, int, std::size_t, int, int) {}

// What it would call for kernels that are started by <<< >>>, which generated code has none of.

extern "C" unsigned __cudaPushCallConfiguration(dim3, dim3, std::size_t, void *) { std::abort(); }
extern "C" cudaError_t __cudaPopCallConfiguration(dim3 *, dim3 *, std::size_t *, void *) { std::abort(); }
extern "C" cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void **, std::size_t, cudaStream_t) { std::abort(); }
extern "C" cudaError_t __cudaGetKernel(cudaKernel_t *, const void *) { std::abort(); }

// What generated code calls.

const char *cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorInvalidValue ? "invalid argument" : error == cudaErrorInvalidConfiguration ? "invalid configuration argument" : "an error";
}
cudaError_t cudaGetLastError() { return cudaSuccess; }

/** No device is behind a stream. */
cudaError_t cudaStreamGetDevice(cudaStream_t, int *) { return cudaErrorNotSupported; }
cudaError_t cudaGetDevice(int *) { return cudaErrorNotSupported; }

cudaError_t cudaFuncSetAttribute(const void *function, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || std::size_t(value) > sharedMost) return cudaErrorInvalidValue;
  kernelOf(function).sharedMost = std::size_t(value);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::printf("copy");
  printAddress(to);
  printAddress(from);
  std::printf(" %zu\n", bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int value, std::size_t bytes, cudaStream_t) {
  std::printf("fill");
  printAddress(to);
  std::printf(" %d %zu\n", value & 255, bytes);
  return cudaSuccess;
}

/** `launch NAME GRID THREADS SHARED ARGUMENTS`, the last in hexadecimal digits, a word for each parameter. */
cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 threads, void **arguments, std::size_t shared, cudaStream_t) {
  const Kernel &kernel = kernelOf(function);
  if (shared > kernel.sharedMost) return cudaErrorInvalidValue;
  const std::uint64_t all = std::uint64_t(threads.x) * threads.y * threads.z;
  if (all == 0 || all > 1024 || threads.z > 64) return cudaErrorInvalidConfiguration;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) return cudaErrorInvalidConfiguration;
  std::printf("launch %s %u %u %u %u %u %u %zu", kernel.name, grid.x, grid.y, grid.z, threads.x, threads.y, threads.z, shared);
  for (std::size_t n = 0; n < kernel.params.size(); ++n) {
    std::printf(" ");
    for (std::size_t k = 0; k < kernel.params[n]; ++k) std::printf("%02x", static_cast<const unsigned char *>(arguments[n])[k]);
  }
  std::printf("\n");
  return cudaSuccess;
}
