// Stands in for PyTorch's header of this name: see ../../../../standin.cc.
#pragma once
#include <optional>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/util/HeaderOnlyArrayRef.h>

namespace torch::stable {
inline Tensor new_empty(const Tensor &self, headeronly::IntHeaderOnlyArrayRef size, std::optional<headeronly::ScalarType> dtype = std::nullopt) {
  AtenTensorHandle made = nullptr;
  TORCH_ERROR_CODE_CHECK(standin_new_empty(self.get(), size.data(), size.size(), int32_t(dtype.value_or(self.scalar_type())), &made));
  return Tensor(made);
}
}  // namespace torch::stable
