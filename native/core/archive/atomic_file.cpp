#include "archive/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "support/text.h"

namespace timbre::archive {

namespace {

/// What to do about an errno, after its own text.
std::string remedy(int fault) {
  switch (fault) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space, or choose another folder";
    case EFBIG:
      return "; the file system or a limit of this process (ulimit -f) allows no larger file";
    case EROFS:
    case EACCES:
    case EPERM:
      return "; choose a folder that this user may write to";
    case ENOENT:
      return "; make its folder first";
    default:
      return "";
  }
}

Error cannot_write(const std::string& path, int fault) {
  return Error{ErrorCode::WRITE_FAILED,
               quote(path) + " cannot be written: " + std::generic_category().message(fault) + remedy(fault)};
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  static std::atomic<unsigned> count{0};
  if (path.empty() || path.find('\0') != path.npos) {
    return Error{ErrorCode::INVALID_ARGUMENT, "the output path " + quote(path) + " is no path"};
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return cannot_write(path, EISDIR);
  }
  for (;;) {
    const std::string temporary = path + '.' + std::to_string(getpid()) + '-' + std::to_string(++count) + ".part";
    Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (descriptor) {
      return AtomicFile(path, temporary, std::move(descriptor));
    }
    if (errno != EEXIST) {
      return cannot_write(path, errno);
    }
  }
}

AtomicFile::AtomicFile(std::string path, std::string temporary, Descriptor descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(std::move(descriptor)) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::move(other.descriptor_)),
      fault_(other.fault_) {}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::write(const void* bytes, std::size_t count) {
  const auto* from = static_cast<const char*>(bytes);
  while (fault_ == 0 && count > 0) {
    const ssize_t written = ::write(descriptor_.get(), from, count);
    if (written < 0) {
      fault_ = errno == EINTR ? 0 : errno;
    } else {
      from += written;
      count -= static_cast<std::size_t>(written);
    }
  }
}

Status AtomicFile::commit() {
  if (const int fault = finish(); fault != 0) {
    return cannot_write(path_, fault);
  }
  temporary_.clear();
  // The name itself is on the disk only once its folder is; a file system without that has done what it can.
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  const Descriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) {
    ::fsync(directory.get());
  }
  return ok();
}

int AtomicFile::finish() {
  if (fault_ == 0 && ::fsync(descriptor_.get()) != 0) {
    fault_ = errno;
  }
  if (::close(descriptor_.release()) != 0 && fault_ == 0) {
    fault_ = errno;
  }
  if (fault_ == 0 && std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fault_ = errno;
  }
  return fault_;
}

}  // namespace timbre::archive
