// Loads kernels, which are shared libraries with the C ABI of attnc.h, and calls them from JavaScript.
#include <dlfcn.h>
#include <sys/mman.h>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <napi.h>
#include "attnc.h"

namespace {

typedef std::int32_t Shapes(const void *call, attnc_fault *fault);
typedef std::int64_t Workspace(const void *call, std::int32_t workers, attnc_fault *fault);
typedef std::int32_t Run(const void *call, void *workspace, const attnc_threads *threads, attnc_fault *fault);

struct Kernel {
  Shapes *shapes;
  Workspace *workspace;
  Run *run;
};

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

  /** @param workers  of this call: this thread and others */
  void call(std::int32_t workers, const Kernel &kernel, const void *arguments, void *workspace, std::int32_t &result,
            attnc_fault *fault) {
    while (std::int32_t(threads.size()) + 1 < workers) {
      const auto worker = std::int32_t(threads.size()) + 1;
      threads.emplace_back([this, worker] { serve(worker); });
    }
    active = workers;
    const attnc_threads handed{workers, this, share};
    result = kernel.run(arguments, workspace, &handed, fault);
  }

 private:
  typedef void Task(void *context, std::int64_t index, std::int32_t worker);

  static void share(void *pool, Task *task, void *context, std::int64_t count) {
    static_cast<Pool *>(pool)->spread(task, context, count);
  }

  void spread(Task *what, void *with, std::int64_t count) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      task = what;
      context = with;
      blocks = count;
      next = 0;
      busy = std::int32_t(threads.size());
      ++generation;
    }
    wake.notify_all();
    work(0);
    std::unique_lock<std::mutex> lock(mutex);
    done.wait(lock, [this] { return busy == 0; });
  }

  void work(std::int32_t worker) {
    for (;;) {
      const std::int64_t index = next++;
      if (index >= blocks) return;
      task(context, index, worker);
    }
  }

  void serve(std::int32_t worker) {
    std::uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return ended || generation != seen; });
      if (ended) return;
      seen = generation;
      lock.unlock();
      if (worker < active) work(worker);
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
  std::int32_t active = 1;  // workers of this call: there may be more threads
  std::atomic<std::int64_t> next{0};
  std::int32_t busy = 0;
  std::uint64_t generation = 0;
  bool ended = false;
};

constexpr std::size_t line = 64;        // bytes of a line of the cache
constexpr std::size_t page = 2u << 20;  // bytes of a huge page

/** Memory on a line of the cache; large pieces on huge pages, where the system gives them. */
void *allocate(std::size_t bytes) {
  const std::size_t unit = bytes >= 2 * page ? page : line;
  const std::size_t whole = (bytes + unit - 1) / unit * unit;
  void *const memory = std::aligned_alloc(unit, whole ? whole : unit);
#ifdef MADV_HUGEPAGE
  if (memory && unit == page) madvise(memory, whole, MADV_HUGEPAGE);
#endif
  return memory;
}

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

/**
 * A call as JavaScript gives it. The structure that a kernel takes is nothing but pointers: data, shape and strides of each
 * tensor, then one of each parameter.
 */
struct Call {
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<std::uint64_t> values;  // of parameters, each in its own bytes
  std::vector<void *> pointers;
  std::size_t results = 0;  // where the first result stands among the tensors
};

struct Result {
  Memory memory;
  std::size_t bytes = 0;
};

[[noreturn]] void refuse(Napi::Env env, const std::string &text) { throw Napi::RangeError::New(env, text); }

/** Elements of a shape; more than memory has is an error. */
std::size_t countOf(Napi::Env env, const std::vector<std::int64_t> &shape, std::size_t size) {
  std::size_t bytes = size;
  for (const std::int64_t length : shape)
    if (length < 0 || __builtin_mul_overflow(bytes, std::size_t(length), &bytes)) refuse(env, "a tensor is too large");
  return bytes;
}

