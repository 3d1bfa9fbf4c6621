// Format: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", sections 4.3 and 4.5.3 (zip64).
#include "archive/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include "support/text.h"

namespace timbre::archive {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::size_t kDirectoryEntryBytes = 46;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kEnd64LocatorBytes = 20;
constexpr std::size_t kLongestComment = 0xffff;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint16_t kEncryptedFlag = 1;
constexpr std::uint64_t kMaxDirectoryBytes = 16U << 20;

Error damaged(const std::string& what) {
  return Error{ErrorCode::MODEL_INVALID, "the archive is damaged: " + what + "; fetch or save the file again"};
}

Result<std::string> read_bytes(const ByteSource& source, std::uint64_t offset, std::uint64_t count) {
  if (count > source.size()) {
    return damaged("a record is longer than the file");
  }
  std::string bytes(count, '\0');
  if (auto status = source.read(offset, bytes); !status) {
    return std::move(status).error();
  }
  return bytes;
}

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  ///< where the records after the directory begin
};

/// Large archives, and all of PyTorch's, have a second end record with 64-bit fields before the first.
Result<Directory> read_end64(const ByteSource& source, std::uint64_t locator_offset, Directory directory) {
  auto locator = read_bytes(source, locator_offset, kEnd64LocatorBytes);
  if (!locator) {
    return std::move(locator).error();
  }
  LittleEndianReader reader(locator.value());
  if (reader.take<std::uint32_t>() != kEnd64Locator) {
    return directory;
  }
  reader.take(4);
  directory.end = reader.take<std::uint64_t>();
  auto record = read_bytes(source, directory.end, kEnd64Bytes);
  if (!record) {
    return std::move(record).error();
  }
  reader = LittleEndianReader(record.value());
  if (reader.take<std::uint32_t>() != kEnd64) {
    return damaged("its 64-bit end record is missing");
  }
  reader.take(28);
  directory.entries = reader.take<std::uint64_t>();
  directory.size = reader.take<std::uint64_t>();
  directory.offset = reader.take<std::uint64_t>();
  return directory;
}

Result<Directory> find_directory(const ByteSource& source) {
  const std::uint64_t tail_bytes = std::min<std::uint64_t>(source.size(), kEndBytes + kLongestComment);
  const std::uint64_t tail_offset = source.size() - tail_bytes;
  auto tail = read_bytes(source, tail_offset, tail_bytes);
  if (!tail) {
    return std::move(tail).error();
  }
  const std::string_view bytes = tail.value();
  for (std::size_t at = bytes.size() < kEndBytes ? 0 : bytes.size() - kEndBytes + 1; at-- > 0;) {
    LittleEndianReader reader(bytes.substr(at));
    if (reader.take<std::uint32_t>() != kEnd) {
      continue;
    }
    Directory directory;
    reader.take(6);
    directory.entries = reader.take<std::uint16_t>();
    directory.size = reader.take<std::uint32_t>();
    directory.offset = reader.take<std::uint32_t>();
    directory.end = tail_offset + at;
    if (reader.take<std::uint16_t>() != reader.left()) {
      continue;
    }
    return directory.end < kEnd64LocatorBytes ? directory
                                              : read_end64(source, directory.end - kEnd64LocatorBytes, directory);
  }
  return damaged("its directory is missing, so the file is cut short or no zip archive");
}

/// Fields of a directory entry that do not fit 32 bits stand in an extra field, in this order.
bool widen(std::string_view extra, std::span<std::uint64_t* const> fields) {
  LittleEndianReader reader(extra);
  while (reader.ok() && reader.left() > 0) {
    const auto tag = reader.take<std::uint16_t>();
    LittleEndianReader values(reader.take(reader.take<std::uint16_t>()));
    if (tag == kZip64Extra) {
      for (std::uint64_t* field : fields) {
        *field = *field == 0xffffffff ? values.take<std::uint64_t>() : *field;
      }
      return values.ok();
    }
  }
  return reader.ok();
}

/// PyTorch computes no checksums where torch.serialization.set_crc32_options(False) was called: all are 0 then, that of
/// the record too by which its archives are known. Anywhere else 0 is a checksum like any other.
bool leaves_checksums_out(const ZipArchive::Members& members) {
  const auto is_zero = [](const auto& member) { return member.second.crc32 == 0; };
  const auto is_pytorchs = [](const auto& member) { return member.first.ends_with("/.data/serialization_id"); };
  return std::ranges::all_of(members, is_zero) && std::ranges::any_of(members, is_pytorchs);
}

}  // namespace

Result<ZipArchive> ZipArchive::open(ByteSource source) {
  ZipArchive archive(std::move(source));
  if (auto status = archive.read_directory(); !status) {
    return std::move(status).error();
  }
  return archive;
}

