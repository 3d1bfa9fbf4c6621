#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

/// Memory that a process and its decoder both see: a word that says to stop, and a window that samples and bytes go
/// through, longer ones window by window. Its size is fixed, so that neither can take it from under the other. What
/// lies in it is the decoder's to change at any time: it is copied first and looked at then.
class SharedWindow {
 public:
  /// 65 seconds at 16 kHz.
  static constexpr std::size_t kBytes = 4U << 20U;
  static constexpr std::size_t kSamples = kBytes / sizeof(float);

  /// Errors: OVERLOADED (no descriptors or memory left).
  static Result<SharedWindow> create();

  /// The one that another process has made. Errors: as above; INTERNAL for one of another size.
  static Result<SharedWindow> open(Descriptor memory);

  SharedWindow(SharedWindow&& other) noexcept
      : memory_(std::move(other.memory_)), start_(std::exchange(other.start_, nullptr)) {}
  SharedWindow& operator=(SharedWindow&&) = delete;
  ~SharedWindow();

  int descriptor() const { return memory_.get(); }
  /// It stays mapped.
  void close_descriptor() { memory_.reset(); }

  std::atomic<std::uint32_t>& stop() const { return *reinterpret_cast<std::atomic<std::uint32_t>*>(start_); }
  std::span<std::uint8_t> bytes() const { return {start_ + kPage, kBytes}; }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kWhole = kPage + kBytes;

  SharedWindow(Descriptor memory, std::uint8_t* start) : memory_(std::move(memory)), start_(start) {}
  static Result<SharedWindow> map(Descriptor memory);

  Descriptor memory_;
  std::uint8_t* start_;
};

}  // namespace timbre
