// Stands in for CUDA's driver in tests: memory of the device is memory of this process, and whatever is called is checked and written
// down. What is asynchronous happens as late as it may. A kernel is run by the emulation, if there is a library of it.
//
//   ATTNC_STUB_LOG      file that a line is written to for each call, for whatever is wrong with one (`WRONG ...`), for each kernel that
//                       is run, and for the bytes of memory that are taken where they change (`taken ...`)
//   ATTNC_STUB_FAIL     `cuMemAlloc_v2:2` or `cuMemAlloc_v2:2:3`: the first, or the third, call of a function fails so; `kernel:700`: a
//                       kernel does when it runs, and from then on everything
//   ATTNC_STUB_DRIVER   the version of CUDA, 13000 for 13.0
//   ATTNC_STUB_ARCH, ATTNC_STUB_DEVICES, ATTNC_STUB_MEMORY  80, 1, and 256 MiB where they are absent
//   ATTNC_STUB_KERNELS  a library with `attnc_emulate`
#include <dlfcn.h>
#include <sys/mman.h>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

typedef int Result;
enum : Result { success = 0, invalidValue = 1, outOfMemory = 2, notInitialized = 3, invalidContext = 201, noBinary = 209, invalidHandle = 400, notFound = 500 };

const char *variable(const char *name, const char *other) {
  const char *const value = std::getenv(name);
  return value && *value ? value : other;
}
long long number(const char *name, const char *other) { return std::atoll(variable(name, other)); }

void say(const char *format, ...) {
  static std::FILE *const file = std::fopen(variable("ATTNC_STUB_LOG", "/dev/null"), "a");
  if (!file) return;
  std::va_list list;
  va_start(list, format);
  std::vfprintf(file, format, list);
  va_end(list);
  std::fputc('\n', file);
  std::fflush(file);
}
#define WRONG(...) (say("WRONG " __VA_ARGS__), invalidValue)

// Memory of the device lies within one range, each piece on pages of its own with one between that cannot be touched.

