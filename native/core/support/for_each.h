#pragma once

#include <cstddef>
#include <functional>

#include "support/result.h"

namespace timbre {

/// Runs body(0) ... body(count - 1), perhaps at the same time, and returns when all have run. The first error ends it.
using ForEach = std::function<Status(std::size_t count, const std::function<Status(std::size_t)>& body)>;

/// On the calling thread, one after the other.
inline Status in_turn(std::size_t count, const std::function<Status(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) {
    if (Status done = body(i); !done) return done;
  }
  return ok();
}

/// in_turn(), for whoever keeps no function of his own.
inline const ForEach kInTurn = in_turn;

}  // namespace timbre
