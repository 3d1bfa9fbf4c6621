#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "contain/walls.h"
#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

/// What a child may use; the kernel ends it beyond that.
struct ChildLimits {
  std::uint64_t memory_bytes;
  std::uint64_t cpu_seconds;
  std::uint64_t descriptors = 64;
};

/// How a child ended.
struct ChildEnd {
  enum class Kind {
    kExited,   ///< by itself, with a status
    kSignal,   ///< ended by a signal
    kUnknown,  ///< somebody else took its status, or the host ignores SIGCHLD and the kernel threw it away
  };
  Kind kind = Kind::kUnknown;
  int value = 0;  ///< the status or the signal

  /// Only what is known to have gone well has gone well.
  bool success() const { return kind == Kind::kExited && value == 0; }
};

/// A program run without a shell, on three streams of the caller's. Never outlives its object nor the thread that
/// started it, leaves no zombie, inherits no descriptor but those three, works in / and writes no file. Used by that
/// thread.
class Child {
 public:
  /// `arguments` without the program itself, `environment` as "NAME=value". Limits and walls stand before the program
  /// runs. Errors: OVERLOADED (no descriptors, processes or memory left), INTERNAL; also where a limit or a wall cannot
  /// be set, and then no child is left.
  static Result<Child> start(const std::string& program, const std::vector<std::string>& arguments,
                             const std::vector<std::string>& environment, const std::array<int, 3>& streams,
                             const ChildLimits& limits, const Enclosure* walls = nullptr);

  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child();

  /// Waits at most `patience` for its end. None while it runs.
  std::optional<ChildEnd> wait(std::chrono::milliseconds patience);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}

  pid_t pid_;
};

/// What a child writes on stdout and says on stderr, read here. Used by one thread.
class ChildOutput {
 public:
  ChildOutput(Descriptor out, Descriptor err) : out_(std::move(out)), err_(std::move(err)) {}

  /// Waits at most `patience` for output and copies what there is; 0 bytes when nothing came or, with ended(), when
  /// nothing will. What the child says on stderr is gathered meanwhile.
  std::size_t read(std::span<std::uint8_t> to, std::chrono::milliseconds patience);

  /// Whether stdout and stderr are closed.
  bool ended() const { return !out_ && !err_; }

  /// The first 4 kB of stderr, or of what has come since it was last taken.
  const std::string& said() const { return said_; }
  /// The same, which is gathered anew from then on.
  std::string take_said() { return std::exchange(said_, {}); }

  /// Of stdout and stderr; whoever takes them reads in this object's place.
  std::pair<Descriptor, Descriptor> take_descriptors() { return {std::move(out_), std::move(err_)}; }

 private:
  Descriptor out_;
  Descriptor err_;
  std::string said_;
};

/// A child whose stdin is a file and whose output is read here.
struct ChildProcess {
  Child child;
  ChildOutput output;

  /// As Child::start(). `input` stays the caller's.
  static Result<ChildProcess> start(const std::string& program, const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment, int input, const ChildLimits& limits,
                                    const Enclosure* walls = nullptr);
};

}  // namespace timbre