constexpr std::size_t page = 4096, roomBytes = std::size_t(1) << 36;
char *room() {
  static char *const memory = static_cast<char *>(mmap(nullptr, roomBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  return memory;
}
std::size_t roomUsed = 0;
std::map<char *, std::size_t> pieces, pinned;
std::size_t bytesIn(const std::map<char *, std::size_t> &all) {
  std::size_t sum = 0;
  for (const auto &one : all) sum += one.second;
  return sum;
}
void sayTaken() { say("taken %zu", bytesIn(pieces)); }
/** Whether these bytes lie within one piece. */
bool holds(const std::map<char *, std::size_t> &all, const void *at, std::size_t bytes) {
  for (const auto &[start, size] : all)
    if (at >= start && static_cast<const char *>(at) + bytes <= start + size) return true;
  return false;
}
bool isDevice(std::uint64_t word) { return word >= std::uint64_t(room()) && word < std::uint64_t(room()) + roomBytes; }

// The state of the one context, and what is under way there, in order.

struct Code { int count = 0; };
struct Function { std::string name; int sharedMost = 48 * 1024; };
struct Event { std::size_t position = 0; };
int references = 0;
Result sticky = success;
bool isInitialized = false;
char context;  // its address is the handle
thread_local void *current = nullptr;
std::vector<std::function<Result()>> queue;
std::size_t over = 0;
std::vector<std::unique_ptr<Function>> functions;
std::vector<std::unique_ptr<Event>> events;
std::vector<std::unique_ptr<Code>> codes;
char stream;
bool hasStream = false;

/** Runs what was started, as far as that place. */
Result runUntil(std::size_t position) {
  while (over < position && sticky == success) sticky = queue[over++]();
  return sticky;
}

void forgetAll() {
  for (const auto &[start, bytes] : pieces) mprotect(start, (bytes + page - 1) / page * page, PROT_NONE);
  for (const auto &one : pinned) std::free(one.first);
  pieces.clear(), pinned.clear(), queue.clear(), functions.clear(), events.clear(), codes.clear();
  over = 0, sticky = success, hasStream = false;
  sayTaken();
}

/** Whether this call is one that is to fail, and how. */
Result planted(const char *name) {
  static std::map<std::string, int> calls;
  static std::string before;
  const std::string plan = variable("ATTNC_STUB_FAIL", "");
  if (plan != before) calls.clear();
  before = plan;
  const int call = ++calls[name];
  if (plan.compare(0, std::strlen(name) + 1, std::string(name) + ":") != 0) return success;
  int code = 0, nth = 1;
  std::sscanf(plan.c_str() + std::strlen(name) + 1, "%d:%d", &code, &nth);
  return call == nth ? code : success;
}

/** What all functions of a context begin with. */
#define BEGIN(format, ...)                                             \
  say("%s " format, __func__, __VA_ARGS__);                            \
  if (!isInitialized) return notInitialized;                           \
  if (const Result failure = planted(__func__)) return failure;
#define BEGIN_IN_CONTEXT(format, ...)                                  \
  BEGIN(format, __VA_ARGS__)                                           \
  if (current != &context || references == 0) return invalidContext;   \
  if (sticky != success) return sticky;

typedef std::size_t Emulate(const char *name, unsigned grid, unsigned threads, std::size_t shared, const void *arguments);
/** Runs a kernel, or says how long its arguments are where they are null. */
Emulate *emulate() {
  static void *const library = dlopen(variable("ATTNC_STUB_KERNELS", "none"), RTLD_NOW | RTLD_LOCAL);
  return library ? reinterpret_cast<Emulate *>(dlsym(library, "attnc_emulate")) : nullptr;
}

}  // namespace

extern "C" {

Result cuInit(unsigned flags) {
  say("cuInit %u", flags);
  if (const Result failure = planted("cuInit")) return failure;
  isInitialized = true;
  return success;
}
Result cuDriverGetVersion(int *version) { return *version = int(number("ATTNC_STUB_DRIVER", "99000")), success; }
Result cuGetErrorString(Result code, const char **text) {
  *text = code == 2 ? "out of memory" : code == 209 ? "no kernel image is available" : code == 700 ? "an illegal memory access was encountered" : "failure";
  return success;
}
Result cuDeviceGetCount(int *count) { return *count = int(number("ATTNC_STUB_DEVICES", "1")), success; }
Result cuDeviceGet(int *device, int ordinal) { return *device = ordinal, ordinal == 0 ? success : invalidValue; }
Result cuDeviceGetName(char *name, int bytes, int) { return std::snprintf(name, std::size_t(bytes), "Stub GPU"), success; }
Result cuDeviceGetAttribute(int *value, int attribute, int) {
  const int architecture = int(number("ATTNC_STUB_ARCH", "80"));
  *value = attribute == 75 ? architecture / 10 : architecture % 10;
  return attribute == 75 || attribute == 76 ? success : WRONG("attribute %d", attribute);
}
Result cuDevicePrimaryCtxRetain(void **out, int device) {
  BEGIN("%d", device)
  ++references;
  *out = &context;
  return success;
}
Result cuDevicePrimaryCtxRelease_v2(int device) {
  BEGIN("%d", device)
  if (references == 0) return WRONG("a context is released that nobody has");
  if (--references == 0) forgetAll();
  return success;
}
Result cuDevicePrimaryCtxReset_v2(int device) {
  BEGIN("%d", device)
  forgetAll();
  return success;
}
Result cuCtxSetCurrent(void *wanted) {
  BEGIN("%d", wanted == &context)
  current = wanted;
  return success;
}

Result cuModuleLoadData(void **out, const void *image) {
  BEGIN_IN_CONTEXT("%x", image ? *static_cast<const unsigned *>(image) : 0)
  if (!image || *static_cast<const unsigned *>(image) != 0xba55ed50u) return WRONG("the image is no fatbin");
  codes.push_back(std::make_unique<Code>());
  *out = codes.back().get();
  return success;
}
Result cuModuleGetFunction(void **out, void *, const char *name) {
  BEGIN_IN_CONTEXT("%s", name)
  functions.push_back(std::make_unique<Function>());
  functions.back()->name = name;
  *out = functions.back().get();
  return success;
}
Result cuFuncSetAttribute(void *function, int attribute, int value) {
  BEGIN_IN_CONTEXT("%d %d", attribute, value)
  if (attribute != 8 || value > 163 * 1024) return WRONG("attribute %d of a kernel is set to %d", attribute, value);
  static_cast<Function *>(function)->sharedMost = value;
  return success;
}
Result cuLaunchKernel(void *handle, unsigned x, unsigned y, unsigned z, unsigned ofX, unsigned ofY, unsigned ofZ, unsigned shared, void *on,
                      void **arguments, void **extra) {
  const Function *const function = static_cast<Function *>(handle);
  BEGIN_IN_CONTEXT("%s %u %u %u", function ? function->name.c_str() : "none", x, ofX, shared)
  if (!function || on != &stream || !hasStream) return invalidHandle;
  if (x == 0 || y != 1 || z != 1 || ofX == 0 || ofX > 1024 || ofY != 1 || ofZ != 1 || extra) return WRONG("a launch of %u blocks, %u threads", x, ofX);
  if (int(shared) > function->sharedMost) return WRONG("%u bytes of shared memory, and %d were asked for", shared, function->sharedMost);
  Emulate *const emulated = emulate();
  const std::size_t bytes = emulated ? emulated(function->name.c_str(), 0, 0, 0, nullptr) : 0;
  if (emulated && bytes == 0) return WRONG("the emulation has no kernel %s", function->name.c_str());
  std::vector<std::uint64_t> own(bytes / 8);  // arguments are read when a kernel is started, not when it runs
  if (bytes > 0) std::memcpy(own.data(), arguments[0], bytes);
  for (const std::uint64_t word : own)
    if (isDevice(word) && !holds(pieces, reinterpret_cast<void *>(word), 0)) return WRONG("an argument is the address of no memory");
  queue.push_back([=, name = function->name]() -> Result {
    if (const Result failure = planted("kernel")) return failure;
    if (emulated) emulated(name.c_str(), x, ofX, shared, own.data());
    say("run %s", name.c_str());
    return success;
  });
  return success;
}

Result cuMemGetInfo_v2(std::size_t *free, std::size_t *all) {
  BEGIN_IN_CONTEXT("%d", 0)
  *all = std::size_t(number("ATTNC_STUB_MEMORY", "268435456"));
  *free = *all - bytesIn(pieces);
  return success;
}
Result cuMemAlloc_v2(std::uint64_t *out, std::size_t bytes) {
  BEGIN_IN_CONTEXT("%zu", bytes)
  if (bytes == 0) return invalidValue;
  if (bytesIn(pieces) + bytes > std::size_t(number("ATTNC_STUB_MEMORY", "268435456"))) return outOfMemory;
  const std::size_t whole = (bytes + page - 1) / page * page;
  char *const start = room() + roomUsed;
  roomUsed += whole + page;
  if (roomUsed > roomBytes || mprotect(start, whole, PROT_READ | PROT_WRITE) != 0) return outOfMemory;
  std::memset(start, 0xff, whole);  // NaN, whatever it is read as
  pieces[start] = bytes;
  sayTaken();
  *out = std::uint64_t(start);
  return success;
}
Result cuMemFree_v2(std::uint64_t address) {
  BEGIN_IN_CONTEXT("%d", 0)
  const auto found = pieces.find(reinterpret_cast<char *>(address));
  if (found == pieces.end()) return WRONG("memory is freed that nobody has");
  if (over < queue.size()) return WRONG("memory is freed while something is under way");
  mprotect(found->first, (found->second + page - 1) / page * page, PROT_NONE);
  pieces.erase(found);
  sayTaken();
  return success;
}
Result cuMemHostAlloc(void **out, std::size_t bytes, unsigned flags) {
  BEGIN_IN_CONTEXT("%zu %u", bytes, flags)
  *out = std::malloc(bytes);
  pinned[static_cast<char *>(*out)] = bytes;
  return success;
}
Result cuMemFreeHost(void *memory) {
  BEGIN_IN_CONTEXT("%d", 0)
  if (pinned.erase(static_cast<char *>(memory)) == 0) return WRONG("pinned memory is freed that nobody has");
  std::free(memory);
  return success;
}

static Result copy(void *to, const void *from, std::size_t bytes, void *on, bool isRight) {
  if (on != &stream || !hasStream) return invalidHandle;
  if (!isRight || bytes == 0) return WRONG("a copy of %zu bytes has no such memory", bytes);
  queue.push_back([=]() -> Result { return std::memcpy(to, from, bytes), success; });
  return success;
}
Result cuMemcpyHtoDAsync_v2(std::uint64_t to, const void *from, std::size_t bytes, void *on) {
  BEGIN_IN_CONTEXT("%zu", bytes)
  return copy(reinterpret_cast<void *>(to), from, bytes, on, holds(pieces, reinterpret_cast<void *>(to), bytes) && holds(pinned, from, bytes));
}
Result cuMemcpyDtoHAsync_v2(void *to, std::uint64_t from, std::size_t bytes, void *on) {
  BEGIN_IN_CONTEXT("%zu", bytes)
  return copy(to, reinterpret_cast<void *>(from), bytes, on, holds(pieces, reinterpret_cast<void *>(from), bytes) && holds(pinned, to, bytes));
}
Result cuMemcpyDtoDAsync_v2(std::uint64_t to, std::uint64_t from, std::size_t bytes, void *on) {
  BEGIN_IN_CONTEXT("%zu", bytes)
  void *const at = reinterpret_cast<void *>(to), *const of = reinterpret_cast<void *>(from);
  return copy(at, of, bytes, on, holds(pieces, at, bytes) && holds(pieces, of, bytes));
}

Result cuStreamCreate(void **out, unsigned flags) {
  BEGIN_IN_CONTEXT("%u", flags)
  if (hasStream) return WRONG("there is a stream already");
  hasStream = true;
  *out = &stream;
  return success;
}
Result cuStreamSynchronize(void *on) {
  BEGIN_IN_CONTEXT("%d", on == &stream)
  if (on != &stream || !hasStream) return invalidHandle;
  return runUntil(queue.size());
}
Result cuEventCreate(void **out, unsigned flags) {
  BEGIN_IN_CONTEXT("%u", flags)
  events.push_back(std::make_unique<Event>());
  *out = events.back().get();
  return success;
}
Result cuEventRecord(void *event, void *on) {
  BEGIN_IN_CONTEXT("%d", on == &stream)
  static_cast<Event *>(event)->position = queue.size();
  return success;
}
Result cuEventSynchronize(void *event) {
  BEGIN_IN_CONTEXT("%d", 0)
  if (!event) return invalidHandle;
  return runUntil(static_cast<Event *>(event)->position);
}
}
