/**
 * A block of CUDA threads on one thread of the host: each CUDA thread is a fiber that runs until it waits, for all of its block at a
 * barrier or for all of its warp in a warp-wide instruction. Shared memory holds NaN until it is written. What hardware would leave
 * undefined ends the process with a message.
 */
#pragma once
#include <cstring>
#include <memory>
#include <vector>
#include "fiber.h"

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace emulation {

constexpr int warpLanes = 32;

/** A copy to shared memory that may happen at any time from its issue to its wait: here, as late as can be. */
struct PendingCopy {
  std::uint32_t to;
  const void *from;
  int bytes;
  bool zero;
  int group;
};

struct Thread {
  Fiber fiber;
  dim3 index{0, 0, 0};
  int lane = 0;
  int warp = 0;
  bool done = true;
  const unsigned *gate = nullptr;  // waits while this is still `ticket`
  unsigned ticket = 0;
  const char *waitsFor = "";
  std::vector<PendingCopy> copies;
  int group = 0;
};

/** What the lanes of a warp bring to an instruction that they run together, and take from it. */
struct Warp {
  int arrived = 0;
  unsigned generation = 0;
  const char *instruction = "";
  std::uint32_t in[warpLanes][10];
  std::uint32_t out[warpLanes][4];
  char order = 0;  // what ThreadSanitizer orders the lanes by
};

struct Block;
inline thread_local Block *block = nullptr;
inline thread_local Thread *thread = nullptr;

[[noreturn]] void die(const char *what);

struct Block {
  dim3 index{0, 0, 0}, threads, grid;
  std::vector<Thread> all;
  std::vector<Warp> warps;
  Fiber host;
  int alive = 0;
  int arrived = 0;
  unsigned generation = 0;
  bool votes = false;
  std::size_t sharedBytes = 0;
  std::unique_ptr<char, void (*)(void *)> shared{nullptr, std::free};
  void (*body)(void *) = nullptr;
  void *argument = nullptr;
  bool isReversed = false;  // warps take their turns from the last
  char order = 0, begin = 0, end = 0;  // what ThreadSanitizer orders barriers, and the start and the end of the block, by

  Block(dim3 grid, dim3 threads, std::size_t bytes)
      : threads(threads), grid(grid), all(threads.x * threads.y * threads.z), warps((all.size() + warpLanes - 1) / warpLanes),
        sharedBytes(bytes) {
    if (all.empty() || all.size() > 1024 || all.size() % warpLanes != 0) die("a block has to have 32 to 1024 threads, in whole warps");
    const char *const asked = std::getenv("ATTNC_EMULATION_ORDER");
    isReversed = asked && std::strcmp(asked, "reversed") == 0;
  }

  void run(dim3 at);
  void deadlock();
};

[[noreturn]] inline void die(const char *what) {
  if (block && thread)
    std::fprintf(stderr, "emulation: %s (block %u, thread %u)\n", what, block->index.x, thread->index.x);
  else
    std::fprintf(stderr, "emulation: %s\n", what);
  std::abort();
}

#if defined(__SANITIZE_THREAD__)
inline void release(char &order) { __tsan_release(&order); }
inline void acquire(char &order) { __tsan_acquire(&order); }
extern "C" void AnnotateIgnoreReadsBegin(const char *, int);
extern "C" void AnnotateIgnoreReadsEnd(const char *, int);
extern "C" void AnnotateIgnoreWritesBegin(const char *, int);
extern "C" void AnnotateIgnoreWritesEnd(const char *, int);
/** What the emulation itself reads and writes is no race of the kernel's. */
struct Unwatched {
  Unwatched() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unwatched() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
};
#else
inline void release(char &) {}
inline void acquire(char &) {}
struct Unwatched {
  Unwatched() {}
};
#endif

/** Lets others run until `gate` has changed. */
inline void waitFor(const unsigned &gate, unsigned ticket, const char *what) {
  Thread &self = *thread;
  self.gate = &gate;
  self.ticket = ticket;
  self.waitsFor = what;
  while (gate == ticket) self.fiber.switchTo(block->host);
  self.gate = nullptr;
}

inline void threadMain() {
  Fiber::begin(block->host);
  acquire(block->begin);
  block->body(block->argument);
  release(block->end);
  {
    const Unwatched unwatched;
    if (!thread->copies.empty()) die("a thread ends before its copies to shared memory have been waited for");
    thread->done = true;
    --block->alive;
    if (block->arrived > 0 && block->arrived == block->alive) die("a thread ends, and others wait for it at a barrier");
  }
  thread->fiber.switchTo(block->host, true);
  std::abort();
}

inline void Block::run(dim3 at) {
  const Unwatched unwatched;
  Block *const before = block;
  block = this;
  index = at;
  const std::size_t room = (sharedBytes + 1023) / 1024 * 1024 + 1024;
  shared.reset(static_cast<char *>(aligned_alloc(1024, room)));
  if (!shared) die("there is no memory for shared memory");
  std::memset(shared.get(), 0xff, room);
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(shared.get() + sharedBytes, room - sharedBytes);
#endif
  host.adopt();
  release(begin);
  alive = int(all.size());
  arrived = 0;
  for (Warp &warp : warps) warp.arrived = 0;
  for (int n = 0; n < alive; ++n) {
    Thread &one = all[n];
    one.index = dim3(n % threads.x, n / threads.x % threads.y, n / (threads.x * threads.y));
    one.lane = n % warpLanes;
    one.warp = n / warpLanes;
    one.done = false;
    one.gate = nullptr;
    one.copies.clear();
    one.group = 0;
    one.fiber.start(threadMain);
  }
  while (alive > 0) {
    bool moved = false;
    for (std::size_t n = 0; n < warps.size(); ++n) {
      const std::size_t warp = isReversed ? warps.size() - 1 - n : n;
      for (bool again = true; again;) {
        again = false;
        for (int lane = 0; lane < warpLanes; ++lane) {
          Thread &one = all[warp * warpLanes + lane];
          if (one.done || (one.gate && *one.gate == one.ticket)) continue;
          thread = &one;
          host.switchTo(one.fiber);
          thread = nullptr;
          moved = again = true;
        }
      }
    }
    if (!moved) deadlock();
  }
  acquire(end);
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(shared.get(), room);
#endif
  shared.reset();
  block = before;
}

inline void Block::deadlock() {
  for (const Thread &one : all)
    if (!one.done) std::fprintf(stderr, "emulation: thread %u waits in %s\n", one.index.x, one.waitsFor);
  die("the threads of a block wait for each other forever");
}

/** All threads of the block have come here, and see what the others wrote before. */
inline void barrier() {
  const Unwatched unwatched;
  release(block->order);
  const unsigned ticket = block->generation;
  if (++block->arrived == block->alive) {
    block->arrived = 0;
    ++block->generation;
  } else {
    waitFor(block->generation, ticket, "__syncthreads");
  }
  acquire(block->order);
}

/** A barrier that tells every thread whether any of them has come with `own`. */
inline bool barrierOr(bool own) {
  Block &all = *block;
  {
    const Unwatched unwatched;
    all.votes = all.votes || own;
  }
  barrier();
  const bool any = [&] {
    const Unwatched unwatched;
    return all.votes;
  }();
  barrier();
  if (thread == &all.all[0]) {
    const Unwatched unwatched;
    all.votes = false;
  }
  barrier();
  return any;
}

/** The last lane of a warp to come here does `work` for all. */
template <class Work>
void together(const char *instruction, Work work) {
  Warp &warp = block->warps[thread->warp];
  if (warp.arrived > 0 && std::strcmp(warp.instruction, instruction) != 0) die("the lanes of a warp are in different instructions");
  warp.instruction = instruction;
  const unsigned ticket = warp.generation;
  if (++warp.arrived == warpLanes) {
    warp.arrived = 0;
    work(warp);
    ++warp.generation;
  } else {
    waitFor(warp.generation, ticket, instruction);
  }
}

/** Shared memory at an address that instructions take: its bytes from the start. */
inline char *sharedAt(std::uint32_t address, std::size_t bytes) {
  if (address % bytes != 0) die("an address of shared memory is not aligned");
#if !defined(__SANITIZE_ADDRESS__)
  if (address + bytes > block->sharedBytes) die("an address lies beyond shared memory");
#endif
  return block->shared.get() + address;
}

}  // namespace emulation
