// The pool of the loader, which several threads ask for work at once, as Node's do. Node itself is not there: what asks for it is
// left out by the linker, since nothing calls it.
#include <atomic>
#include "loader.cc"
#include "run-cases.h"
#include "cases.h"

namespace {

constexpr int callers = 3, rounds = 20;

/** As the loader does it: one call at a time has the pool and the workspace. */
void callPool(State &state, const cases::Case &one, const cases::Call &call, std::int32_t workers) {
  Kernel kernel{};
  kernel.run = one.run;
  std::lock_guard<std::mutex> lock(state.mutex);
  attnc_fault fault{};
  void *const workspace = state.room(std::size_t(one.workspace(call.pointers.data(), workers, &fault)));
  std::int32_t result = 0;
  state.pool.call(workers, kernel, call.pointers.data(), workspace, result, &fault);
  if (result != 0) cases::Call::stop(one, fault);
}

/** Prints how often a result was other than what one thread computes. */
int differences() {
  State state;
  std::atomic<int> different{0};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller)
    threads.emplace_back([&, caller] {
      for (const cases::Case &one : cases::listed()) {
        const cases::Call call(one, cases::Planted::nothing);
        cases::compute(one, call, 1, cases::Planted::nothing);
        const std::vector<char> alone = call.results(one);
        for (int round = 0; round < rounds; ++round) {
          callPool(state, one, call, 1 + (round + caller) % 4);  // more threads come to be needed, and fewer
          different += call.results(one) != alone;
        }
      }
    });
  for (std::thread &thread : threads) thread.join();
  return different;
}

}  // namespace

int main() {
  const int different = differences();
  std::printf("%d different\n", different);
  return different;
}
