/** A GPU: its driver, a context, code that is loaded, memory and copies. Whatever fails is thrown as a `Failure`. */
#pragma once
#include <dlfcn.h>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include "driver.h"

namespace device {

using driver::Address;
using driver::Result;

/** What failed: 'driver', 'device', 'architecture', 'memory' or 'fault'. `isLost`: nothing works in this context from now on. */
struct Failure {
  const char *kind;
  std::string text;
  bool isLost = false;
};

constexpr std::size_t mostBytes = std::size_t(1) << 46;

// Numbers of CUDA Driver API, "Data types used by CUDA driver".
constexpr Result outOfMemory = 2, noDevice = 100, noBinary = 209, badCode = 200, badPtx = 218, newerPtx = 222;
constexpr int majorOf = 75, minorOf = 76;  // attributes: compute capability
constexpr unsigned withoutDefault = 1;     // CU_STREAM_NON_BLOCKING: it does not wait for the stream 0 of others
constexpr unsigned withoutTime = 2;        // CU_EVENT_DISABLE_TIMING

/** Whether the context is gone, or fails whatever is asked of it from now on. */
inline bool isLoss(Result code) {
  switch (code) {
    case 201: case 214: case 220: case 226: case 700: case 702: case 709: case 710: case 714: case 715:
    case 716: case 717: case 718: case 719: case 720: case 721: case 999:
      return true;
    default:
      return false;
  }
}

inline std::string versionText(int version) { return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10); }

inline std::string sizeText(std::size_t bytes) {
  char text[32];
  if (bytes < (1u << 20)) std::snprintf(text, sizeof text, "%zu bytes", bytes);
  else if (bytes < (1u << 30)) std::snprintf(text, sizeof text, "%.1f MiB", double(bytes) / (1 << 20));
  else std::snprintf(text, sizeof text, "%.2f GiB", double(bytes) / (1 << 30));
  return text;
}

class Gpu {
 public:
  std::mutex mutex;  // who calls the others holds it

  /** Finds the driver and a device, once; what is missing may be there the next time. */
  void open() {
    if (isOpen_) return;
    loadDriver();
    const Result started = driver_.init(0);
    if (started == noDevice) throw Failure{"device", "the driver finds no NVIDIA GPU"};
    if (started != 0) throw Failure{"driver", "the driver does not start: " + describe(started)};
    check(driver_.version(&version_));
    int count = 0;
    check(driver_.countDevices(&count));
    if (count == 0) throw Failure{"device", "the driver finds no NVIDIA GPU"};
    check(driver_.device(&device_, 0));
    char name[256] = "";
    check(driver_.nameOf(name, sizeof name, device_));
    name_ = name;
    int major = 0, minor = 0;
    check(driver_.attribute(&major, majorOf, device_));
    check(driver_.attribute(&minor, minorOf, device_));
    architecture_ = 10 * major + minor;
    isOpen_ = true;
  }
  const std::string &name() const { return name_; }
  int architecture() const { return architecture_; }  // 80 for sm_80
  std::string driverVersion() const { return versionText(version_); }
  void *stream() const { return stream_; }

  /** Makes the device's context that of this thread; a new one after a loss. */
  void enter() {
    open();
    if (!context_) {
      check(driver_.retain(&context_, device_));
      ++generation_;
    }
    check(driver_.enter(context_));
    if (!stream_) check(driver_.makeStream(&stream_, withoutDefault));
  }

  /** Gives the context up, and all memory, code and copies with it: after a fault there is no other way. */
  void drop() {
    if (!context_) return;
    driver_.reset(device_);
    driver_.release(device_);
    context_ = nullptr;
    stream_ = nullptr;
    for (Slot &slot : slots_) slot = Slot();
  }

  /** A library of kernels, with its code on the device. */
  driver::Library &load(void *opened) {
    const auto find = reinterpret_cast<decltype(&attnc_cuda_library)>(dlsym(opened, "attnc_cuda_library"));
    if (!find) throw Failure{"device", "a library of kernels has no code for a GPU"};
    driver::Library &library = *find();
    if (library.driver == &driver_ && library.loadedBy == generation_) return library;
    if (library.toolkit / 1000 > version_ / 1000) throw Failure{"driver", tooOld(library)};
    library.driver = &driver_;
    driver::Code code;
    const Result loaded = driver_.load(&code, library.image);
    if (loaded == noBinary || loaded == badCode)
      throw Failure{"architecture", "the kernels were not compiled for this GPU, " + name_ + ", which is sm_" + std::to_string(architecture_)};
    if (loaded == newerPtx || loaded == badPtx) throw Failure{"driver", tooOld(library)};
    check(loaded);
    for (int n = 0; n < library.count; ++n) check(driver_.find(&library.kernels[n].function, code, library.kernels[n].name));
    library.loadedBy = generation_;
    return library;
  }

