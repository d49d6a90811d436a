// Loads kernels, which are shared libraries with the C ABI of attnc.h, and calls them from JavaScript.
#include <dlfcn.h>
#include <sys/mman.h>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <napi.h>
#include "attnc.h"
#include "pool.h"

namespace {

typedef std::int32_t Shapes(const void *call, attnc_fault *fault);
typedef std::int64_t Workspace(const void *call, std::int32_t workers, attnc_fault *fault);

/** Of a tensor: its axes, and the bytes of an element. */
struct Form {
  std::uint32_t rank;
  std::uint32_t bytes;
};

struct Kernel {
  Shapes *shapes = nullptr;
  Workspace *workspace = nullptr;
  Run *run = nullptr;
  std::vector<Form> tensors;  // inputs, then results
  std::uint32_t inputs = 0;
  std::uint32_t axes = 0;  // of all tensors
  std::string params;      // a letter each: f32, i32, bool
};

constexpr std::size_t line = 64;        // bytes of a line of the cache
constexpr std::size_t page = 2u << 20;  // bytes of a huge page
constexpr std::size_t small = 4096;     // bytes of a tensor that costs less in the heap of JavaScript than outside

constexpr std::size_t large = 128u << 10;  // bytes from which on the system is asked for pages, and zeroes them

std::size_t unitOf(std::size_t bytes) { return bytes >= 2 * page ? page : line; }
std::size_t wholeOf(std::size_t bytes) {
  const std::size_t unit = unitOf(bytes);
  return bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
}

/** Memory on a line of the cache; large pieces on huge pages, where the system gives them. */
void *allocate(std::size_t bytes) {
  void *const memory = std::aligned_alloc(unitOf(bytes), wholeOf(bytes));
#ifdef MADV_HUGEPAGE
  if (memory && unitOf(bytes) == page) madvise(memory, wholeOf(bytes), MADV_HUGEPAGE);
#endif
  return memory;
}

/** Large results that JavaScript has let go of, for results to come: pages from the system may cost more than what is written there. */
class Spare {
 public:
  /** A piece of this size, whose content is anything; null if there is none. */
  void *take(std::size_t bytes) {
    const std::lock_guard<std::mutex> held(mutex_);
    for (std::size_t n = pieces_.size(); n-- > 0;) {
      if (pieces_[n].bytes != wholeOf(bytes)) continue;
      void *const memory = pieces_[n].memory;
      bytes_ -= pieces_[n].bytes;
      pieces_.erase(pieces_.begin() + std::ptrdiff_t(n));
      return memory;
    }
    return nullptr;
  }
  void give(void *memory, std::size_t bytes) {
    const std::size_t whole = wholeOf(bytes);
    const std::lock_guard<std::mutex> held(mutex_);
    if (whole < large || bytes_ + whole > most || pieces_.size() == count) return std::free(memory);
    pieces_.push_back({memory, whole});
    bytes_ += whole;
  }

 private:
  static constexpr std::size_t most = 64u << 20, count = 16;
  struct Piece {
    void *memory;
    std::size_t bytes;
  };
  std::mutex mutex_;
  std::vector<Piece> pieces_;
  std::size_t bytes_ = 0;
};
Spare spare;

struct Freed {
  void operator()(void *memory) const { std::free(memory); }
};
typedef std::unique_ptr<void, Freed> Memory;

/**
 * A call as JavaScript gives it. The structure that a kernel takes is nothing but pointers: data, shape and strides of each
 * tensor, then one of each parameter.
 */
struct Call {
  const Kernel *kernel = nullptr;
  std::int32_t workers = 1;
  const std::int32_t *stop = nullptr;
  std::vector<std::int64_t> lengths;
  std::vector<std::uint64_t> values;  // of parameters, each in its own bytes
  std::vector<void *> pointers;
  std::vector<napi_value> results;  // array buffers
};

/** What is kept between calls: threads, the largest workspace so far, and the last call of `run`, whose memory the next one takes. */
struct State {
  Pool pool;
  Memory workspace;
  std::size_t bytes = 0;
  std::mutex mutex;
  Call call;

