#pragma once

#include <cstddef>
#include <exception>
#include <mutex>
#include <utility>

#include "network/torch_settings.h"
#include "support/for_each.h"
#include "support/interrupt.h"

namespace timbre::network {

/// Thrown between two layers where the interrupt says so, and caught by who embeds.
struct Stopped {
  Error reason;
};

/// Throws Stopped.
inline void stop_if_asked(const Interrupt& interrupt) {
  if (auto reason = interrupt.check()) throw Stopped{*std::move(reason)};
}

/// Runs work(i) for every i below `count`, on any threads. Throws Stopped, and the first of what `work` throws.
template <typename Work>
void for_each_part(const ForEach& for_each, std::size_t count, const Work& work) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto part = [&](std::size_t i) -> Status {
    try {
      const TorchScope scope;
      work(i);
      return ok();
    } catch (Stopped& stopped) {
      return std::move(stopped.reason);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
      return plain_error(ErrorCode::INFERENCE_FAILED, "the network failed on a part of an utterance");
    }
  };
  if (count == 1) return work(0);
  const Status done = for_each(count, part);
  if (thrown) std::rethrow_exception(thrown);
  if (!done) throw Stopped{done.error()};
}

}  // namespace timbre::network
