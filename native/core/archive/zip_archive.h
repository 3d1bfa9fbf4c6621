#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "archive/bytes.h"
#include "support/result.h"

namespace timbre::archive {

/// A zip archive as PyTorch writes it: members are stored, not compressed, so a member can never be larger than the
/// file. A compressed member is listed, and refused when it is read.
class ZipArchive {
 public:
  struct Member {
    std::uint64_t header_offset = 0;
    std::uint64_t size = 0;
    std::uint32_t crc32 = 0;
    bool stored = false;
  };

  using Members = std::map<std::string, Member, std::less<>>;

  /// Reads the directory. Errors: MODEL_INVALID.
  static Result<ZipArchive> open(ByteSource source);

  const Members& members() const { return members_; }
  const Member* find(std::string_view name) const;
  const ByteSource& source() const { return source_; }
  ByteSource take_source() && { return std::move(source_); }

  /// Where the member's bytes begin in the source; they all lie inside it. Errors: MODEL_INVALID.
  Result<std::uint64_t> locate(std::string_view name) const;

  /// The whole of a small member, its checksum verified where the archive has any. Errors: MODEL_INVALID, also above
  /// `max_bytes`.
  Result<std::string> read(std::string_view name, std::uint64_t max_bytes) const;

  /// Compares a member with its checksum, if the archive has any, in constant memory. Errors: MODEL_INVALID.
  Status verify(std::string_view name) const;

 private:
  explicit ZipArchive(ByteSource source) : source_(std::move(source)) {}
  Status read_directory();

  ByteSource source_;
  std::uint64_t directory_offset_ = 0;
  Members members_;
  bool has_checksums_ = true;
};

}  // namespace timbre::archive
