// All cases on one thread and on three: the sanitizers look on, and results have to be the same to the bit.
#include "run-cases.h"
#include "cases.h"

using namespace cases;

static Planted plantedBy(const std::string &word) {
  if (word == "short-result") return Planted::shortResult;
  if (word == "huge-stride") return Planted::hugeStride;
  if (word == "shared-worker") return Planted::sharedWorker;
  return Planted::nothing;
}

int main(int count, char **words) {
  const Planted planted = plantedBy(count > 1 ? words[1] : "");
  int different = 0;
  const std::vector<Case> all = listed();
  for (const Case &one : all) {
    const Call call(one, planted);
    compute(one, call, 1, planted);
    const std::vector<char> alone = call.results(one);
    compute(one, call, 3, planted);
    if (call.results(one) == alone) continue;
    ++different;
    std::printf("%s differs on three threads\n", one.name);
  }
  std::printf("%zu cases, %d different\n", all.size(), different);
  return different;
}
