#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>

#include "support/result.h"

namespace timbre {

/// Parts of one job's work, run by the job's thread and by workers that help. Lies on the stack of the job's thread,
/// which ends it once no helper is left. What is said to be under the lock is under the scheduler's.
class SharedWork {
 public:
  SharedWork(std::size_t count, const std::function<Status(std::size_t)>& body) : count_(count), body_(body) {}

  /// Runs a part that nobody has taken; false where there is none. After an error no further part is taken.
  bool run_next() noexcept;

  /// Whether there are parts that nobody has taken.
  bool has_more() const noexcept { return next_.load(std::memory_order_relaxed) < count_; }

  /// Under the lock.
  void helper_comes() noexcept { ++helpers_; }
  void helper_leaves() noexcept;
  void wait_for_helpers(std::unique_lock<std::mutex>& lock) noexcept;

  /// The first error, once all has run.
  Status outcome() const;

 private:
  const std::size_t count_;
  const std::function<Status(std::size_t)>& body_;
  std::atomic<std::size_t> next_ = 0;
  std::size_t helpers_ = 0;
  std::condition_variable none_left_;
  mutable std::mutex error_mutex_;
  std::optional<Error> error_;
};

}  // namespace timbre