  void *room(std::size_t size) {
    if (size > bytes || !workspace) {
      workspace.reset(allocate(size));
      bytes = workspace ? size : 0;
    }
    return workspace.get();
  }
};

[[noreturn]] void refuse(Napi::Env env, const std::string &text) { throw Napi::RangeError::New(env, text); }
void check(Napi::Env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

/** Bytes of a tensor; more than memory has is an error. */
std::size_t bytesOf(Napi::Env env, const std::int64_t *shape, Form form) {
  std::size_t bytes = form.bytes;
  for (std::uint32_t k = 0; k < form.rank; ++k)
    if (shape[k] < 0 || __builtin_mul_overflow(bytes, std::size_t(shape[k]), &bytes)) refuse(env, "a tensor is too large");
  return bytes;
}

/** The memory of a view or of an array buffer, and its bytes. */
std::pair<void *, std::size_t> memoryOf(Napi::Env env, napi_value value) {
  void *data = nullptr;
  std::size_t bytes = 0;
  napi_typedarray_type type;
  check(env, napi_get_typedarray_info(env, value, &type, &bytes, &data, nullptr, nullptr));
  static constexpr std::size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};
  return {data, bytes * sizes[type]};
}

/** Inputs are views of their bytes; lengths are those of all tensors, results after inputs; a parameter may be undefined. */
void readCall(Napi::Env env, napi_value inputs, const Napi::Float64Array &lengths, napi_value params, Call &call) {
  const Kernel &kernel = *call.kernel;
  if (lengths.ElementLength() != kernel.axes) refuse(env, "other axes than the kernel has");
  call.lengths.assign(kernel.axes + 1, 0);  // one more, so that there is always one to point to
  for (std::uint32_t k = 0; k < kernel.axes; ++k) call.lengths[k] = std::int64_t(lengths.Data()[k]);
  call.values.resize(kernel.params.size());
  call.pointers.assign(3 * kernel.tensors.size() + kernel.params.size(), nullptr);
  std::int64_t *shape = call.lengths.data();
  for (std::uint32_t n = 0; n < kernel.tensors.size(); shape += kernel.tensors[n++].rank) {
    call.pointers[3 * n + 1] = shape;
    if (n >= kernel.inputs) continue;
    napi_value input;
    check(env, napi_get_element(env, inputs, n, &input));
    const auto memory = memoryOf(env, input);
    if (bytesOf(env, shape, kernel.tensors[n]) != memory.second) refuse(env, "a tensor has other elements than its shape says");
    call.pointers[3 * n] = memory.first;
  }
  for (std::uint32_t n = 0; n < kernel.params.size(); ++n) {
    napi_value given;
    check(env, napi_get_element(env, params, n, &given));
    const Napi::Value param(env, given);
    if (param.IsUndefined()) continue;
    const double value = param.ToNumber();
    void *const at = &call.values[n];
    if (kernel.params[n] == 'f') *static_cast<float *>(at) = float(value);
    else if (kernel.params[n] == 'i') *static_cast<std::int32_t *>(at) = std::int32_t(value);
    else *static_cast<std::uint8_t *>(at) = value != 0;
    call.pointers[3 * kernel.tensors.size() + n] = at;
  }
}

/** An array buffer of so many bytes, nothing of which is set if it is large. `memory`: a large piece to take, or null. */
napi_value makeBuffer(Napi::Env env, std::size_t bytes, void **memory) {
  napi_value buffer;
  if (bytes < small) {
    check(env, napi_create_arraybuffer(env, bytes, memory, &buffer));
    return buffer;
  }
  if (!*memory) *memory = allocate(bytes);
  if (!*memory) refuse(env, "there is no memory for a tensor");
  const auto release = [](napi_env, void *data, void *size) { spare.give(data, reinterpret_cast<std::uintptr_t>(size)); };
  void *const size = reinterpret_cast<void *>(std::uintptr_t(bytes));
  const napi_status made = napi_create_external_arraybuffer(env, *memory, bytes, release, size, &buffer);
  if (made != napi_ok) std::free(*memory);
  check(env, made);
  return buffer;
}

/** Memory for the results, once their lengths are known; those are written to `lengths`. */
void makeResults(Napi::Env env, Napi::Float64Array &lengths, Call &call) {
  const Kernel &kernel = *call.kernel;
  attnc_fault fault{};
  if (kernel.shapes(call.pointers.data(), &fault) != 0) refuse(env, fault.text);
  std::uint32_t axis = 0;
  for (std::uint32_t n = 0; n < kernel.tensors.size(); axis += kernel.tensors[n++].rank) {
    if (n < kernel.inputs) continue;
    const Form form = kernel.tensors[n];
    for (std::uint32_t k = 0; k < form.rank; ++k) lengths.Data()[axis + k] = double(call.lengths[axis + k]);
    const std::size_t bytes = bytesOf(env, &call.lengths[axis], form);
    call.pointers[3 * n] = spare.take(bytes);
    call.results.push_back(makeBuffer(env, bytes, &call.pointers[3 * n]));
  }
}

Napi::Value listOf(Napi::Env env, const std::vector<napi_value> &values) {
  napi_value list;
  check(env, napi_create_array_with_length(env, values.size(), &list));
  for (std::uint32_t n = 0; n < values.size(); ++n) check(env, napi_set_element(env, list, n, values[n]));
  return Napi::Value(env, list);
}

/** Runs a kernel whose results have their memory; false with what is wrong. */
bool compute(State &state, const Call &call, attnc_fault &fault) {
  std::lock_guard<std::mutex> lock(state.mutex);
  const std::int64_t bytes = call.kernel->workspace(call.pointers.data(), call.workers, &fault);
  if (bytes < 0) return false;
  void *const workspace = state.room(std::size_t(bytes));
  if (!workspace) {
    std::snprintf(fault.text, sizeof fault.text, "there is no memory for the %lld bytes of the workspace", (long long)bytes);
    return false;
  }
  return state.pool.call(call.workers, call.stop, *call.kernel->run, call.pointers.data(), workspace, &fault) == 0;
}

/** open(path): a shared library. It stays, since nothing knows when the last call of its kernels is over. */
Napi::Value Open(const Napi::CallbackInfo &info) {
  const std::string path = info[0].ToString();
  void *const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Napi::Error::New(info.Env(), dlerror());
  return Napi::External<void>::New(info.Env(), library);
}

void addForms(Napi::Uint32Array numbers, Kernel &kernel) {
  for (std::size_t n = 0; n + 1 < numbers.ElementLength(); n += 2) {
    kernel.tensors.push_back({numbers[n], numbers[n + 1]});
    kernel.axes += numbers[n];
  }
}

/**
 * find(library, entry, inputs, results, params): one of its kernels. `inputs` and `results` hold the number of axes and the bytes
 * of an element of each tensor, `params` the first letter of each parameter's type.
 */
Napi::Value Find(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *const library = info[0].As<Napi::External<void>>().Data();
  const std::string entry = info[1].ToString();
  const auto find = [&](const char *suffix) { return dlsym(library, (entry + suffix).c_str()); };
  auto kernel = std::make_unique<Kernel>();
  kernel->shapes = reinterpret_cast<Shapes *>(find("_shapes"));
  kernel->workspace = reinterpret_cast<Workspace *>(find("_workspace"));
  kernel->run = reinterpret_cast<Run *>(find("_run"));
  if (!kernel->shapes || !kernel->workspace || !kernel->run) throw Napi::Error::New(env, "there is no kernel " + entry);
  addForms(info[2].As<Napi::Uint32Array>(), *kernel);
  kernel->inputs = std::uint32_t(kernel->tensors.size());
  addForms(info[3].As<Napi::Uint32Array>(), *kernel);
  kernel->params = info[4].ToString();
  return Napi::External<Kernel>::New(env, kernel.release(), [](Napi::Env, Kernel *old) { delete old; });
}

/** What `run` and `runLater` are given: kernel, inputs, lengths, params, workers. */
void prepare(const Napi::CallbackInfo &info, Call &call) {
  const Napi::Env env = info.Env();
  call.kernel = info[0].As<Napi::External<Kernel>>().Data();
  const std::int32_t workers = info[4].As<Napi::Number>().Int32Value();
  call.workers = workers < 1 ? 1 : workers > 256 ? 256 : workers;
  auto lengths = info[2].As<Napi::Float64Array>();
  readCall(env, info[1], lengths, info[3], call);
  makeResults(env, lengths, call);
}

/** run(kernel, inputs, lengths, params, workers): the bytes of each result, whose lengths are written to `lengths`. */
Napi::Value RunNow(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  State &state = *env.GetInstanceData<State>();
  Call &call = state.call;
  call.results.clear();
  prepare(info, call);
  attnc_fault fault{};
  if (!compute(state, call, fault)) refuse(env, fault.text);
  return listOf(env, call.results);
}

/** The same in a thread of Node's pool. Everything that it reads or writes is held until it is done. */
class Later : public Napi::AsyncWorker {
 public:
  Later(Napi::Env env, const Napi::CallbackInfo &info)
      : Napi::AsyncWorker(env), deferred(Napi::Promise::Deferred::New(env)), state(*env.GetInstanceData<State>()) {
    prepare(info, call);
    call.stop = info[5].As<Napi::Int32Array>().Data();
    const Napi::Value made = listOf(env, call.results);
    held = Napi::Persistent(listOf(env, {info[0], info[1], info[5], made}).As<Napi::Object>());
  }
  Napi::Promise promise() const { return deferred.Promise(); }

