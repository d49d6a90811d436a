// Stands in for PyTorch's header of this name: see ../../../../standin.cc.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace torch::headeronly {
class IntHeaderOnlyArrayRef {
 public:
  template <std::size_t count>
  IntHeaderOnlyArrayRef(const std::array<int64_t, count> &all) : data_(all.data()), size_(count) {}
  const int64_t *data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  const int64_t *data_;
  std::size_t size_;
};
}  // namespace torch::headeronly
