#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "audio/audio.h"
#include "support/result.h"

namespace timbre {

/// The bytes of an encoded recording, wherever they lie: a regular file that is open, or memory of the caller's.
/// Read from any offset; a descriptor is closed with it. Used by one thread.
class Input {
 public:
  /// Never blocks and never reads what is not a regular file, whatever the path leads to.
  /// Errors: INVALID_ARGUMENT, AUDIO_NOT_FOUND, AUDIO_UNSUPPORTED, AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes),
  /// OVERLOADED (no descriptor left).
  static Result<Input> open(const AudioPath& path, const AudioLimits& limits);

  /// The bytes stay the caller's and must outlive the input. Errors: AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes).
  static Result<Input> of(const AudioBytes& bytes, const AudioLimits& limits);

  Input(Input&& other) noexcept;
  Input& operator=(Input&&) = delete;
  ~Input();

  /// How messages call the recording: the quoted path, or "the recording".
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// The descriptor of a file; -1 for memory.
  int descriptor() const { return descriptor_; }
  /// The bytes in memory; empty for a file.
  std::span<const std::uint8_t> memory() const { return memory_; }

  /// Copies what there is at `offset`, at most `to.size()` bytes; 0 at the end or when the file cannot be read.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> to) const;

 private:
  Input(std::string name, std::uint64_t size, int descriptor, std::span<const std::uint8_t> memory)
      : name_(std::move(name)), size_(size), descriptor_(descriptor), memory_(memory) {}

  std::string name_;
  std::uint64_t size_;
  int descriptor_;
  std::span<const std::uint8_t> memory_;
};

/// A position in an input, for decoders that read and seek like a file.
struct Cursor {
  const Input& input;
  std::uint64_t position = 0;

  std::size_t read(std::span<std::uint8_t> to);

  /// As lseek(): the new position, or -1 for one outside the input.
  std::int64_t seek(std::int64_t offset, int whence);
};

}  // namespace timbre
