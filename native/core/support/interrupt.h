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
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  virtual ~Interrupt() = default;

  /// From any thread; the first reason stays. `why`: ABORTED or ENGINE_CLOSED.
  void cancel(ErrorCode why = ErrorCode::ABORTED) noexcept {
    int none = kRuns;
    cancelled_.compare_exchange_strong(none, static_cast<int>(why), std::memory_order_relaxed);
  }

  /// Whether the work should stop. Some nanoseconds, so that loops may ask often. Virtual for tests, which count.
  virtual bool stops() const noexcept {
    return cancelled_.load(std::memory_order_relaxed) != kRuns || (deadline_ && Clock::now() >= *deadline_);
  }

  /// Why the work should stop: ABORTED, ENGINE_CLOSED or DEADLINE_EXCEEDED.
  std::optional<Error> check() const noexcept {
    if (!stops()) return std::nullopt;
    return reason();
  }

  std::optional<Clock::time_point> deadline() const noexcept { return deadline_; }

 private:
  static constexpr int kRuns = -1;

  Error reason() const noexcept;

  std::atomic<int> cancelled_{kRuns};  ///< an ErrorCode
  std::optional<Clock::time_point> deadline_;
};

/// Of work that nobody stops.
inline const Interrupt kUninterrupted;

}  // namespace timbre
