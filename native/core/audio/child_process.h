#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace timbre {

/// What a child may use; the kernel ends it beyond that.
struct ChildLimits {
  std::uint64_t memory_bytes;
  std::uint64_t cpu_seconds;
};

/// A program run without a shell: stdin from a file, stdout and stderr read here. Never outlives its object, leaves no
/// zombie and inherits no descriptor but those three. Used by one thread.
class ChildProcess {
 public:
  /// `arguments` without the program itself. The child's stdin is `input` (kept by the caller), its environment is
  /// `environment` ("NAME=value"). Errors: OVERLOADED (no descriptors or processes left), INTERNAL.
  static Result<ChildProcess> start(const std::string& program, const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment, int input, const ChildLimits& limits);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  /// Waits at most `patience` for output and copies what there is; 0 bytes when nothing came or, with ended(), when
  /// nothing will. What the child says on stderr is gathered meanwhile.
  std::size_t read(std::span<std::uint8_t> to, std::chrono::milliseconds patience);

  /// Whether stdout and stderr are closed.
  bool ended() const { return out_ < 0 && err_ < 0; }

  /// The first 4 kB of stderr.
  const std::string& said() const { return said_; }

  /// Waits at most `patience` for the exit status: 0 to 255, or 256 and the signal that ended it. None while it runs.
  std::optional<int> wait(std::chrono::milliseconds patience);

 private:
  ChildProcess(pid_t pid, int out, int err) : pid_(pid), out_(out), err_(err) {}

  pid_t pid_;
  int out_;
  int err_;
  std::string said_;
};

}  // namespace timbre
