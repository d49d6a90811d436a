// Stands in for the library of PyTorch in tests, for what generated extensions use of its stable ABI: operators are kept by name and
// called as boxed functions, memory of the device is memory of this process. The headers below include/ go with it; PyTorch's own are
// another implementation of the same interface. The module python/torch calls the functions at the end.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>

struct Storage {
  void *memory;
  bool isOwned;
  Storage(void *at, bool owned) : memory(at), isOwned(owned) {}
  ~Storage() {
    if (isOwned) std::free(memory);
  }
  Storage(const Storage &) = delete;
};
struct AtenTensorOpaque {
  std::shared_ptr<Storage> storage;
  int32_t dtype, deviceType, device;
  std::vector<int64_t> shape, strides;
};
struct DeviceGuardOpaque {
  int32_t before;
};
struct TorchLibraryOpaque {
  std::string ns, key;
};

namespace {

typedef void Boxed(StableIValue *, uint64_t, uint64_t);
struct Operator {
  std::string schema;
  std::map<std::string, Boxed *> kernels;  // by dispatch key
};
std::map<std::string, Operator> &operators() {
  static std::map<std::string, Operator> all;
  return all;
}
std::map<std::string, int> &namespaces() {
  static std::map<std::string, int> all;
  return all;
}

constexpr int32_t cuda = 1;  // c10::DeviceType::CUDA
int32_t currentDevice = 0;
long long handles = 0;
std::string log;  // of devices that memory and streams were asked for on

std::size_t bytesOf(int32_t dtype) {
  switch (dtype) {
    case 0: case 1: case 11: return 1;
    case 2: case 5: case 15: return 2;
    case 3: case 6: return 4;
    default: return 8;
  }
}

}  // namespace

