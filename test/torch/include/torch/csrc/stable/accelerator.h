// Stands in for PyTorch's header of this name: see ../../../../standin.cc.
#pragma once
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/headeronly/util/shim_utils.h>

namespace torch::stable::accelerator {
class DeviceGuard {
 public:
  explicit DeviceGuard(int32_t device) { TORCH_ERROR_CODE_CHECK(aoti_torch_create_device_guard(device, &guard_)); }
  ~DeviceGuard() { aoti_torch_delete_device_guard(guard_); }
  DeviceGuard(const DeviceGuard &) = delete;

 private:
  DeviceGuardHandle guard_ = nullptr;
};
}  // namespace torch::stable::accelerator
