#include "support/open_beneath.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace timbre {

namespace {

/// Folders from a root up to the file system's own, and names from a root down to a file, that are looked at.
constexpr std::size_t kDeepest = 256;

constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// A folder or file whatever it is called, over bind mounts and renames.
struct Place {
  dev_t device;
  ino_t inode;

  bool operator==(const Place&) const = default;
};

std::optional<Place> place_of(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return std::nullopt;
  return Place{status.st_dev, status.st_ino};
}

/// Why a name was not opened, for the log.
struct Refusal {
  std::string why;
  bool no_descriptors = false;
};

Refusal of_system(int reason) {
  return {std::generic_category().message(reason), reason == EMFILE || reason == ENFILE};
}

/// One name in a folder, never a link. Gives -1 and errno.
int open_name(int folder, const std::string& name, int flags, Lookup lookup) {
  static std::atomic<bool> unknown = false;
  if (lookup == Lookup::kOpenat2 && !unknown) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_NOFOLLOW);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const long opened = ::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how);
    if (opened >= 0) return static_cast<int>(opened);
    // EPERM is what seccomp profiles that do not know the call answer; a file that may not be read is EACCES.
    if (errno != ENOSYS && errno != EPERM) return -1;
    unknown = true;
  }
  // A single name that is no link leads nowhere but into the folder.
  return ::openat(folder, name.c_str(), flags | O_NOFOLLOW);
}

/// The names of a path; empty for one that is not absolute or has "." or ".." in it.
std::vector<std::string> names_of(std::string_view path) {
  std::vector<std::string> names;
  if (path.empty() || path.front() != '/') return {};
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name == "." || name == "..") return {};
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

/// What is left of `names` below a folder; none where they do not lead below it.
std::optional<std::vector<std::string>> below(const std::vector<std::string>& names, const std::string& folder) {
  const std::vector<std::string> prefix = names_of(folder);
  if (names.size() <= prefix.size() || !std::equal(prefix.begin(), prefix.end(), names.begin())) return std::nullopt;
  return std::vector<std::string>(names.begin() + static_cast<long>(prefix.size()), names.end());
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> found(::realpath(path.c_str(), nullptr), std::free);
  return found ? found.get() : "";
}

std::vector<Place> places_of(const std::vector<std::string>& paths) {
  std::vector<Place> places;
  for (const std::string& path : paths) {
    const Descriptor opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!opened) continue;
    if (const auto place = place_of(opened.get())) places.push_back(*place);
  }
  return places;
}

bool is_closed(int descriptor, const std::vector<Place>& closed) {
  const auto place = place_of(descriptor);
  return !place || std::ranges::find(closed, *place) != closed.end();
}

/// Whether the folder, or one that it lies in, is closed.
bool lies_in_closed(int folder, const std::vector<Place>& closed) {
  if (is_closed(folder, closed)) return true;
  Descriptor above;
  for (std::size_t step = 0; step < kDeepest; ++step) {
    const int from = above ? above.get() : folder;
    Descriptor next(::openat(from, "..", kFolder));
    if (!next || is_closed(next.get(), closed)) return true;
    if (place_of(next.get()) == place_of(from)) return false;
    above = std::move(next);
  }
  return true;
}

/// Files there are not recordings but the kernel's own, whatever their kind says.
bool is_of_kernel(int file) {
  struct statfs system {};
  if (::fstatfs(file, &system) != 0) return true;
  return system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC || system.f_type == DEBUGFS_MAGIC ||
         system.f_type == TRACEFS_MAGIC || system.f_type == CGROUP2_SUPER_MAGIC;
}

using Opened = std::variant<Descriptor, Refusal>;

Opened open_names(int root, const std::vector<std::string>& names, const std::vector<Place>& closed, Lookup lookup) {
  if (names.size() > kDeepest) return Refusal{"too many folders"};
  Descriptor folder;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    Descriptor next(open_name(folder ? folder.get() : root, names[i], kFolder, lookup));
    if (!next) return of_system(errno);
    if (is_closed(next.get(), closed)) return Refusal{"it lies in a folder of the service's own"};
    folder = std::move(next);
  }
  const int from = folder ? folder.get() : root;
  const std::string& name = names.back();
  // Opening a device may do something to it: its kind is looked at before, and after for good.
  struct stat status {};
  if (::fstatat(from, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return of_system(errno);
  if (!S_ISREG(status.st_mode)) return Refusal{"it is no regular file"};
  Descriptor file(open_name(from, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, lookup));
  if (!file) return of_system(errno);
  if (::fstat(file.get(), &status) != 0) return of_system(errno);
  if (!S_ISREG(status.st_mode)) return Refusal{"it is no regular file"};
  if (is_closed(file.get(), closed)) return Refusal{"it is a file of the service's own"};
  if (is_of_kernel(file.get())) return Refusal{"it is no file on a disk"};
  return file;
}

Opened open_in(const std::vector<std::string>& names, const OpenFolders& folders, Lookup lookup) {
  Refusal refusal{"it lies outside of every root"};
  const std::vector<Place> closed = places_of(folders.closed);
  for (const std::string& root : folders.roots) {
    auto left = below(names, root);
    if (!left) left = below(names, real_path(root));
    if (!left) continue;
    const Descriptor opened(::open(root.c_str(), kFolder));
    if (!opened) {
      refusal = of_system(errno);
    } else if (lies_in_closed(opened.get(), closed)) {
      refusal = {"the root lies in a folder of the service's own"};
    } else {
      Opened file = open_names(opened.get(), *left, closed, lookup);
      if (std::holds_alternative<Descriptor>(file)) return file;
      refusal = std::get<Refusal>(std::move(file));
    }
    if (refusal.no_descriptors) break;
  }
  return refusal;
}

}  // namespace

Result<Descriptor> open_beneath(const std::string& path, const OpenFolders& folders, std::string* why, Lookup lookup) {
  Opened opened = Refusal{"it is no absolute path without detours"};
  if (path.find('\0') == std::string::npos) {
    if (const auto names = names_of(path); !names.empty()) opened = open_in(names, folders, lookup);
  }
  if (auto* file = std::get_if<Descriptor>(&opened)) return std::move(*file);
  const auto& refusal = std::get<Refusal>(opened);
  if (why) *why = refusal.why;
  if (refusal.no_descriptors) {
    return Error{ErrorCode::OVERLOADED,
                 "a recording cannot be opened (" + refusal.why + "); close files or raise the limit (ulimit -n)"};
  }
  return Error{ErrorCode::AUDIO_NOT_FOUND,
               "there is no such recording in a folder that requests may name (AUDIO_ROOTS)"};
}

}  // namespace timbre
