#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "audio/audio.h"
#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

/// The bytes of an encoded recording, wherever they lie: a regular file that is open, or memory of the caller's.
/// Read from any offset; keeps its file open. Used by one thread.
class Input {
 public:
  /// Never blocks and never reads what is not a regular file, whatever the path leads to.
  /// Errors: INVALID_ARGUMENT, AUDIO_NOT_FOUND, AUDIO_UNSUPPORTED, AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes),
  /// OVERLOADED (no descriptor left).
  static Result<Input> open(const AudioPath& path, const AudioLimits& limits);

  /// Errors: AUDIO_NOT_FOUND (cannot be looked at), AUDIO_UNSUPPORTED, AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes).
  static Result<Input> of(const AudioFile& file, const AudioLimits& limits);

  /// The bytes stay the caller's and must outlive the input. Errors: AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes).
  static Result<Input> of(const AudioBytes& bytes, const AudioLimits& limits);

  Input(Input&& other) noexcept = default;
  Input& operator=(Input&&) = delete;
  ~Input() = default;

  /// How messages call the recording: the quoted path, or "the recording".
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// The descriptor of a file; -1 for memory.
  int descriptor() const { return file_ ? file_->get() : -1; }
  /// The bytes in memory; empty for a file.
  std::span<const std::uint8_t> memory() const { return memory_; }

  /// Copies what there is at `offset`, at most `to.size()` bytes; 0 at the end or when the file cannot be read.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> to) const;

 private:
  /// Of an open file. Errors: as of().
  static Result<Input> of(std::string name, std::shared_ptr<const Descriptor> file, const AudioLimits& limits);

  Input(std::string name, std::uint64_t size, std::shared_ptr<const Descriptor> file,
        std::span<const std::uint8_t> memory)
      : name_(std::move(name)), size_(size), file_(std::move(file)), memory_(memory) {}

  std::string name_;
  std::uint64_t size_;
  std::shared_ptr<const Descriptor> file_;
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
