// Loads kernels, which are shared libraries with the C ABI of attnc.h, and calls them from JavaScript.
#include <dlfcn.h>
#include <sys/mman.h>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <napi.h>
#include "attnc.h"

namespace {

typedef std::int32_t Shapes(const void *call, attnc_fault *fault);
typedef std::int64_t Workspace(const void *call, std::int32_t workers, attnc_fault *fault);
typedef std::int32_t Run(const void *call, void *workspace, const void *means, attnc_fault *fault);  // means: threads, or a stream

/** What was wrong with a call; `kind`: what failed of the machine, null where it was what was asked for. */
struct Fault : attnc_fault {
  const char *kind = nullptr;
};

/** Of a tensor: its axes, and the bytes of an element. */
struct Form {
  std::uint32_t rank;
  std::uint32_t bytes;
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

struct State;  // what is kept between calls: see backend.h
struct Kernel;

/**
 * A call. The structure that a kernel takes is nothing but pointers: data, shape and strides of each tensor, then one of each
 * parameter.
 */
struct Call {
  std::vector<std::int64_t> lengths;
  std::vector<std::uint64_t> values;  // of parameters, each in its own bytes
  std::vector<void *> pointers;

  explicit Call(const Kernel &kernel);
  Call(const Call &) = delete;
};

struct Kernel {
  void *library = nullptr;  // as dlopen gave it
  Shapes *shapes = nullptr;
  Workspace *workspace = nullptr;
  Run *run = nullptr;
  std::vector<Form> tensors;  // inputs, then results
  std::uint32_t inputs = 0;
  std::uint32_t axes = 0;  // of all tensors
  std::string params;      // a letter each: f32, i32, bool
  State *state = nullptr;
  Napi::Reference<Napi::Float64Array> held;
  double *frame = nullptr;  // lengths of all axes, then parameters, as JavaScript writes them
  std::unique_ptr<Call> call;  // of `run`, which is over before the next one
};

Call::Call(const Kernel &kernel)
    : lengths(kernel.axes + 1),  // one more, so that there is always one to point to
      values(kernel.params.size()),
      pointers(3 * kernel.tensors.size() + kernel.params.size()) {
  std::int64_t *shape = lengths.data();
  for (std::size_t n = 0; n < kernel.tensors.size(); shape += kernel.tensors[n++].rank) pointers[3 * n + 1] = shape;
}

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

/** Lengths and parameters, as the frame has them; a parameter that is no number is not given. */
void readFrame(const Kernel &kernel, Call &call) {
  for (std::uint32_t k = 0; k < kernel.axes; ++k) call.lengths[k] = std::int64_t(kernel.frame[k]);
  const std::size_t first = 3 * kernel.tensors.size();
  for (std::uint32_t n = 0; n < kernel.params.size(); ++n) {
    const double value = kernel.frame[kernel.axes + n];
    void *const at = &call.values[n];
    if (kernel.params[n] == 'f') *static_cast<float *>(at) = float(value);
    else if (value == value && kernel.params[n] == 'i') *static_cast<std::int32_t *>(at) = std::int32_t(value);
    else *static_cast<std::uint8_t *>(at) = value != 0;
    call.pointers[first + n] = value == value ? at : nullptr;
  }
}

/** The memory of the first so many tensors, each with the elements that its shape says. */
void readTensors(Napi::Env env, const Kernel &kernel, const napi_value *tensors, std::size_t count, Call &call) {
  for (std::size_t n = 0; n < count; ++n) {
    const auto memory = memoryOf(env, tensors[n]);
    if (bytesOf(env, static_cast<const std::int64_t *>(call.pointers[3 * n + 1]), kernel.tensors[n]) != memory.second)
      refuse(env, "a tensor has other elements than its shape says");
    call.pointers[3 * n] = memory.first;
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

/**
 * Runs a kernel whose results have their memory; false with what is wrong.
 *
 * @param stop  what is other than 0 once it is to end early; null: nothing is
 */
bool compute(const Kernel &kernel, const Call &call, std::int32_t workers, const std::int32_t *stop, Fault &fault);

/** What a backend exports beside what all do. */
void addExports(Napi::Env env, Napi::Object exports);

}  // namespace

#include "backend.h"

namespace {

/** A RangeError where the call was wrong; where the machine failed, an Error whose `code` says what did. */
Napi::Error errorOf(Napi::Env env, const std::string &text, const char *kind) {
  if (!kind) return Napi::RangeError::New(env, text);
  Napi::Error error = Napi::Error::New(env, text);
  error.Set("code", Napi::String::New(env, kind));
  return error;
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

/** What a function of a kernel is called with: the kernel, which is its own, workers, and more. */
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env(env) {
    void *own = nullptr;
    std::size_t count = few.size();
    check(env, napi_get_cb_info(env, info, &count, few.data(), nullptr, &own));
    kernel = static_cast<std::shared_ptr<Kernel> *>(own);
    count = 2 + (*kernel)->tensors.size();  // at most
    if (count <= few.size()) return;
    many.resize(count);
    check(env, napi_get_cb_info(env, info, &count, many.data(), nullptr, nullptr));
  }
  std::int32_t workers() const {
    std::int32_t workers = 1;
    check(env, napi_get_value_int32(env, values()[0], &workers));
    return workers < 1 ? 1 : workers > 256 ? 256 : workers;
  }
  const napi_value *values() const { return many.empty() ? few.data() : many.data(); }

  std::shared_ptr<Kernel> *kernel;

 private:
  napi_env env;
  std::array<napi_value, 16> few;  // those that are not given are undefined
  std::vector<napi_value> many;
};

/** shapes(...inputs): writes the lengths of the results to the frame. */
napi_value ShapesOf(Napi::Env env, const Arguments &given) {
  Kernel &kernel = **given.kernel;
  Call &call = *kernel.call;
  readFrame(kernel, call);
  readTensors(env, kernel, given.values(), kernel.inputs, call);
  attnc_fault fault{};
  if (kernel.shapes(call.pointers.data(), &fault) != 0) refuse(env, fault.text);
  for (std::uint32_t k = 0; k < kernel.axes; ++k) kernel.frame[k] = double(call.lengths[k]);
  return nullptr;
}

/** run(workers, ...inputs, ...results) */
napi_value RunNow(Napi::Env env, const Arguments &given) {
  Kernel &kernel = **given.kernel;
  Call &call = *kernel.call;
  readFrame(kernel, call);
  readTensors(env, kernel, given.values() + 1, kernel.tensors.size(), call);
  Fault fault{};
  if (!compute(kernel, call, given.workers(), nullptr, fault)) throw errorOf(env, fault.text, fault.kind);
  return nullptr;
}

/** The same in a thread of Node's pool. Everything that it reads or writes is held until it is done. */
class Later : public Napi::AsyncWorker {
 public:
  Later(Napi::Env env, const Arguments &given)
      : Napi::AsyncWorker(env),
        deferred(Napi::Promise::Deferred::New(env)),
        kernel(*given.kernel),
        call(*kernel),
        workers(given.workers()),
        stop(static_cast<const std::int32_t *>(memoryOf(env, given.values()[1]).first)) {
    readFrame(*kernel, call);
    readTensors(env, *kernel, given.values() + 2, kernel->tensors.size(), call);
    const auto count = std::uint32_t(1 + kernel->tensors.size());
    Napi::Array all = Napi::Array::New(env, count);
    for (std::uint32_t n = 0; n < count; ++n) all.Set(n, Napi::Value(env, given.values()[1 + n]));
    held = Napi::Persistent(all.As<Napi::Object>());
  }
  Napi::Promise promise() const { return deferred.Promise(); }

  void Execute() override {
    Fault fault{};
    if (compute(*kernel, call, workers, stop, fault)) return;
    kind = fault.kind;
    SetError(fault.text);
  }
  void OnOK() override { deferred.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error &error) override { deferred.Reject(errorOf(Env(), error.Message(), kind).Value()); }

 private:
  Napi::Promise::Deferred deferred;
  std::shared_ptr<Kernel> kernel;
  Call call;
  std::int32_t workers;
  const std::int32_t *stop;
  const char *kind = nullptr;  // of what failed
  Napi::ObjectReference held;
};

/** runLater(workers, stop, ...inputs, ...results): a promise. It ends early once stop[0] is other than 0. */
napi_value RunLater(Napi::Env env, const Arguments &given) {
  auto later = std::make_unique<Later>(env, given);
  const Napi::Promise promise = later->promise();
  later.release()->Queue();
  return promise;
}

template <napi_value (*function)(Napi::Env, const Arguments &)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return function(env, Arguments(env, info));
  } catch (const Napi::Error &error) {
    error.ThrowAsJavaScriptException();
    return nullptr;
  }
}

/** A function of a kernel, which lives as long as it does. */
template <napi_value (*function)(Napi::Env, const Arguments &)>
Napi::Value functionOf(Napi::Env env, const char *name, const std::shared_ptr<Kernel> &kernel) {
  auto own = std::make_unique<std::shared_ptr<Kernel>>(kernel);
  napi_value made;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<function>, own.get(), &made));
  const auto release = [](napi_env, void *held, void *) { delete static_cast<std::shared_ptr<Kernel> *>(held); };
  check(env, napi_add_finalizer(env, made, own.get(), release, nullptr, nullptr));
  own.release();
  return Napi::Value(env, made);
}

