#pragma once

#include <linux/filter.h>

#include <span>
#include <string>
#include <vector>

#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

/// What keeps a program from everything but its input and its output. Each is there where the kernel has it and lets
/// this process use it; a container's own rules may forbid them.
struct Walls {
  bool files = false;  ///< Landlock: no file but those it is given
  bool calls = false;  ///< seccomp: no network, no other processes, nothing that changes the system
};

/// Asked of the kernel; nothing changes.
Walls possible_walls();

/// Puts the walls of a process that decodes around the calling one, for good: no file, and no system call but those
/// that reading and answering on what is open already, computing and memory need; no memory becomes code any more.
/// Those that are possible stand after it. Errors: OVERLOADED (no descriptors left), INTERNAL.
Result<Walls> enclose_decoder();

/// Keeps this process's memory from others of its user: no core dumps, nobody attaches to it. For whoever owns the
/// process. 0, or an errno.
int hide_memory() noexcept;

/// The walls around one program, made before it starts. Those that are not possible are left out.
class Enclosure {
 public:
  /// The program may read `input`, run itself and read what it is linked from: the folders of the system's libraries,
  /// those of `library_folders`, and the folder lib beside its own. Errors: OVERLOADED (no descriptors left), INTERNAL.
  static Result<Enclosure> around(const std::string& program, int input, std::span<const std::string> library_folders);

  /// Puts them around the calling process, for good; no program but the one may be run from then on. 0, or an errno.
  /// Calls nothing but the kernel, so that a child may do it between vfork() and execve().
  int enter() const noexcept;

 private:
  Enclosure() = default;

  Descriptor rules_;  ///< of Landlock, where it is possible
  std::span<sock_filter> filter_;
};

}  // namespace timbre