  void check(Result result) const {
    if (result == 0) return;
    const bool isLost = isLoss(result);
    if (result == outOfMemory) throw Failure{"memory", "there is no memory left: " + describe(result)};
    throw Failure{"fault", (isLost ? "the GPU ended a call: " : "the GPU refused a call: ") + describe(result), isLost};
  }

  Address allocate(std::size_t bytes) const {
    Address address = 0;
    const Result result = driver_.allocate(&address, bytes);
    if (result != outOfMemory) return check(result), address;
    std::size_t free = 0, all = 0;
    check(driver_.memory(&free, &all));
    throw Failure{"memory", "the GPU has no memory for the " + sizeText(bytes) + " of a call: " + sizeText(free) + " of its " +
                                sizeText(all) + " are free"};
  }
  /** What was started is over then, so that nothing uses it any more. */
  void release(Address address) const {
    driver_.waitForStream(stream_);
    driver_.free(address);
  }

  /** Copies to the device by way of pinned memory: while one part is under way, the next one is put there. */
  void copyIn(Address to, const void *from, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += partBytes) {
      Slot &slot = nextSlot();
      const std::size_t size = std::min(partBytes, bytes - at);
      std::memcpy(slot.memory, static_cast<const char *>(from) + at, size);
      check(driver_.copyIn(to + at, slot.memory, size, stream_));
      check(driver_.record(slot.event, stream_));
    }
  }
  /** Copies from the device the same way, behind all that was started before; the last parts arrive with `finish`. */
  void copyOut(void *to, Address from, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += partBytes) {
      Slot &slot = nextSlot();
      const std::size_t size = std::min(partBytes, bytes - at);
      check(driver_.copyOut(slot.memory, from + at, size, stream_));
      check(driver_.record(slot.event, stream_));
      slot.to = static_cast<char *>(to) + at;
      slot.size = size;
    }
  }
  /** Waits for all that was started. */
  void finish() {
    check(driver_.waitForStream(stream_));
    for (std::size_t n = 0; n < slotCount; ++n) nextSlot();
  }
  /** Lets go of what was to arrive. */
  void forget() {
    for (Slot &slot : slots_) slot.to = nullptr;
  }

 private:
  static constexpr std::size_t partBytes = std::size_t(1) << 20, slotCount = 4;

  /** Pinned memory for one part of a copy, and the end of the last copy that used it. */
  struct Slot {
    void *memory = nullptr;
    driver::Event event = nullptr;
    char *to = nullptr;  // where what arrives here goes; null: nothing arrives
    std::size_t size = 0;
  };

  /** The slot that was used longest ago, once it is free; what arrived there is taken. */
  Slot &nextSlot() {
    Slot &slot = slots_[turn_++ % slotCount];
    if (!slot.memory) check(driver_.allocatePinned(&slot.memory, partBytes, 0));
    if (!slot.event) check(driver_.makeEvent(&slot.event, withoutTime));
    check(driver_.waitForEvent(slot.event));
    if (slot.to) std::memcpy(slot.to, slot.memory, slot.size);
    slot.to = nullptr;
    return slot;
  }

  std::string describe(Result code) const {
    const char *text = nullptr;
    driver_.describe(code, &text);
    return std::string(text ? text : "an unknown error") + " (CUDA error " + std::to_string(code) + ")";
  }

  std::string tooOld(const driver::Library &library) const {
    return "the driver is too old: it is for CUDA " + versionText(version_) + ", and nvcc is of CUDA " + versionText(library.toolkit);
  }

  /** The variable ATTNC_LIBCUDA names another library than the system's. */
  void loadDriver() {
    if (driver_.init) return;
    const char *const named = std::getenv("ATTNC_LIBCUDA");
    void *const library = dlopen(named && *named ? named : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) throw Failure{"driver", std::string("there is no NVIDIA driver: ") + dlerror()};
    driver::Table table;
#define ATTNC_LOOK_UP(own, symbol, ...)                                                                  \
  table.own = reinterpret_cast<decltype(table.own)>(dlsym(library, #symbol));                            \
  if (!table.own) throw Failure{"driver", "the driver is too old: it has no " #symbol};
    ATTNC_DRIVER_FUNCTIONS(ATTNC_LOOK_UP)
#undef ATTNC_LOOK_UP
    driver_ = table;
  }

  driver::Table driver_;
  driver::Device device_ = 0;
  driver::Context context_ = nullptr;
  driver::Stream stream_ = nullptr;
  Slot slots_[slotCount];
  std::size_t turn_ = 0;
  std::uint64_t generation_ = 0;  // of the context
  int version_ = 0, architecture_ = 0;
  std::string name_;
  bool isOpen_ = false;
};

/** Memory of the device for one call. */
class Memory {
 public:
  Memory(Gpu &gpu, std::size_t bytes) : address(gpu.allocate(std::max(bytes, std::size_t(1)))), gpu_(gpu) {}
  ~Memory() {
    gpu_.forget();
    gpu_.release(address);
  }
  Memory(const Memory &) = delete;

  const Address address;

 private:
  Gpu &gpu_;
};

}  // namespace device
