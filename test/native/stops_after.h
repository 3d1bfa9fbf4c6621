#pragma once

#include <cstddef>
#include <limits>

#include "support/interrupt.h"

namespace timbre::test {

/// Counts how often work asks whether it should stop, and says so from a certain time on. For one thread.
class StopsAfter final : public Interrupt {
 public:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  explicit StopsAfter(std::size_t times = kNever) : times_(times) {}

  bool stops() const noexcept override {
    if (asked_++ == times_) const_cast<StopsAfter*>(this)->cancel();
    return Interrupt::stops();
  }

  std::size_t asked() const { return asked_; }

 private:
  const std::size_t times_;
  mutable std::size_t asked_ = 0;
};

}  // namespace timbre::test