/** inputs: [bytes, shape, bytes of an element]; params: undefined, or [kind, value]; results: ranks. */
void readCall(Napi::Env env, Napi::Array inputs, Napi::Array params, Napi::Array ranks, Call &call) {
  call.results = inputs.Length();
  call.shapes.resize(inputs.Length() + ranks.Length());
  call.values.resize(params.Length());
  call.pointers.assign(3 * call.shapes.size() + params.Length(), nullptr);
  for (std::uint32_t n = 0; n < inputs.Length(); ++n) {
    const Napi::Array input = inputs.Get(n).As<Napi::Array>();
    const Napi::Uint8Array bytes = input.Get(0u).As<Napi::Uint8Array>();
    const Napi::Array shape = input.Get(1u).As<Napi::Array>();
    for (std::uint32_t k = 0; k < shape.Length(); ++k) call.shapes[n].push_back(shape.Get(k).ToNumber().Int64Value());
    if (countOf(env, call.shapes[n], input.Get(2u).ToNumber().Uint32Value()) != bytes.ByteLength())
      refuse(env, "a tensor has other elements than its shape says");
    call.pointers[3 * n] = const_cast<std::uint8_t *>(bytes.Data());
    call.pointers[3 * n + 1] = call.shapes[n].data();
  }
  for (std::uint32_t n = 0; n < ranks.Length(); ++n) {
    std::vector<std::int64_t> &shape = call.shapes[call.results + n];
    shape.resize(ranks.Get(n).ToNumber().Uint32Value() + 1);  // one more, so that there is always one to point to
    call.pointers[3 * (call.results + n) + 1] = shape.data();
  }
  for (std::uint32_t n = 0; n < params.Length(); ++n) {
    if (!params.Get(n).IsArray()) continue;
    const Napi::Array param = params.Get(n).As<Napi::Array>();
    const std::string kind = param.Get(0u).ToString();
    const double value = param.Get(1u).ToNumber();
    void *const at = &call.values[n];
    if (kind == "f32") *static_cast<float *>(at) = float(value);
    else if (kind == "i32") *static_cast<std::int32_t *>(at) = std::int32_t(value);
    else *static_cast<std::uint8_t *>(at) = value != 0;
    call.pointers[3 * call.shapes.size() + n] = at;
  }
}

/** Memory for the results, once their lengths are known. */
void makeResults(Napi::Env env, const Kernel &kernel, Napi::Array ranks, Napi::Array sizes, Call &call, std::vector<Result> &results) {
  attnc_fault fault{};
  if (kernel.shapes(call.pointers.data(), &fault) != 0) refuse(env, fault.text);
  for (std::uint32_t n = 0; n < ranks.Length(); ++n) {
    std::vector<std::int64_t> &shape = call.shapes[call.results + n];
    shape.resize(ranks.Get(n).ToNumber().Uint32Value());
    Result result;
    result.bytes = countOf(env, shape, sizes.Get(n).ToNumber().Uint32Value());
    result.memory.reset(allocate(result.bytes));
    if (!result.memory) refuse(env, "there is no memory for a result");
    call.pointers[3 * (call.results + n)] = result.memory.get();
    results.push_back(std::move(result));
  }
}

/** [buffer, shape] of each result; the memory changes hands. */
Napi::Value handOver(Napi::Env env, const Call &call, std::vector<Result> &results) {
  Napi::Array all = Napi::Array::New(env, results.size());
  for (std::uint32_t n = 0; n < results.size(); ++n) {
    void *const memory = results[n].memory.release();
    Napi::ArrayBuffer buffer =
        Napi::ArrayBuffer::New(env, memory, results[n].bytes, [](Napi::Env, void *data) { std::free(data); });
    const std::vector<std::int64_t> &lengths = call.shapes[call.results + n];
    Napi::Array shape = Napi::Array::New(env, lengths.size());
    for (std::uint32_t k = 0; k < lengths.size(); ++k) shape.Set(k, Napi::Number::New(env, double(lengths[k])));
    Napi::Array pair = Napi::Array::New(env, 2);
    pair.Set(0u, buffer);
    pair.Set(1u, shape);
    all.Set(n, pair);
  }
  return all;
}

/** Runs a kernel whose results have their memory; false with what is wrong. */
bool compute(State &state, const Kernel &kernel, std::int32_t workers, const Call &call, attnc_fault &fault) {
  std::lock_guard<std::mutex> lock(state.mutex);
  const std::int64_t bytes = kernel.workspace(call.pointers.data(), workers, &fault);
  if (bytes < 0) return false;
  void *const workspace = state.room(std::size_t(bytes));
  if (!workspace) {
    std::snprintf(fault.text, sizeof fault.text, "there is no memory for the %lld bytes of the workspace", (long long)bytes);
    return false;
  }
  std::int32_t result = 0;
  state.pool.call(workers, kernel, call.pointers.data(), workspace, result, &fault);
  return result == 0;
}