  void Execute() override {
    attnc_fault fault{};
    if (!compute(state, call, fault)) SetError(fault.text);
  }
  void OnOK() override { deferred.Resolve(held.Get(3u)); }
  void OnError(const Napi::Error &error) override { deferred.Reject(Napi::RangeError::New(Env(), error.Message()).Value()); }

 private:
  Napi::Promise::Deferred deferred;
  State &state;
  Call call;
  Napi::ObjectReference held;
};

/** runLater(kernel, inputs, lengths, params, workers, stop): a promise. It ends early once stop[0] is other than 0. */
Napi::Value RunLater(const Napi::CallbackInfo &info) {
  auto later = std::make_unique<Later>(info.Env(), info);
  const Napi::Promise promise = later->promise();
  later.release()->Queue();
  return promise;
}

/** allocate(bytes): an array buffer on huge pages if it is large, where the system has them. */
Napi::Value Allocate(const Napi::CallbackInfo &info) {
  const double bytes = info[0].As<Napi::Number>().DoubleValue();
  if (!(bytes >= 0 && bytes <= 9007199254740991.0)) refuse(info.Env(), "there is no memory of so many bytes");
  void *memory = nullptr;
  return Napi::Value(info.Env(), makeBuffer(info.Env(), std::size_t(bytes), &memory));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new State);
  exports.Set("open", Napi::Function::New(env, Open));
  exports.Set("find", Napi::Function::New(env, Find));
  exports.Set("run", Napi::Function::New(env, RunNow));
  exports.Set("runLater", Napi::Function::New(env, RunLater));
  exports.Set("allocate", Napi::Function::New(env, Allocate));
  return exports;
}

}  // namespace

NODE_API_MODULE(attnc, Init)
