// Stands in for PyTorch's header of this name: see ../../../../standin.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/shim_utils.h>

namespace torch::stable {
/** Shares a handle, which is deleted with its last owner. */
class Tensor {
 public:
  explicit Tensor(AtenTensorHandle handle) : handle_(handle, [](AtenTensorHandle one) { aoti_torch_delete_tensor_object(one); }) {}
  AtenTensorHandle get() const { return handle_.get(); }
  const void *const_data_ptr() const { return ask<const void *>(aoti_torch_get_const_data_ptr); }
  void *mutable_data_ptr() const { return ask<void *>(aoti_torch_get_mutable_data_ptr); }
  int64_t dim() const { return ask<int64_t>(aoti_torch_get_dim); }
  int64_t size(int64_t n) const { return askOf(aoti_torch_get_size, n); }
  int64_t stride(int64_t n) const { return askOf(aoti_torch_get_stride, n); }
  bool is_cuda() const { return ask<int32_t>(aoti_torch_get_device_type) == aoti_torch_device_type_cuda(); }
  int32_t get_device_index() const { return ask<int32_t>(aoti_torch_get_device_index); }
  headeronly::ScalarType scalar_type() const { return headeronly::ScalarType(ask<int32_t>(aoti_torch_get_dtype)); }

 private:
  template <class Answer>
  Answer ask(AOTITorchError (*get)(AtenTensorHandle, Answer *)) const {
    Answer answer{};
    TORCH_ERROR_CODE_CHECK(get(handle_.get(), &answer));
    return answer;
  }
  int64_t askOf(AOTITorchError (*get)(AtenTensorHandle, int64_t, int64_t *), int64_t n) const {
    int64_t answer{};
    TORCH_ERROR_CODE_CHECK(get(handle_.get(), n, &answer));
    return answer;
  }
  std::shared_ptr<AtenTensorOpaque> handle_;
};
}  // namespace torch::stable
