/** A call from C: its tensors measured, its parameters checked, its work handed to the caller's threads. */
#pragma once
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include "attnc.h"

namespace {
namespace call {

/** The longest axis: the sum of two lengths is below 2^31. */
constexpr std::int64_t longest = (std::int64_t(1) << 30) - 1;

/** What is wrong with a call, and where the caller wants its text, if anywhere. */
struct Fault {
  attnc_fault *to;
  std::int32_t code = 0;
};

inline bool refuseWith(std::int32_t code, Fault &fault, const char *format, std::va_list list) {
  fault.code = code;
  if (fault.to) std::vsnprintf(fault.to->text, sizeof fault.to->text, format, list);
  return false;
}

[[gnu::format(printf, 3, 4)]] inline bool refuseFor(std::int32_t code, Fault &fault, const char *format, ...) {
  std::va_list list;
  va_start(list, format);
  refuseWith(code, fault, format, list);
  va_end(list);
  return false;
}

[[gnu::format(printf, 2, 3)]] inline bool refuse(Fault &fault, const char *format, ...) {
  std::va_list list;
  va_start(list, format);
  refuseWith(ATTNC_BAD_CALL, fault, format, list);
  va_end(list);
  return false;
}

/** The length of an axis, and the tensor that it was read from; without one, it was fixed when the kernel was generated. */
struct Length {
  const char *axis;
  std::int64_t length = -1;
  const char *from = nullptr;

  bool known() const { return length >= 0; }

  bool learn(std::int64_t other, const char *tensor, Fault &fault) {
    if (other < 0 || other > longest) return refuse(fault, "axis %s of %s cannot be %lld long", axis, tensor, (long long)other);
    if (!known()) {
      length = other;
      from = tensor;
    }
    if (length == other) return true;
    if (from) return refuse(fault, "axis %s is %lld in %s but %lld in %s", axis, (long long)length, from, (long long)other, tensor);
    return refuse(fault, "this kernel was generated for %s = %lld; %s has %s = %lld: build with --size %s=%lld", axis,
                  (long long)length, tensor, axis, (long long)other, axis, (long long)other);
  }

  /** A length that others determine. */
  bool follow(std::int64_t other, Fault &fault) {
    if (other < 0 || other > longest) return refuse(fault, "axis %s cannot be %lld long", axis, (long long)other);
    if (known() && length != other)
      return refuse(fault, "axis %s is %lld, but has to be %lld", axis, (long long)length, (long long)other);
    length = other;
    return true;
  }
};

template <int rank>
bool measure(const attnc_tensor &tensor, const char *name, Length *const (&axes)[rank], Fault &fault) {
  if (!tensor.shape) return refuse(fault, "%s has no shape", name);
  for (int n = 0; n < rank; ++n)
    if (!axes[n]->learn(tensor.shape[n], name, fault)) return false;
  return true;
}

/** The strides of a tensor of these lengths. */
template <int rank>
bool locate(const attnc_tensor &tensor, const char *name, const Length *const (&axes)[rank], std::ptrdiff_t *const (&strides)[rank],
            Fault &fault) {
  std::ptrdiff_t dense = 1;
  for (int n = rank - 1; n >= 0; --n) {
    *strides[n] = tensor.strides ? std::ptrdiff_t(tensor.strides[n]) : dense;
    if (__builtin_mul_overflow(dense, std::ptrdiff_t(axes[n]->length), &dense)) return refuse(fault, "%s is too large", name);
  }
  return true;
}

/** One axis of a tensor that lies somewhere. */
struct Step {
  std::int64_t length;
  std::ptrdiff_t stride;
};

/** Whether elements of this size can lie there, if there are any. */
template <class Element>
bool holds(const Element *data, const char *name, std::initializer_list<Step> steps, Fault &fault) {
  std::ptrdiff_t reach = sizeof(Element);
  bool fits = true;
  for (const Step &one : steps) {
    if (one.length == 0) return true;
    std::ptrdiff_t bytes = 0;
    fits = fits && !__builtin_mul_overflow(std::ptrdiff_t(one.length - 1) * std::ptrdiff_t(sizeof(Element)), one.stride, &bytes) &&
           (bytes >= 0 || !__builtin_sub_overflow(std::ptrdiff_t(0), bytes, &bytes)) && !__builtin_add_overflow(reach, bytes, &reach);
  }
  if (!data) return refuse(fault, "%s has no data", name);
  if (!fits) return refuseFor(ATTNC_BAD_STRIDES, fault, "the strides of %s reach beyond all memory", name);
  if (std::uintptr_t(data) % sizeof(Element) == 0) return true;
  return refuseFor(ATTNC_BAD_ALIGNMENT, fault, "%s does not lie on a multiple of the %d bytes of an element", name, int(sizeof(Element)));
}

/** As `holds`, of what is written: each element has a place of its own along each axis. */
template <class Element>
bool takes(const Element *data, const char *name, std::initializer_list<Step> steps, Fault &fault) {
  if (!holds(data, name, steps, fault)) return false;
  for (const Step &one : steps)
    if (one.length == 0) return true;
  for (const Step &one : steps)
    if (one.length > 1 && one.stride == 0) return refuseFor(ATTNC_BAD_STRIDES, fault, "%s has a stride of 0: its elements would overlap", name);
  return true;
}

/** Room for the elements of buffers in one piece of memory, each on a line of the cache. */
struct Room {
  std::int64_t bytes = 0;
  bool fits = true;

  std::int64_t take(std::int64_t size) {
    const std::int64_t at = bytes;
    if (size < 0 || __builtin_add_overflow(bytes, (size + 63) / 64 * 64, &bytes)) fits = false;
    return at;
  }
  /** Whether the workspace can be this. */
  bool isIn(const void *workspace, Fault &fault) const {
    if (!fits) return refuse(fault, "the workspace is too large");
    if (!workspace && bytes > 0) return refuse(fault, "there is no workspace, and a call needs %lld bytes", (long long)bytes);
    if (std::uintptr_t(workspace) % 64 == 0) return true;
    return refuseFor(ATTNC_BAD_ALIGNMENT, fault, "the workspace does not lie on a multiple of 64 bytes");
  }
  template <class... Lengths>
  std::int64_t takeElements(std::int64_t size, Lengths... lengths) {
    for (const std::int64_t length : {std::int64_t(1), std::int64_t(lengths)...})
      if (__builtin_mul_overflow(size, length, &size)) fits = false;
    return take(fits ? size : 0);
  }
};

/** The blocks of a kernel's grid: those that come last, which causal masks leave the most work to, are handed out first. */
template <class Given>
struct Job {
  const Given *given;
  void (*kernel)(const Given &given, std::int64_t block, void *scratch);
  char *scratch;
  std::int64_t scratchBytes; // of one worker
  std::int64_t blocks;

  static void task(void *context, std::int64_t index, std::int32_t worker) {
    const Job &job = *static_cast<const Job *>(context);
    job.kernel(*job.given, job.blocks - 1 - index, job.scratch + worker * job.scratchBytes);
  }

  void run(const attnc_threads *threads) {
    if (threads) return threads->run(threads->pool, task, this, blocks);
    for (std::int64_t index = 0; index < blocks; ++index) task(this, index, 0);
  }
};

}  // namespace call
}  // namespace