/** open(path): a shared library. It stays, since nothing knows when the last call of its kernels is over. */
Napi::Value Open(const Napi::CallbackInfo &info) {
  const std::string path = info[0].ToString();
  void *const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Napi::Error::New(info.Env(), dlerror());
  return Napi::External<void>::New(info.Env(), library);
}

/** find(library, entry): one of its kernels. */
Napi::Value Find(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *const library = info[0].As<Napi::External<void>>().Data();
  const std::string entry = info[1].ToString();
  const auto find = [&](const char *suffix) { return dlsym(library, (entry + suffix).c_str()); };
  auto kernel = std::make_unique<Kernel>(Kernel{reinterpret_cast<Shapes *>(find("_shapes")),
                                                reinterpret_cast<Workspace *>(find("_workspace")),
                                                reinterpret_cast<Run *>(find("_run"))});
  if (!kernel->shapes || !kernel->workspace || !kernel->run) throw Napi::Error::New(env, "there is no kernel " + entry);
  return Napi::External<Kernel>::New(env, kernel.release(), [](Napi::Env, Kernel *old) { delete old; });
}

std::int32_t workersOf(Napi::Value value) {
  const std::int32_t workers = value.ToNumber().Int32Value();
  return workers < 1 ? 1 : workers > 256 ? 256 : workers;
}

/** run(kernel, inputs, params, ranks, sizes, workers): [buffer, shape] of each result. */
Napi::Value RunNow(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const Kernel &kernel = *info[0].As<Napi::External<Kernel>>().Data();
  const Napi::Array ranks = info[3].As<Napi::Array>();
  Call call;
  std::vector<Result> results;
  readCall(env, info[1].As<Napi::Array>(), info[2].As<Napi::Array>(), ranks, call);
  makeResults(env, kernel, ranks, info[4].As<Napi::Array>(), call, results);
  attnc_fault fault{};
  if (!compute(*env.GetInstanceData<State>(), kernel, workersOf(info[5]), call, fault)) refuse(env, fault.text);
  return handOver(env, call, results);
}

/** The same in a thread of Node's pool. Inputs are held until it is done. */
class Later : public Napi::AsyncWorker {
 public:
  Later(Napi::Env env, const Napi::CallbackInfo &info)
      : Napi::AsyncWorker(env), deferred(Napi::Promise::Deferred::New(env)), state(*env.GetInstanceData<State>()),
        kernel(*info[0].As<Napi::External<Kernel>>().Data()), workers(workersOf(info[5])) {
    const Napi::Array ranks = info[3].As<Napi::Array>();
    readCall(env, info[1].As<Napi::Array>(), info[2].As<Napi::Array>(), ranks, call);
    makeResults(env, kernel, ranks, info[4].As<Napi::Array>(), call, results);
    held = Napi::Persistent(info[1].As<Napi::Object>());
    loaded = Napi::Persistent(info[0].As<Napi::Object>());
  }
  Napi::Promise promise() const { return deferred.Promise(); }

  void Execute() override {
    attnc_fault fault{};
    if (!compute(state, kernel, workers, call, fault)) SetError(fault.text);
  }
  void OnOK() override { deferred.Resolve(handOver(Env(), call, results)); }
  void OnError(const Napi::Error &error) override { deferred.Reject(Napi::RangeError::New(Env(), error.Message()).Value()); }

 private:
  Napi::Promise::Deferred deferred;
  State &state;
  const Kernel &kernel;
  std::int32_t workers;
  Call call;
  std::vector<Result> results;
  Napi::ObjectReference held;
  Napi::ObjectReference loaded;
};

Napi::Value RunLater(const Napi::CallbackInfo &info) {
  Later *const later = new Later(info.Env(), info);
  later->Queue();
  return later->promise();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new State);
  exports.Set("open", Napi::Function::New(env, Open));
  exports.Set("find", Napi::Function::New(env, Find));
  exports.Set("run", Napi::Function::New(env, RunNow));
  exports.Set("runLater", Napi::Function::New(env, RunLater));
  return exports;
}

}  // namespace

NODE_API_MODULE(attnc, Init)
