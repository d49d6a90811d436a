/** Tensors of PyTorch as generated kernels take them, by its stable ABI. */
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>
#include <torch/headeronly/util/shim_utils.h>

#include "attnc.h"

namespace {
namespace tensors {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

/** For people. */
inline const char *nameOf(ScalarType type) {
  switch (type) {
    case ScalarType::Float: return "float32";
    case ScalarType::Half: return "float16";
    case ScalarType::BFloat16: return "bfloat16";
    case ScalarType::Double: return "float64";
    case ScalarType::Int: return "int32";
    case ScalarType::Long: return "int64";
    case ScalarType::Bool: return "bool";
    case ScalarType::Byte: return "uint8";
    default: return "of another type";
  }
}

/** What an operator takes at one place. */
struct Form {
  const char *op, *name, *axes;
  ScalarType type;
};

/** The device of the first input, on which all is done. */
inline int32_t deviceOf(const Tensor &tensor, const char *op, const char *name) {
  STD_TORCH_CHECK(tensor.is_cuda(), op, ": ", name, " is not on a CUDA device");
  return tensor.get_device_index();
}

/** An input: checked, with its lengths and strides. What these have to be is known to the kernels. */
template <std::size_t rank>
struct Input {
  Input(const Tensor &tensor, const Form &form, int32_t device) {
    const auto &[op, name, axes, type] = form;
    const int32_t own = deviceOf(tensor, op, name);
    STD_TORCH_CHECK(own == device, op, ": ", name, " is on cuda:", own, ", and the first input on cuda:", device);
    STD_TORCH_CHECK(tensor.scalar_type() == type, op, ": ", name, " is ", nameOf(tensor.scalar_type()), ", and these kernels take ",
                    nameOf(type));
    STD_TORCH_CHECK(tensor.dim() == int64_t(rank), op, ": ", name, " has ", tensor.dim(), " axes, and takes ", rank, ": ", axes);
    for (std::size_t n = 0; n < rank; ++n) {
      shape_[n] = tensor.size(int64_t(n));
      strides_[n] = tensor.stride(int64_t(n));
    }
    data_ = const_cast<void *>(tensor.const_data_ptr());  // it is not written to
  }
  Input(const Input &) = delete;

  attnc_tensor tensor() { return {data_, shape_.data(), strides_.data()}; }

 private:
  void *data_;
  std::array<int64_t, rank> shape_{}, strides_{};
};

/** A parameter in the type that kernels take. Null stands for its default. */
template <class Value>
struct Param {
  template <class Given>
  Param(const std::optional<Given> &given, const char *op, const char *name) : isGiven_(given.has_value()) {
    if (!given) return;
    if constexpr (std::numeric_limits<Value>::is_integer)
      STD_TORCH_CHECK(int64_t(*given) >= int64_t(std::numeric_limits<Value>::min()) && int64_t(*given) <= int64_t(std::numeric_limits<Value>::max()),
                      op, ": param ", name, " is ", int64_t(*given), ", and takes 32 bits");
    value_ = Value(*given);
  }
  const Value *pointer() const { return isGiven_ ? &value_ : nullptr; }

 private:
  bool isGiven_;
  Value value_{};
};

inline void *currentStream(int32_t device) {
  void *stream = nullptr;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(device, &stream));
  return stream;
}

}  // namespace tensors
}  // namespace
