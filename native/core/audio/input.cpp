#include "audio/input.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "audio/limits.h"

namespace timbre {

namespace {

/// A path as messages show it: on one line, and not without end.
std::string quoted(const std::string& path) {
  constexpr std::size_t kMost = 512;
  std::string shown = path.size() > kMost ? path.substr(0, kMost) + "..." : path;
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return "'" + shown + "'";
}

Error cannot_open(const std::string& path, int reason) {
  const std::string said = std::generic_category().message(reason);
  switch (reason) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::AUDIO_NOT_FOUND, "there is no file " + quoted(path) + "; check the path"};
    case EACCES:
    case EPERM:
      return {ErrorCode::AUDIO_NOT_FOUND, quoted(path) + " may not be read; give this process permission to read it"};
    case EMFILE:
    case ENFILE:
      return {ErrorCode::OVERLOADED,
              quoted(path) + " cannot be opened (" + said + "); close files or raise the limit (ulimit -n)"};
    case ENXIO:
    case ENODEV:
      return {ErrorCode::AUDIO_UNSUPPORTED, quoted(path) + " is no regular file; give the path of a recording"};
    default:
      return {ErrorCode::AUDIO_NOT_FOUND, quoted(path) + " cannot be opened (" + said + ")"};
  }
}

std::string kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// As fstat(), without the names that the C library's own call could be given too: walls let it pass.
int status_of(int file, struct stat& status) { return static_cast<int>(::syscall(SYS_fstat, file, &status)); }

/// Whether all of it was written.
bool write_all(int file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<Error> refused(const std::string& name, std::uint64_t size, const AudioLimits& limits) {
  if (size == 0) return Error{ErrorCode::AUDIO_CORRUPT, name + " is empty (0 bytes)"};
  if (size > limits.max_bytes) return too_large(name, size, limits);
  return std::nullopt;
}

}  // namespace

Result<Input> Input::open(const AudioPath& path, const AudioLimits& limits) {
  if (path.path.empty()) return Error{ErrorCode::INVALID_ARGUMENT, "the path of the recording is empty"};
  if (path.path.find('\0') != std::string::npos) {
    return Error{ErrorCode::INVALID_ARGUMENT, "the path of the recording holds a NUL character"};
  }
  // A named pipe opens at once with O_NONBLOCK, and nothing is read from it.
  const int descriptor = ::open(path.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return cannot_open(path.path, errno);
  return of(quoted(path.path), std::make_shared<const Descriptor>(descriptor), limits);
}

Result<Input> Input::of(const AudioFile& file, const AudioLimits& limits) {
  return of("the recording", file.descriptor, limits);
}

Result<Input> Input::of(std::string name, std::shared_ptr<const Descriptor> file, const AudioLimits& limits) {
  struct stat status {};
  if (status_of(file->get(), status) != 0) {
    return Error{ErrorCode::AUDIO_NOT_FOUND,
                 name + " cannot be looked at (" + std::generic_category().message(errno) + ")"};
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED,
                 name + " is " + kind(status.st_mode) + ", not a regular file; give the path of a recording"};
  }
  Input input(std::move(name), static_cast<std::uint64_t>(status.st_size), std::move(file), {});
  input.written_ = status.st_mtim;
  if (auto error = refused(input.name_, input.size_, limits)) return *error;
  return input;
}

Result<Input> Input::of(const AudioBytes& bytes, const AudioLimits& limits) {
  return of("the recording", bytes.bytes, limits);
}

Result<Input> Input::of(std::string name, std::span<const std::uint8_t> memory, const AudioLimits& limits) {
  Input input(std::move(name), memory.size(), nullptr, memory);
  if (auto error = refused(input.name_, input.size_, limits)) return *error;
  return input;
}

Result<Input> Input::of(const AudioSource& source, const AudioLimits& limits) {
  if (const auto* path = std::get_if<AudioPath>(&source)) return open(*path, limits);
  if (const auto* file = std::get_if<AudioFile>(&source)) return of(*file, limits);
  return of(std::get<AudioBytes>(source), limits);
}

