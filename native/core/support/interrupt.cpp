#include "support/interrupt.h"

namespace timbre {

Error Interrupt::reason() const noexcept {
  const int cancelled = cancelled_.load(std::memory_order_relaxed);
  if (cancelled == kRuns) {
    return plain_error(ErrorCode::DEADLINE_EXCEEDED, "the deadline passed before the work was done");
  }
  const auto why = static_cast<ErrorCode>(cancelled);
  return plain_error(why, why == ErrorCode::ENGINE_CLOSED ? "the encoder was closed before the call was finished"
                                                          : "the call was aborted before it was finished");
}

}  // namespace timbre
