#pragma once

#include <atomic>
#include <chrono>
#include <optional>

#include "support/error.h"

namespace timbre {

using Clock = std::chrono::steady_clock;

/// A job's reasons to stop early, looked at between stages and inside long ones.
class Interrupt {
 public:
  Interrupt() = default;
  explicit Interrupt(std::optional<Clock::time_point> deadline) : deadline_(deadline) {}

  /// From any thread.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

  /// ABORTED or DEADLINE_EXCEEDED once the work should stop.
  std::optional<Error> check() const {
    if (cancelled_.load(std::memory_order_relaxed)) {
      return Error{ErrorCode::ABORTED, "the call was aborted before it was finished"};
    }
    if (deadline_ && Clock::now() >= *deadline_) {
      return Error{ErrorCode::DEADLINE_EXCEEDED, "the deadline passed before the work was done"};
    }
    return std::nullopt;
  }

  std::optional<Clock::time_point> deadline() const { return deadline_; }

 private:
  std::atomic<bool> cancelled_{false};
  std::optional<Clock::time_point> deadline_;
};

}  // namespace timbre
