#pragma once

#include <cstddef>
#include <string>

#include "support/descriptor.h"
#include "support/result.h"

namespace timbre::archive {

/// A file that is there whole or not at all: written under a name beside its own, synced, then renamed. What stood
/// under its name stays until then. Not thread-safe.
class AtomicFile {
 public:
  /// Errors: WRITE_FAILED, saying what keeps the file from being made.
  static Result<AtomicFile> create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Gives up what was not committed.
  ~AtomicFile();

  /// Appends. After a failure nothing more is written, and commit() tells.
  void write(const void* bytes, std::size_t count);

  /// Makes the file appear. Errors: WRITE_FAILED, also of an earlier write(); nothing is left behind then.
  Status commit();

 private:
  AtomicFile(std::string path, std::string temporary, Descriptor descriptor);
  int finish();

  std::string path_;
  std::string temporary_;
  Descriptor descriptor_;
  int fault_ = 0;  ///< errno of the first write that failed
};

}  // namespace timbre::archive