/**
 * find(library, entry, inputs, results, params, frame): the functions of one of its kernels. `inputs` and `results` hold the number
 * of axes and the bytes of an element of each tensor, `params` the first letter of each parameter's type. Before a call, `frame`
 * is given the lengths of all tensors and the parameters.
 */
Napi::Value Find(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *const library = info[0].As<Napi::External<void>>().Data();
  const std::string entry = info[1].ToString();
  const auto find = [&](const char *suffix) { return dlsym(library, (entry + suffix).c_str()); };
  const auto kernel = std::make_shared<Kernel>();
  kernel->library = library;
  kernel->shapes = reinterpret_cast<Shapes *>(find("_shapes"));
  kernel->workspace = reinterpret_cast<Workspace *>(find("_workspace"));
  kernel->run = reinterpret_cast<Run *>(find("_run"));
  if (!kernel->shapes || !kernel->workspace || !kernel->run) throw Napi::Error::New(env, "there is no kernel " + entry);
  addForms(info[2].As<Napi::Uint32Array>(), *kernel);
  kernel->inputs = std::uint32_t(kernel->tensors.size());
  addForms(info[3].As<Napi::Uint32Array>(), *kernel);
  kernel->params = info[4].ToString();
  auto frame = info[5].As<Napi::Float64Array>();
  if (frame.ElementLength() != kernel->axes + kernel->params.size()) refuse(env, "the frame has another length");
  kernel->frame = frame.Data();
  kernel->held = Napi::Persistent(frame);
  kernel->state = env.GetInstanceData<State>();
  kernel->call = std::make_unique<Call>(*kernel);
  Napi::Object functions = Napi::Object::New(env);
  functions.Set("shapes", functionOf<ShapesOf>(env, "shapes", kernel));
  functions.Set("run", functionOf<RunNow>(env, "run", kernel));
  functions.Set("runLater", functionOf<RunLater>(env, "runLater", kernel));
  return functions;
}

/** allocate(bytes): an array buffer on huge pages if it is large, where the system has them. */
Napi::Value Allocate(const Napi::CallbackInfo &info) {
  const double bytes = info[0].As<Napi::Number>().DoubleValue();
  if (!(bytes >= 0 && bytes <= 9007199254740991.0)) refuse(info.Env(), "there is no memory of so many bytes");
  void *memory = spare.take(std::size_t(bytes));
  return Napi::Value(info.Env(), makeBuffer(info.Env(), std::size_t(bytes), &memory));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new State);
  exports.Set("open", Napi::Function::New(env, Open));
  exports.Set("find", Napi::Function::New(env, Find));
  exports.Set("allocate", Napi::Function::New(env, Allocate));
  addExports(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(attnc, Init)
