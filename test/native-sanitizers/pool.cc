// The pool of the loader, which several threads ask for work at once, as Node's do.
#include "pool.h"
#include "run-cases.h"
#include "cases.h"

namespace {

constexpr int callers = 3, rounds = 20;

struct State {
  Pool pool;
  std::mutex mutex;
};

/** One call at a time has the pool, as the loader does it. */
void callPool(State &state, const cases::Case &one, const cases::Call &call, std::int32_t workers) {
  std::lock_guard<std::mutex> lock(state.mutex);
  attnc_fault fault{};
  const std::int64_t bytes = one.workspace(call.pointers.data(), workers, &fault);
  const cases::Memory workspace(std::aligned_alloc(64, std::size_t(bytes)));
  const std::int32_t result = state.pool.call(workers, nullptr, *one.run, call.pointers.data(), workspace.get(), &fault);
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
