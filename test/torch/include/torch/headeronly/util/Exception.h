// Stands in for PyTorch's header of this name: see ../../../../standin.cc.
#pragma once
#include <sstream>
#include <stdexcept>

namespace standin {
template <class... Parts>
std::string joined(const Parts &...parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}
}  // namespace standin

#define STD_TORCH_CHECK(condition, ...) \
  if (!(condition)) throw std::runtime_error(standin::joined(__func__, ", ", __FILE__, ":", __LINE__, ", ", ##__VA_ARGS__))
