#pragma once

#include <string>
#include <vector>

#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

/// Which files of this machine somebody else may name. All are absolute paths, as the operator wrote them: links in
/// these are followed.
struct OpenFolders {
  /// A file may be named that lies beneath one of these folders, however deep.
  std::vector<std::string> roots;
  /// Neither these files nor what lies in these folders is opened, though a root holds them or lies in one. Those that
  /// do not exist close nothing.
  std::vector<std::string> closed;
};

/// How names are looked up; `kWalk` is for kernels (before 5.6) and sandboxes without openat2(), and as strict.
enum class Lookup { kOpenat2, kWalk };

/// Opens a regular file for reading by its absolute path, once: whoever uses the descriptor uses the file that was
/// looked at. Beneath the root no link is followed, neither a symbolic one nor one of /proc, so that no exchange of a
/// name in between leads out. Never waits for the other end of a pipe, and opens no device.
///
/// Errors: AUDIO_NOT_FOUND with one text for everything that is refused (no such file, outside, a link, no regular
/// file, in a closed folder, on a file system of the kernel's own, no permission), so that the answer tells nothing
/// about this machine; `why`, if given, is what to log. OVERLOADED where no descriptor is left.
Result<Descriptor> open_beneath(const std::string& path, const OpenFolders& folders, std::string* why = nullptr,
                                Lookup lookup = Lookup::kOpenat2);

}  // namespace timbre