extern "C" {

AOTITorchError aoti_torch_delete_tensor_object(AtenTensorHandle one) { return delete one, --handles, 0; }
AOTITorchError aoti_torch_new_tensor_handle(AtenTensorHandle one, AtenTensorHandle *copy) { return *copy = new AtenTensorOpaque(*one), ++handles, 0; }
AOTITorchError aoti_torch_get_const_data_ptr(AtenTensorHandle one, const void **data) { return *data = one->storage->memory, 0; }
AOTITorchError aoti_torch_get_mutable_data_ptr(AtenTensorHandle one, void **data) {
  if (!one->storage->isOwned) return 1;  // an input
  return *data = one->storage->memory, 0;
}
AOTITorchError aoti_torch_get_dim(AtenTensorHandle one, int64_t *dim) { return *dim = int64_t(one->shape.size()), 0; }
AOTITorchError aoti_torch_get_size(AtenTensorHandle one, int64_t n, int64_t *size) {
  if (n < 0 || std::size_t(n) >= one->shape.size()) return 1;
  return *size = one->shape[std::size_t(n)], 0;
}
AOTITorchError aoti_torch_get_stride(AtenTensorHandle one, int64_t n, int64_t *stride) {
  if (n < 0 || std::size_t(n) >= one->strides.size()) return 1;
  return *stride = one->strides[std::size_t(n)], 0;
}
AOTITorchError aoti_torch_get_dtype(AtenTensorHandle one, int32_t *dtype) { return *dtype = one->dtype, 0; }
AOTITorchError aoti_torch_get_device_type(AtenTensorHandle one, int32_t *type) { return *type = one->deviceType, 0; }
AOTITorchError aoti_torch_get_device_index(AtenTensorHandle one, int32_t *index) { return *index = one->device, 0; }
int32_t aoti_torch_device_type_cuda() { return cuda; }

AOTITorchError aoti_torch_create_device_guard(int32_t device, DeviceGuardHandle *guard) {
  *guard = new DeviceGuardOpaque{currentDevice};
  currentDevice = device;
  return 0;
}
AOTITorchError aoti_torch_delete_device_guard(DeviceGuardHandle guard) { return currentDevice = guard->before, delete guard, 0; }

/** A namespace is defined once. */
AOTITorchError aoti_torch_library_init_def(const char *ns, const char *, uint32_t, TorchLibraryHandle *library) {
  if (++namespaces()[ns] > 1) return 1;
  return *library = new TorchLibraryOpaque{ns, ""}, 0;
}
AOTITorchError aoti_torch_library_init_impl(const char *ns, const char *key, const char *, uint32_t, TorchLibraryHandle *library) {
  return *library = new TorchLibraryOpaque{ns, key}, 0;
}
AOTITorchError aoti_torch_library_def(TorchLibraryHandle library, const char *schema) {
  const std::string name(schema, std::strcspn(schema, "("));
  return operators()[library->ns + "::" + name].schema = schema, 0;
}
AOTITorchError aoti_torch_library_impl(TorchLibraryHandle library, const char *name, Boxed *kernel) {
  return operators()[library->ns + "::" + name].kernels[library->key] = kernel, 0;
}
AOTITorchError aoti_torch_delete_library_object(TorchLibraryHandle library) { return delete library, 0; }

/** Of each device its own address. */
AOTITorchError aoti_torch_get_current_cuda_stream(int32_t device, void **stream) {
  static char streams[8];
  log += "stream of " + std::to_string(device) + " on " + std::to_string(currentDevice) + "\n";
  return *stream = &streams[device], 0;
}

/** Row by row, on the device of `like`; what is not written there is NaN. */
AOTITorchError standin_new_empty(AtenTensorHandle like, const int64_t *sizes, std::size_t dim, int32_t dtype, AtenTensorHandle *made) {
  std::vector<int64_t> shape(sizes, sizes + dim), strides(dim);
  int64_t count = 1;
  for (std::size_t n = dim; n-- > 0;) {
    if (shape[n] < 0) return 1;
    strides[n] = count;
    count *= shape[n];
  }
  const std::size_t bytes = std::size_t(count) * bytesOf(dtype), whole = (bytes + 511) / 512 * 512;
  log += "memory of " + std::to_string(like->device) + " on " + std::to_string(currentDevice) + "\n";
  void *const memory = bytes == 0 ? nullptr : std::aligned_alloc(512, whole);
  if (memory) std::memset(memory, 0xff, whole);
  ++handles;
  *made = new AtenTensorOpaque{std::make_shared<Storage>(memory, true), dtype, like->deviceType, like->device, shape, strides};
  return 0;
}

// What the module calls.

AtenTensorHandle standin_tensor(void *data, int32_t dtype, int32_t type, int32_t device, std::size_t dim, const int64_t *shape, const int64_t *strides) {
  ++handles;
  return new AtenTensorOpaque{std::make_shared<Storage>(data, false), dtype, type, device, {shape, shape + dim}, {strides, strides + dim}};
}
StableIValue standin_optional(StableIValue value) { return StableIValue(new StableIValue(value)); }
const char *standin_schema(const char *name) {
  const auto found = operators().find(name);
  return found == operators().end() ? nullptr : found->second.schema.c_str();
}
/** 0, or 1 with the text of what was thrown. */
int standin_call(const char *name, StableIValue *stack, uint64_t inputs, uint64_t outputs, char *text, std::size_t bytes) {
  const auto found = operators().find(name);
  if (found == operators().end() || found->second.kernels.count("CUDA") == 0) return std::snprintf(text, bytes, "no kernel"), 1;
  const int32_t before = currentDevice;
  try {
    found->second.kernels["CUDA"](stack, inputs, outputs);
    return currentDevice == before ? 0 : (std::snprintf(text, bytes, "the device is another one now"), 1);
  } catch (const std::exception &error) {
    return std::snprintf(text, bytes, "%s", error.what()), 1;
  }
}
const char *standin_log() {
  static std::string taken;
  taken.swap(log);
  log.clear();
  return taken.c_str();
}
long long standin_handles() { return handles; }
}
