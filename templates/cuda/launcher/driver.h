/**
 * The functions of CUDA's driver that are used here, and what a library of kernels shares with the addon that launches them. They are
 * looked up when a program runs, so that nothing of CUDA is needed to compile this: CUDA Driver API, "Module Management" and after.
 */
#pragma once
#include <cstddef>
#include <cstdint>

namespace driver {

using Result = int;  // a CUresult: 0 is success
using Device = int;
using Address = std::uint64_t;  // of the device
using Context = struct CUctx_st *;
using Code = struct CUmod_st *;
using Function = struct CUfunc_st *;
using Stream = struct CUstream_st *;
using Event = struct CUevent_st *;

/** X(name here, name in the library, arguments) */
#define ATTNC_DRIVER_FUNCTIONS(X)                                                                     \
  X(init, cuInit, unsigned flags)                                                                     \
  X(version, cuDriverGetVersion, int *version)                                                        \
  X(describe, cuGetErrorString, Result code, const char **text)                                       \
  X(countDevices, cuDeviceGetCount, int *count)                                                       \
  X(device, cuDeviceGet, Device *device, int ordinal)                                                 \
  X(nameOf, cuDeviceGetName, char *name, int bytes, Device device)                                    \
  X(attribute, cuDeviceGetAttribute, int *value, int attribute, Device device)                        \
  X(retain, cuDevicePrimaryCtxRetain, Context *context, Device device)                                \
  X(release, cuDevicePrimaryCtxRelease_v2, Device device)                                             \
  X(reset, cuDevicePrimaryCtxReset_v2, Device device)                                                 \
  X(enter, cuCtxSetCurrent, Context context)                                                          \
  X(load, cuModuleLoadData, Code *code, const void *image)                                            \
  X(find, cuModuleGetFunction, Function *function, Code code, const char *name)                       \
  X(configure, cuFuncSetAttribute, Function function, int attribute, int value)                       \
  X(launch, cuLaunchKernel, Function function, unsigned gridX, unsigned gridY, unsigned gridZ,        \
    unsigned threadsX, unsigned threadsY, unsigned threadsZ, unsigned sharedBytes, Stream stream,     \
    void **arguments, void **extra)                                                                   \
  X(memory, cuMemGetInfo_v2, std::size_t *free, std::size_t *all)                                     \
  X(allocate, cuMemAlloc_v2, Address *address, std::size_t bytes)                                     \
  X(free, cuMemFree_v2, Address address)                                                              \
  X(allocatePinned, cuMemHostAlloc, void **memory, std::size_t bytes, unsigned flags)                 \
  X(freePinned, cuMemFreeHost, void *memory)                                                          \
  X(copyIn, cuMemcpyHtoDAsync_v2, Address to, const void *from, std::size_t bytes, Stream stream)     \
  X(copyOut, cuMemcpyDtoHAsync_v2, void *to, Address from, std::size_t bytes, Stream stream)          \
  X(copyWithin, cuMemcpyDtoDAsync_v2, Address to, Address from, std::size_t bytes, Stream stream)     \
  X(makeStream, cuStreamCreate, Stream *stream, unsigned flags)                                       \
  X(waitForStream, cuStreamSynchronize, Stream stream)                                                \
  X(makeEvent, cuEventCreate, Event *event, unsigned flags)                                           \
  X(record, cuEventRecord, Event event, Stream stream)                                                \
  X(waitForEvent, cuEventSynchronize, Event event)

struct Table {
#define ATTNC_MEMBER(name, symbol, ...) Result (*name)(__VA_ARGS__) = nullptr;
  ATTNC_DRIVER_FUNCTIONS(ATTNC_MEMBER)
#undef ATTNC_MEMBER
};

/** A kernel, by the function of the host that stands for it; `function` is found where its code is loaded. */
struct Kernel {
  const void *host;
  const char *name;  // on the device
  Function function;
};

/** A library of kernels. Who launches them fills in all but the first four members. */
struct Library {
  const void *image = nullptr;  // code for one or more architectures
  int toolkit = 0;              // the version of CUDA that it was compiled with: 1000 major + 10 minor
  Kernel *kernels = nullptr;
  int count = 0;
  const Table *driver = nullptr;
  std::uint64_t loadedBy = 0;  // the context that `function` of each kernel belongs to; 0: none yet
  Result failure = 0;          // the first one of a run
};

}  // namespace driver

/** What every library of kernels exports. */
extern "C" driver::Library *attnc_cuda_library();
