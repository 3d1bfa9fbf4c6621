#pragma once

#include "support/error.h"

namespace timbre {

/// Runs a stage; what it throws becomes OUT_OF_MEMORY or INTERNAL, so that no exception leaves a thread.
template <typename Stage>
auto guarded(Stage&& stage) noexcept -> decltype(stage()) {
  try {
    return stage();
  } catch (...) {
    return caught_error("embedding", "use fewer workers or shorter recordings");
  }
}

}  // namespace timbre
