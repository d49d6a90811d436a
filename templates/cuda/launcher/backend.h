/** Runs kernels on a GPU: what loader.cc leaves open. Included by it. */
#pragma once
#include "device.h"

namespace {

struct State {};  // the device keeps what there is to keep

/** Of the process: environments of Node share it, one call at a time. */
device::Gpu gpu;

/** Tensors and workspace in one piece of the device's memory. `places`: where each begins. */
struct Placed {
  std::vector<std::size_t> places, bytes;
  std::size_t all = 0;

  void put(std::size_t size) {
    places.push_back(all);
    bytes.push_back(size);
    if (__builtin_add_overflow(all, (size + 255) / 256 * 256, &all) || all > device::mostBytes)
      throw device::Failure{"memory", "a call cannot have so much memory"};
  }
};

/** The bytes of a tensor, which loader.cc has found to be a number of bytes. */
std::size_t sizeOf(const std::int64_t *shape, Form form) {
  std::size_t bytes = form.bytes;
  for (std::uint32_t k = 0; k < form.rank; ++k) bytes *= std::size_t(shape[k]);
  return bytes;
}

/** Copies inputs, starts the kernels, copies results, all on one stream; false where the call was refused. */
bool launch(const Kernel &kernel, const Call &call, const std::int32_t *stop, Fault &fault) {
  gpu.enter();
  driver::Library &library = gpu.load(kernel.library);
  std::vector<void *> pointers = call.pointers;
  Placed placed;
  for (std::size_t n = 0; n < kernel.tensors.size(); ++n)
    placed.put(sizeOf(static_cast<const std::int64_t *>(pointers[3 * n + 1]), kernel.tensors[n]));
  const std::int64_t workspace = kernel.workspace(pointers.data(), 1, &fault);
  if (workspace < 0) return false;
  placed.put(std::size_t(workspace));
  const device::Memory memory(gpu, placed.all);
  const auto isStopped = [&] { return stop && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0; };
  for (std::size_t n = 0; n < kernel.inputs && !isStopped(); ++n) gpu.copyIn(memory.address + placed.places[n], pointers[3 * n], placed.bytes[n]);
  if (isStopped()) return true;
  for (std::size_t n = 0; n < kernel.tensors.size(); ++n) pointers[3 * n] = reinterpret_cast<void *>(memory.address + placed.places[n]);
  library.failure = 0;
  const std::int32_t refused =
      kernel.run(pointers.data(), reinterpret_cast<void *>(memory.address + placed.places.back()), gpu.stream(), &fault);
  gpu.check(library.failure);
  if (refused != 0) return false;
  for (std::size_t n = kernel.inputs; n < kernel.tensors.size(); ++n)
    gpu.copyOut(call.pointers[3 * n], memory.address + placed.places[n], placed.bytes[n]);
  gpu.finish();
  return true;
}

bool compute(const Kernel &kernel, const Call &call, std::int32_t, const std::int32_t *stop, Fault &fault) {
  const std::lock_guard<std::mutex> held(gpu.mutex);
  try {
    return launch(kernel, call, stop, fault);
  } catch (const device::Failure &failure) {
    std::snprintf(fault.text, sizeof fault.text, "%s", failure.text.c_str());
    fault.kind = failure.kind;
    if (failure.isLost) gpu.drop();
    return false;
  }
}

/** probe(): the GPU that is used, or why there is none. */
Napi::Value Probe(const Napi::CallbackInfo &info) {
  const std::lock_guard<std::mutex> held(gpu.mutex);
  Napi::Object found = Napi::Object::New(info.Env());
  try {
    gpu.open();
    found.Set("name", gpu.name());
    found.Set("architecture", gpu.architecture());
    found.Set("driver", gpu.driverVersion());
  } catch (const device::Failure &failure) {
    found.Set("missing", failure.text);
  }
  return found;
}

void addExports(Napi::Env env, Napi::Object exports) { exports.Set("probe", Napi::Function::New(env, Probe)); }

}  // namespace