Input Input::composed(const Input& base, std::vector<Piece> pieces) {
  Input input(base.name_, 0, nullptr, {});
  input.base_ = &base;
  for (const Piece& piece : pieces) {
    input.starts_.push_back(input.size_);
    input.size_ += piece.size;
  }
  input.pieces_ = std::move(pieces);
  return input;
}

Result<Input::HandedOver> Input::hand_over() const {
  if (file_) {
    // Opened anew: where a descriptor stands, and what else it may do, is shared with those made of it.
    Descriptor again(::open(("/proc/self/fd/" + std::to_string(file_->get())).c_str(), O_RDONLY | O_CLOEXEC));
    if (again) return HandedOver{std::move(again), false};
  }
  const auto failed = [this] {
    const bool descriptors = errno == EMFILE || errno == ENFILE;
    return Error{descriptors ? ErrorCode::OVERLOADED : ErrorCode::OUT_OF_MEMORY,
                 name_ + " could not be handed to its decoder (" + std::generic_category().message(errno) + ")"};
  };
  Descriptor copy(::memfd_create("timbre-recording", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) return failed();
  if (!file_ && !base_) {
    if (!write_all(copy.get(), memory_)) return failed();
  } else {
    std::vector<std::uint8_t> block(static_cast<std::size_t>(std::min<std::uint64_t>(size_, 1 << 18)));
    for (std::uint64_t offset = 0; offset < size_;) {
      const std::size_t got = read(offset, block);
      if (got == 0) break;
      if (!write_all(copy.get(), std::span(block).first(got))) return failed();
      offset += got;
    }
  }
  constexpr int kFrozen = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(copy.get(), F_ADD_SEALS, kFrozen) != 0 || ::lseek(copy.get(), 0, SEEK_SET) < 0) return failed();
  return HandedOver{std::move(copy), true};
}

std::size_t Input::read(std::uint64_t offset, std::span<std::uint8_t> to) const {
  if (offset >= size_) return 0;
  to = to.first(static_cast<std::size_t>(std::min<std::uint64_t>(to.size(), size_ - offset)));
  if (base_) return read_pieces(offset, to);
  if (file_) return read_file(offset, to);
  if (!to.empty()) std::memcpy(to.data(), memory_.data() + offset, to.size());
  return to.size();
}

std::size_t Input::read_file(std::uint64_t offset, std::span<std::uint8_t> to) const {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = ::pread(file_->get(), to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::size_t Input::read_pieces(std::uint64_t offset, std::span<std::uint8_t> to) const {
  auto at = static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin()) - 1;
  std::size_t done = 0;
  for (; at < pieces_.size() && done < to.size(); ++at) {
    const Piece& piece = pieces_[at];
    const std::uint64_t within = offset + done - starts_[at];
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(to.size() - done, piece.size - within));
    if (piece.own.empty()) {
      const std::size_t got = base_->read(piece.offset + within, to.subspan(done, wanted));
      done += got;
      if (got < wanted) break;
    } else {
      std::memcpy(to.data() + done, piece.own.data() + within, wanted);
      done += wanted;
    }
  }
  return done;
}

Input::Change Input::change() const {
  if (base_) return base_->change();
  if (!file_) return Change::kNone;
  struct stat status {};
  if (status_of(file_->get(), status) != 0) return Change::kRewritten;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > size_) return Change::kGrew;
  const bool touched = status.st_mtim.tv_sec != written_.tv_sec || status.st_mtim.tv_nsec != written_.tv_nsec;
  return size < size_ || touched ? Change::kRewritten : Change::kNone;
}

std::size_t Cursor::read(std::span<std::uint8_t> to) {
  const std::size_t got = input.read(position, to);
  position += got;
  return got;
}

std::int64_t Cursor::seek(std::int64_t offset, int whence) {
  const auto size = static_cast<std::int64_t>(input.size());
  const std::int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? static_cast<std::int64_t>(position) : size;
  std::int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > size) return -1;
  position = static_cast<std::uint64_t>(target);
  return target;
}

}  // namespace timbre
