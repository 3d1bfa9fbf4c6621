#include "archive/bytes.h"

#include <bit>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "support/text.h"

namespace timbre::archive {

static_assert(std::endian::native == std::endian::little, "checkpoints and bundles are little-endian");

Result<ByteSource> ByteSource::open(const std::string& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (path.find('\0') != std::string::npos || !std::filesystem::exists(status)) {
    return Error{ErrorCode::MODEL_NOT_FOUND, "there is no file " + quote(path)};
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Error{ErrorCode::MODEL_INVALID, quote(path) + " is no regular file"};
  }
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) {
    return Error{ErrorCode::MODEL_NOT_FOUND,
                 quote(path) + " cannot be read: " + std::generic_category().message(errno)};
  }
  return ByteSource(std::move(file));
}

ByteSource::ByteSource(std::unique_ptr<std::istream> stream) : stream_(std::move(stream)) {
  stream_->seekg(0, std::ios::end);
  const auto end = stream_->tellg();
  size_ = end > 0 ? static_cast<std::uint64_t>(end) : 0;
}

Status ByteSource::read(std::uint64_t offset, std::span<char> to) const {
  if (offset > size_ || to.size() > size_ - offset) {
    return Error{ErrorCode::MODEL_INVALID,
                 "the file ends at byte " + std::to_string(size_) + ", in the middle of its data"};
  }
  stream_->clear();
  stream_->seekg(static_cast<std::streamoff>(offset));
  if (!stream_->read(to.data(), static_cast<std::streamsize>(to.size()))) {
    return Error{ErrorCode::MODEL_INVALID,
                 std::to_string(to.size()) + " bytes at " + std::to_string(offset) + " of the file cannot be read"};
  }
  return ok();
}

}  // namespace timbre::archive
