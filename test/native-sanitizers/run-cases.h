/** Kernels called through their C ABI on memory that is exactly as large as it has to be; cases.h, generated, lists them. */
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include "attnc.h"

namespace cases {

enum Storage { f32, f16, bf16, i32, boolean };
struct Tensor {
  const char *name;
  Storage storage;
  bool isResult;
  std::vector<std::int64_t> shape;   // of an input
  std::vector<std::int32_t> numbers; // of an i32 input; drawn where there are none
};
struct Case {
  const char *name;
  std::int32_t (*shapes)(const void *, attnc_fault *);
  std::int64_t (*workspace)(const void *, std::int32_t, attnc_fault *);
  std::int32_t (*run)(const void *, void *, const attnc_threads *, attnc_fault *);
  std::vector<Tensor> tensors;
  std::vector<float> params;
};

/** What is done wrong on purpose, to see that it is found. */
enum class Planted { nothing, shortResult, hugeStride, sharedWorker };

struct Freed {
  void operator()(void *memory) const { std::free(memory); }
};
typedef std::unique_ptr<void, Freed> Memory;

inline std::size_t bytesOf(Storage storage) { return storage == boolean ? 1 : storage == f16 || storage == bf16 ? 2 : 4; }

inline std::uint32_t random32() {
  static thread_local std::uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

/** Numbers around zero; of floats in two bytes any bits, NaN and infinity among them. */
inline void drawInto(void *memory, const Tensor &tensor, std::size_t count) {
  for (std::size_t n = 0; n < count; ++n) {
    const std::uint32_t bits = random32();
    switch (tensor.storage) {
      case f32: static_cast<float *>(memory)[n] = float(bits % 2001) / 1000 - 1; break;
      case i32: static_cast<std::int32_t *>(memory)[n] = tensor.numbers.empty() ? std::int32_t(bits % 5) : tensor.numbers[n]; break;
      case boolean: static_cast<std::uint8_t *>(memory)[n] = bits & 1; break;
      default: static_cast<std::uint16_t *>(memory)[n] = std::uint16_t(bits);
    }
  }
}

/** A call with its memory. The structure that a kernel takes is nothing but pointers. */
struct Call {
  std::vector<std::vector<std::int64_t>> shapes, strides;
  std::vector<Memory> memory;
  std::vector<std::size_t> sizes;
  std::vector<const void *> pointers;

  Call(const Case &one, Planted planted) {
    for (const Tensor &tensor : one.tensors) shapes.push_back(tensor.shape);
    strides.resize(shapes.size());
    pointers.assign(3 * shapes.size(), nullptr);
    for (const float &param : one.params) pointers.push_back(&param);
    for (std::size_t n = 0; n < shapes.size(); ++n) {
      pointers[3 * n + 1] = shapes[n].data();
      if (!one.tensors[n].isResult) place(n, one.tensors[n], Planted::nothing);
    }
    attnc_fault fault{};
    if (one.shapes(pointers.data(), &fault) != 0) stop(one, fault);
    for (std::size_t n = 0; n < shapes.size(); ++n)
      if (one.tensors[n].isResult) place(n, one.tensors[n], planted);
  }

  /** Not a byte more than its elements take. */
  void place(std::size_t n, const Tensor &tensor, Planted planted) {
    std::size_t count = 1;
    for (const std::int64_t length : shapes[n]) count *= std::size_t(length);
    sizes.push_back(count * bytesOf(tensor.storage));
    const std::size_t lacking = planted == Planted::shortResult && count > 0 ? bytesOf(tensor.storage) : 0;
    memory.emplace_back(std::malloc(sizes.back() - lacking));
    if (!tensor.isResult) drawInto(memory.back().get(), tensor, count);
    pointers[3 * n] = memory.back().get();
    if (planted != Planted::hugeStride) return;
    strides[n].assign(shapes[n].size(), INT64_MAX / 2 + 1);  // in bytes 2^64: once it is no fault, twice the number is too large
    pointers[3 * n + 2] = strides[n].data();
  }

  [[noreturn]] static void stop(const Case &one, const attnc_fault &fault) {
    std::printf("%s is refused: %s\n", one.name, fault.text);
    std::exit(2);
  }

  std::vector<char> results(const Case &one) const {
    std::vector<char> all;
    std::size_t inputs = 0;
    for (const Tensor &tensor : one.tensors) inputs += !tensor.isResult;
    for (std::size_t n = inputs; n < memory.size(); ++n) {
      const char *const bytes = static_cast<const char *>(memory[n].get());
      all.insert(all.end(), bytes, bytes + sizes[n]);
    }
    return all;
  }
};

/** Threads of their own for each kernel: the simplest that the ABI allows. */
struct Threads {
  std::int32_t workers;
  Planted planted;

  static void run(void *self, void (*task)(void *, std::int64_t, std::int32_t), void *context, std::int64_t count) {
    const Threads &threads = *static_cast<Threads *>(self);
    std::vector<std::thread> all;
    for (std::int32_t worker = 0; worker < threads.workers; ++worker)
      all.emplace_back([&, worker] {
        for (std::int64_t index = worker; index < count; index += threads.workers)
          task(context, index, threads.planted == Planted::sharedWorker ? 0 : worker);
      });
    for (std::thread &thread : all) thread.join();
  }
};

inline void compute(const Case &one, const Call &call, std::int32_t workers, Planted planted) {
  attnc_fault fault{};
  const std::int64_t bytes = one.workspace(call.pointers.data(), workers, &fault);
  if (bytes < 0) Call::stop(one, fault);
  const Memory workspace(std::aligned_alloc(64, std::size_t(bytes)));
  Threads threads{workers, planted};
  const attnc_threads handed{workers, &threads, Threads::run};
  if (one.run(call.pointers.data(), workspace.get(), workers > 1 ? &handed : nullptr, &fault) != 0) Call::stop(one, fault);
}

}  // namespace cases
