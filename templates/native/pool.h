/** Threads for kernels: what a loader or a program hands to them as `attnc_threads`. */
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>
#include "attnc.h"

namespace {

/** Threads that wait for work; who asks for work does its share. One call at a time. */
class Pool {
 public:
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      ended = true;
    }
    wake.notify_all();
    for (std::thread &thread : threads) thread.join();
  }

  /**
   * @param workers  of this call: this thread and others
   * @param stop     what is other than 0 once the call is to end early; null: nothing is
   */
  template <class Run>
  std::int32_t call(std::int32_t workers, const std::int32_t *stop, Run &run, const void *arguments, void *workspace,
                    attnc_fault *fault) {
    flag = stop;
    const attnc_threads handed{workers, this, share};
    most = workers;
    return run(arguments, workspace, &handed, fault);
  }

 private:
  typedef void Task(void *context, std::int64_t index, std::int32_t worker);

  static void share(void *pool, Task *task, void *context, std::int64_t count) {
    static_cast<Pool *>(pool)->spread(task, context, count);
  }

  void spread(Task *what, void *with, std::int64_t count) {
    const auto workers = std::int32_t(count < most ? count : most);
    grow(workers - 1);
    {
      std::lock_guard<std::mutex> lock(mutex);
      task = what;
      context = with;
      blocks = count;
      next = 0;
      active = workers;
      busy = workers - 1;
      if (busy > 0) ++generation;
    }
    if (workers > 1) wake.notify_all();
    work(0);
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [this] { return busy <= 0; });
  }

  void grow(std::int32_t others) {
    while (std::int32_t(threads.size()) < others) {
      const auto worker = std::int32_t(threads.size()) + 1;
      threads.emplace_back([this, worker, seen = generation] { serve(worker, seen); });
    }
  }

  void work(std::int32_t worker) {
    for (;;) {
      const std::int64_t index = next++;
      if (index >= blocks || (flag && __atomic_load_n(flag, __ATOMIC_RELAXED))) return;
      task(context, index, worker);
    }
  }

  void serve(std::int32_t worker, std::uint64_t seen) {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return ended || generation != seen; });
      if (ended) return;
      seen = generation;
      if (worker >= active) continue;
      lock.unlock();
      work(worker);
      lock.lock();
      if (--busy == 0) done.notify_one();
    }
  }

  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  Task *task = nullptr;
  void *context = nullptr;
  std::int64_t blocks = 0;
  std::int32_t most = 1;  // workers of this call
  std::int32_t active = 1;  // workers of this kernel: there may be more threads, and fewer blocks than workers
  const std::int32_t *flag = nullptr;
  std::atomic<std::int64_t> next{0};
  std::int32_t busy = 0;
  std::uint64_t generation = 0;
  bool ended = false;
};

}  // namespace
