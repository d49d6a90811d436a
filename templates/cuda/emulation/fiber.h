/** Stacks that a thread of the host takes turns on: one for each thread of a CUDA block. Sanitizers are told of each switch. */
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>
#if !defined(__x86_64__) || defined(ATTNC_UCONTEXT)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace emulation {

constexpr std::size_t stackBytes = 256 << 10;

#if defined(__x86_64__) && !defined(ATTNC_UCONTEXT)
/** Where a stack was left: all registers that a call preserves lie on it. */
struct Place {
  void *top = nullptr;
};

extern "C" void attnc_switch(Place *from, const Place *to);
asm(R"(
.text
.weak attnc_switch
.hidden attnc_switch
.type attnc_switch,@function
attnc_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq (%rsi), %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size attnc_switch,.-attnc_switch
)");
inline void switchPlace(Place &from, const Place &to) { attnc_switch(&from, &to); }
/** A stack whose first switch calls `entry`, which never returns. */
inline void startAt(Place &place, char *stack, void (*entry)()) {
  void **top = reinterpret_cast<void **>(stack + stackBytes);
  *--top = nullptr;  // keeps the stack as the ABI wants it at the start of a function
  *--top = reinterpret_cast<void *>(entry);
  for (int n = 0; n < 6; ++n) *--top = nullptr;
  place.top = top;
}
#else
struct Place {
  ucontext_t context;
};
inline void switchPlace(Place &from, const Place &to) { swapcontext(&from.context, &to.context); }
inline void startAt(Place &place, char *stack, void (*entry)()) {
  getcontext(&place.context);
  place.context.uc_stack.ss_sp = stack;
  place.context.uc_stack.ss_size = stackBytes;
  place.context.uc_link = nullptr;
  makecontext(&place.context, entry, 0);
}
#endif

/** Stacks that blocks which have ended leave to those that follow in the same thread: to map them takes longer than a small kernel. */
class Stacks {
 public:
  Stacks() = default;
  Stacks(const Stacks &) = delete;
  Stacks &operator=(const Stacks &) = delete;
  ~Stacks() {
    for (char *const stack : free) munmap(stack, stackBytes);
  }
  char *take() {
    if (!free.empty()) {
      char *const stack = free.back();
      free.pop_back();
      return stack;
    }
    void *const room = mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
      std::fputs("emulation: there is no memory for the stacks of a block\n", stderr);
      std::abort();
    }
    return static_cast<char *>(room);
  }
  void leave(char *stack) { free.push_back(stack); }

 private:
  std::vector<char *> free;
};
inline thread_local Stacks stacks;

/** A stack with what sanitizers know of it. */
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber &) = delete;
  Fiber &operator=(const Fiber &) = delete;
  ~Fiber() {
#if defined(__SANITIZE_THREAD__)
    if (own && stack) __tsan_destroy_fiber(own);
#endif
    if (stack) stacks.leave(stack);
  }

  /** A stack of its own, which begins in `entry`. */
  void start(void (*entry)()) {
    if (!stack) {
      stack = stacks.take();
#if defined(__SANITIZE_THREAD__)
      own = __tsan_create_fiber(0);
#endif
    }
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack, stackBytes);
    fake = nullptr;
#endif
    startAt(place, stack, entry);
  }
  /** Makes this the stack that the thread is on already. */
  void adopt() {
#if defined(__SANITIZE_THREAD__)
    own = __tsan_get_current_fiber();
#endif
  }

  /** @param ends  whether this stack is not come back to */
  void switchTo(Fiber &to, bool ends = false) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ends ? nullptr : &fake, to.stack ? to.stack : to.bottom, to.stack ? stackBytes : to.size);
#endif
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(to.own, __tsan_switch_to_fiber_no_sync);
#endif
    (void)ends;
    switchPlace(place, to.place);
    arrive(fake, nullptr);
  }
  /** The first thing done on a new stack, which was switched to from `from`. */
  static void begin(Fiber &from) { arrive(nullptr, &from); }

 private:
  Place place;
  char *stack = nullptr;
  void *fake = nullptr;  // stack of variables that AddressSanitizer keeps
  const void *bottom = nullptr;
  std::size_t size = 0;
  void *own = nullptr;  // what ThreadSanitizer knows it by

  static void arrive(void *kept, Fiber *from) {
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(kept, &bottom, &size);
    if (from && !from->stack) {
      from->bottom = bottom;
      from->size = size;
    }
#else
    (void)kept;
    (void)from;
#endif
  }
};

}  // namespace emulation
