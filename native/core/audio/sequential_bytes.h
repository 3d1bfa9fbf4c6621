#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/input.h"

namespace timbre {

/// Bytes one after the other, for decoders that do not seek.
class SequentialBytes {
 public:
  SequentialBytes() = default;
  SequentialBytes(const SequentialBytes&) = delete;
  SequentialBytes& operator=(const SequentialBytes&) = delete;
  virtual ~SequentialBytes() = default;

  /// Copies at most `to.size()` bytes; 0 at the end only.
  virtual std::size_t read(std::span<std::uint8_t> to) = 0;

  /// What was found missing among them, at the end.
  virtual Completeness completeness() const { return {}; }
};

/// Those of an input, which must outlive it.
class InputSource final : public SequentialBytes {
 public:
  explicit InputSource(const Input& input) : cursor_{input} {}
  std::size_t read(std::span<std::uint8_t> to) override { return cursor_.read(to); }

 private:
  Cursor cursor_;
};

}  // namespace timbre
