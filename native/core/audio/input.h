#pragma once

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audio/audio.h"
#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

/// A part of a composed input: bytes of its own or, where it has none, a stretch of the input that it is made of.
struct Piece {
  std::vector<std::uint8_t> own = {};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  static Piece of(std::vector<std::uint8_t> bytes) {
    const std::uint64_t size = bytes.size();
    return {std::move(bytes), 0, size};
  }
  static Piece stretch(std::uint64_t offset, std::uint64_t size) { return {{}, offset, size}; }
};

/// The bytes of an encoded recording, wherever they lie: a regular file that is open, memory of the caller's, or pieces
/// of another input. Read from any offset; keeps its file open. Used by one thread.
class Input {
 public:
  /// Never blocks and never reads what is not a regular file, whatever the path leads to. Of a file that grows later it
  /// is what is there now.
  /// Errors: INVALID_ARGUMENT, AUDIO_NOT_FOUND, AUDIO_UNSUPPORTED, AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes),
  /// OVERLOADED (no descriptor left).
  static Result<Input> open(const AudioPath& path, const AudioLimits& limits);

  /// Errors: AUDIO_NOT_FOUND (cannot be looked at), AUDIO_UNSUPPORTED, AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes).
  static Result<Input> of(const AudioFile& file, const AudioLimits& limits);

  /// The bytes stay the caller's and must outlive the input. Errors: AUDIO_TOO_LARGE, AUDIO_CORRUPT (no bytes).
  static Result<Input> of(const AudioBytes& bytes, const AudioLimits& limits);

  /// The same of whatever a source names, which is an encoded recording.
  static Result<Input> of(const AudioSource& source, const AudioLimits& limits);

  /// Of an open file that messages call `name`. Errors: as of AudioFile.
  static Result<Input> of(std::string name, std::shared_ptr<const Descriptor> file, const AudioLimits& limits);

  /// Of memory that messages call `name`, which must outlive the input. Errors: AUDIO_TOO_LARGE, AUDIO_CORRUPT.
  static Result<Input> of(std::string name, std::span<const std::uint8_t> memory, const AudioLimits& limits);

  /// Pieces of `base`, one behind the other, under its name. `base` must outlive it.
  static Input composed(const Input& base, std::vector<Piece> pieces);

  Input(Input&& other) noexcept = default;
  Input& operator=(Input&&) = delete;
  ~Input() = default;

  /// How messages call the recording: the quoted path, or "the recording".
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }

  /// The descriptor of a file; -1 for memory and pieces.
  int descriptor() const { return file_ ? file_->get() : -1; }

  /// Of a composed input; empty for others.
  std::span<const Piece> pieces() const { return pieces_; }

  /// The bytes by a descriptor that no other reader moves, for another process: of the file itself, or of a copy that
  /// nobody can change or make shorter any more. Errors: OUT_OF_MEMORY, OVERLOADED (no descriptor left).
  struct HandedOver {
    Descriptor descriptor;
    bool copied = false;
  };
  Result<HandedOver> hand_over() const;

  /// Copies what there is at `offset`, at most `to.size()` bytes; 0 at the end or when the file cannot be read.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> to) const;

  enum class Change { kNone, kGrew, kRewritten };
  /// What has become of the file since it was opened.
  Change change() const;

 private:
  Input(std::string name, std::uint64_t size, std::shared_ptr<const Descriptor> file,
        std::span<const std::uint8_t> memory)
      : name_(std::move(name)), size_(size), file_(std::move(file)), memory_(memory) {}

  std::size_t read_file(std::uint64_t offset, std::span<std::uint8_t> to) const;
  std::size_t read_pieces(std::uint64_t offset, std::span<std::uint8_t> to) const;

  std::string name_;
  std::uint64_t size_;
  std::shared_ptr<const Descriptor> file_;
  timespec written_{};  ///< of a file, when it was last written before it was opened
  std::span<const std::uint8_t> memory_;
  const Input* base_ = nullptr;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> starts_;  ///< of the pieces
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