Status ZipArchive::read_directory() {
  auto found = find_directory(source_);
  if (!found) {
    return std::move(found).error();
  }
  const Directory& directory = found.value();
  if (directory.offset > directory.end || directory.size > directory.end - directory.offset ||
      directory.size > kMaxDirectoryBytes || directory.entries > directory.size / kDirectoryEntryBytes) {
    return damaged("its directory of " + std::to_string(directory.entries) + " entries does not fit the file");
  }
  auto bytes = read_bytes(source_, directory.offset, directory.size);
  if (!bytes) {
    return std::move(bytes).error();
  }
  directory_offset_ = directory.offset;
  LittleEndianReader reader(bytes.value());
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    Member member;
    const auto signature = reader.take<std::uint32_t>();
    reader.take(4);
    const auto flags = reader.take<std::uint16_t>();
    const auto method = reader.take<std::uint16_t>();
    reader.take(4);
    member.crc32 = reader.take<std::uint32_t>();
    std::uint64_t packed_size = reader.take<std::uint32_t>();
    member.size = reader.take<std::uint32_t>();
    const auto name_bytes = reader.take<std::uint16_t>();
    const auto extra_bytes = reader.take<std::uint16_t>();
    const auto comment_bytes = reader.take<std::uint16_t>();
    reader.take(8);
    member.header_offset = reader.take<std::uint32_t>();
    const std::string_view name = reader.take(name_bytes);
    const std::string_view extra = reader.take(extra_bytes);
    reader.take(comment_bytes);
    std::uint64_t* const wide[] = {&member.size, &packed_size, &member.header_offset};
    if (!reader.ok() || signature != kDirectoryEntry || !widen(extra, wide)) {
      return damaged("entry " + std::to_string(i) + " of its directory is cut short");
    }
    member.stored = method == 0 && (flags & kEncryptedFlag) == 0 && packed_size == member.size;
    if (!members_.emplace(name, member).second) {
      return damaged("it holds " + quote(name) + " twice");
    }
  }
  has_checksums_ = !leaves_checksums_out(members_);
  return timbre::ok();
}

const ZipArchive::Member* ZipArchive::find(std::string_view name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : &found->second;
}

Result<std::uint64_t> ZipArchive::locate(std::string_view name) const {
  const Member* member = find(name);
  if (member == nullptr) {
    return damaged("it has no " + quote(name));
  }
  if (!member->stored) {
    return Error{ErrorCode::MODEL_INVALID,
                 quote(name) +
                     " is compressed or encrypted, which PyTorch never does: the file was packed "
                     "again; unpack it and save it with torch.save"};
  }
  auto header = read_bytes(source_, member->header_offset, kLocalHeaderBytes);
  if (!header) {
    return std::move(header).error();
  }
  LittleEndianReader reader(header.value());
  const auto signature = reader.take<std::uint32_t>();
  reader.take(22);
  const auto name_bytes = reader.take<std::uint16_t>();
  const auto extra_bytes = reader.take<std::uint16_t>();
  const std::uint64_t begin = member->header_offset + kLocalHeaderBytes + name_bytes + extra_bytes;
  if (signature != kLocalHeader || begin > directory_offset_ || member->size > directory_offset_ - begin) {
    return damaged(quote(name) + " of " + std::to_string(member->size) + " bytes lies outside it");
  }
  return begin;
}

Result<std::string> ZipArchive::read(std::string_view name, std::uint64_t max_bytes) const {
  auto begin = locate(name);
  if (!begin) {
    return std::move(begin).error();
  }
  const Member* member = find(name);
  if (member->size > max_bytes) {
    return Error{ErrorCode::MODEL_INVALID, quote(name) + " has " + std::to_string(member->size) +
                                               " bytes, more than the limit of " + std::to_string(max_bytes)};
  }
  if (auto status = verify(name); !status) {
    return std::move(status).error();
  }
  return read_bytes(source_, begin.value(), member->size);
}

Status ZipArchive::verify(std::string_view name) const {
  auto begin = locate(name);
  if (!begin) {
    return std::move(begin).error();
  }
  const Member* member = find(name);
  if (!has_checksums_) {
    return timbre::ok();
  }
  std::vector<char> chunk(std::min<std::uint64_t>(member->size, 1U << 20));
  uLong checksum = crc32_z(0, nullptr, 0);
  for (std::uint64_t done = 0; done < member->size; done += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(chunk.size(), member->size - done));
    if (auto status = source_.read(begin.value() + done, chunk); !status) {
      return status;
    }
    checksum = crc32_z(checksum, reinterpret_cast<const Bytef*>(chunk.data()), chunk.size());
  }
  if (checksum != member->crc32) {
    return damaged(quote(name) + " does not match its checksum");
  }
  return timbre::ok();
}

}  // namespace timbre::archive
