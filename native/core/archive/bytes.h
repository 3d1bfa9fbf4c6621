#pragma once

#include <cstdint>
#include <cstring>
#include <istream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "support/result.h"

namespace timbre::archive {

/// A file, or bytes in memory, read at any place. Not thread-safe.
class ByteSource {
 public:
  /// Errors: MODEL_NOT_FOUND when the file is missing or may not be read, MODEL_INVALID when it is no regular file.
  static Result<ByteSource> open(const std::string& path);

  explicit ByteSource(std::unique_ptr<std::istream> stream);

  std::uint64_t size() const { return size_; }

  /// Fills `to` from `offset` on. Errors: MODEL_INVALID when the source ends before, or cannot be read.
  Status read(std::uint64_t offset, std::span<char> to) const;

 private:
  std::unique_ptr<std::istream> stream_;
  std::uint64_t size_ = 0;
};

/// Takes little-endian values off the front of bytes. Reading past the end gives zeros and clears ok(), so that a
/// parser may take a whole record and ask once.
class LittleEndianReader {
 public:
  explicit LittleEndianReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return rest_.size(); }

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  /// Everything before `end`, which is taken too.
  std::string_view take_until(char end) {
    const std::size_t at = rest_.find(end);
    const std::string_view taken = take(at == std::string_view::npos ? rest_.size() + 1 : at + 1);
    return taken.substr(0, taken.empty() ? 0 : taken.size() - 1);
  }

  template <typename T>
  requires std::is_integral_v<T> T take() {
    T value = 0;
    const std::string_view bytes = take(sizeof(T));
    if (ok_) {
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace timbre::archive
