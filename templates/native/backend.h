/** Runs kernels on this processor: what loader.cc leaves open. Included by it. */
#pragma once
#include "pool.h"

namespace {

struct Freed {
  void operator()(void *memory) const { std::free(memory); }
};
typedef std::unique_ptr<void, Freed> Memory;

/** What is kept between calls: threads, and the largest workspace so far. */
struct State {
  Pool pool;
  Memory workspace;
  std::size_t bytes = 0;
  std::mutex mutex;

  void *room(std::size_t size) {
    if (size > bytes || !workspace) {
      workspace.reset(allocate(size));
      bytes = workspace ? size : 0;
    }
    return workspace.get();
  }
};

bool compute(const Kernel &kernel, const Call &call, std::int32_t workers, const std::int32_t *stop, Fault &fault) {
  State &state = *kernel.state;
  std::lock_guard<std::mutex> lock(state.mutex);
  const std::int64_t bytes = kernel.workspace(call.pointers.data(), workers, &fault);
  if (bytes < 0) return false;
  void *const workspace = state.room(std::size_t(bytes));
  if (!workspace) {
    std::snprintf(fault.text, sizeof fault.text, "there is no memory for the %lld bytes of the workspace", (long long)bytes);
    return false;
  }
  return state.pool.call(workers, stop, *kernel.run, call.pointers.data(), workspace, &fault) == 0;
}

void addExports(Napi::Env, Napi::Object) {}

}  // namespace
