// Stands in for PyTorch's header of this name: see ../../../../standin.cc.
#pragma once
#include <cstring>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/util/Exception.h>

namespace torch::stable::detail {

/** Values on the stack of a boxed function, 64 bits each: tensors by handles that change hands, optionals by addresses. */
template <class Value>
struct Boxing {
  static_assert(std::is_arithmetic_v<Value> && sizeof(Value) <= sizeof(StableIValue));
  static Value take(StableIValue word) {
    Value value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
};
template <>
struct Boxing<Tensor> {
  static Tensor take(StableIValue word) { return Tensor(reinterpret_cast<AtenTensorHandle>(word)); }
  static StableIValue give(const Tensor &tensor) {
    AtenTensorHandle copy = nullptr;
    TORCH_ERROR_CODE_CHECK(aoti_torch_new_tensor_handle(tensor.get(), &copy));
    return StableIValue(copy);
  }
};
template <class Value>
struct Boxing<std::optional<Value>> {
  static std::optional<Value> take(StableIValue word) {
    const std::unique_ptr<StableIValue> held(reinterpret_cast<StableIValue *>(word));
    return held ? std::optional<Value>(Boxing<Value>::take(*held)) : std::nullopt;
  }
};

template <class... Results>
void giveAll(StableIValue *stack, const std::tuple<Results...> &results) {
  std::apply([&](const auto &...each) { (void)std::initializer_list<int>{(*stack++ = Boxing<Results>::give(each), 0)...}; }, results);
}
inline void giveAll(StableIValue *stack, const Tensor &result) { *stack = Boxing<Tensor>::give(result); }

template <class Result>
constexpr std::size_t countOf = 1;
template <class... Results>
constexpr std::size_t countOf<std::tuple<Results...>> = sizeof...(Results);

template <auto function>
struct Boxed;
template <class Result, class... Taken, Result (*function)(Taken...)>
struct Boxed<function> {
  static void call(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
    STD_TORCH_CHECK(inputs == sizeof...(Taken), "Registered schema has ", inputs, " args, but the kernel to box has ", sizeof...(Taken));
    STD_TORCH_CHECK(outputs == countOf<Result>, "Registered schema has ", outputs, " outputs, but the kernel to box has ", countOf<Result>);
    callWith(stack, std::index_sequence_for<Taken...>());
  }
  template <std::size_t... n>
  static void callWith(StableIValue *stack, std::index_sequence<n...>) {
    std::tuple<std::decay_t<Taken>...> taken{Boxing<std::decay_t<Taken>>::take(stack[n])...};
    giveAll(stack, function(std::get<n>(taken)...));
  }
};

class StableLibrary {
 public:
  StableLibrary(const char *ns, const char *key, const char *file, uint32_t line) {
    if (key) {
      TORCH_ERROR_CODE_CHECK(aoti_torch_library_init_impl(ns, key, file, line, &library_));
    } else {
      TORCH_ERROR_CODE_CHECK(aoti_torch_library_init_def(ns, file, line, &library_));
    }
  }
  ~StableLibrary() { aoti_torch_delete_library_object(library_); }
  StableLibrary(const StableLibrary &) = delete;
  void def(const char *schema) { TORCH_ERROR_CODE_CHECK(aoti_torch_library_def(library_, schema)); }
  void impl(const char *name, void (*boxed)(StableIValue *, uint64_t, uint64_t)) {
    TORCH_ERROR_CODE_CHECK(aoti_torch_library_impl(library_, name, boxed));
  }

 private:
  TorchLibraryHandle library_ = nullptr;
};

struct Registration {
  StableLibrary library;
  Registration(void (*fill)(StableLibrary &), const char *ns, const char *key, const char *file, uint32_t line) : library(ns, key, file, line) {
    fill(library);
  }
};

}  // namespace torch::stable::detail

#define TORCH_BOX(function) (&torch::stable::detail::Boxed<(function)>::call)

#define STABLE_TORCH_LIBRARY(ns, m)                                                                                                 \
  static void standin_define_##ns(torch::stable::detail::StableLibrary &);                                                         \
  static const torch::stable::detail::Registration standin_defined_##ns(&standin_define_##ns, #ns, nullptr, __FILE__, __LINE__);   \
  void standin_define_##ns(torch::stable::detail::StableLibrary &m)
#define STABLE_TORCH_LIBRARY_IMPL(ns, key, m)                                                                                       \
  static void standin_implement_##ns##_##key(torch::stable::detail::StableLibrary &);                                              \
  static const torch::stable::detail::Registration standin_implemented_##ns##_##key(&standin_implement_##ns##_##key, #ns, #key,    \
                                                                                    __FILE__, __LINE__);                           \
  void standin_implement_##ns##_##key(torch::stable::detail::StableLibrary &m)
